-- message: add contacts

-- step
create table contacts (id integer primary key, name varchar(100) not null);

-- rollback
drop table contacts;
