-- Add authors and books

-- step
create table authors (
    id integer primary key,
    name text not null unique,
    born integer not null,
    country text not null
);

-- rollback
drop table authors;

-- step
create table books (
    id integer primary key,
    author_id integer not null references authors (id),
    title text not null,
    year integer not null,
    language text not null,
    unique (author_id, title)
);

-- rollback
drop table books;
