-- message: Count the copies of each book
-- depends: 1735689600-add-authors-and-books

-- step
alter table books add column copies integer not null default 3
    constraint books_copies_check check (copies >= 0);

-- rollback
alter table books drop column copies;
