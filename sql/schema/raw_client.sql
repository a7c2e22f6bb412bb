-- One person; gender and birth date are decoded from the birth number where the source has not done so. Key: client_id.
create table raw_client (
    client_id int not null,
    gender char(1) not null,
    birth_date date not null,
    district_id int not null,
    primary key (client_id),
    foreign key (district_id) references raw_district (district_id),
    check (gender in ('F', 'M'))
) default charset = utf8mb4 collate = utf8mb4_bin;
