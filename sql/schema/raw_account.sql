-- One account. Key: account_id.
create table raw_account (
    account_id int not null,
    district_id int not null,
    frequency varchar(32) not null,
    date date not null,
    primary key (account_id),
    foreign key (district_id) references raw_district (district_id),
    check (frequency in ('POPLATEK MESICNE', 'POPLATEK TYDNE', 'POPLATEK PO OBRATU'))
) default charset = utf8mb4 collate = utf8mb4_bin;
