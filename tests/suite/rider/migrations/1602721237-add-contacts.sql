-- Add the contacts

-- step
create table contacts (id int not null);

-- rollback
drop table contacts;
