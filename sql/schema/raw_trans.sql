-- One transaction. Key: trans_id, which does not order the rows within a day.
create table raw_trans (
    trans_id int not null,
    account_id int not null,
    date date not null,
    type varchar(16) not null,
    operation varchar(16) null,
    amount decimal(14, 2) not null,
    balance decimal(14, 2) not null,
    k_symbol varchar(16) null,
    bank varchar(8) null,
    account varchar(16) null,
    primary key (trans_id),
    foreign key (account_id) references raw_account (account_id),
    check (type in ('PRIJEM', 'VYDAJ', 'VYBER')),
    check (operation in ('VYBER KARTOU', 'VKLAD', 'PREVOD Z UCTU', 'VYBER', 'PREVOD NA UCET')),
    check (k_symbol in ('POJISTNE', 'SLUZBY', 'UROK', 'SANKC. UROK', 'SIPO', 'DUCHOD', 'UVER'))
) default charset = utf8mb4 collate = utf8mb4_bin;

create index raw_trans_by_account on raw_trans (account_id, date);
