-- Where the raw tables came from, as name and value. Key: name.
create table origin (
    name varchar(64) not null,
    value varchar(1024) not null,
    primary key (name)
) default charset = utf8mb4 collate = utf8mb4_bin;
