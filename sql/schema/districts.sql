-- One row per district: what the form needs to ask for a district by name. Key: district_id.
create table districts (
    district_id int not null,
    district_name varchar(64) not null,
    district_region varchar(64) not null,
    district_average_salary_czk int not null,
    primary key (district_id)
) default charset = utf8mb4 collate = utf8mb4_bin;
