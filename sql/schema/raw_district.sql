-- Demographics of one district, one snapshot with figures of 1995 and 1996.
-- Key: district_id. a2 .. a16 keep their published names here; staging renames them.
create table raw_district (
    district_id int not null,
    a2 varchar(64) not null,
    a3 varchar(64) not null,
    a4 int not null,
    a5 int not null,
    a6 int not null,
    a7 int not null,
    a8 int not null,
    a9 int not null,
    a10 decimal(6, 2) not null,
    a11 int not null,
    a12 decimal(6, 2) null,
    a13 decimal(6, 2) null,
    a14 int not null,
    a15 int null,
    a16 int null,
    primary key (district_id)
) default charset = utf8mb4 collate = utf8mb4_bin;
