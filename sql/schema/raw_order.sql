-- One standing order. Undated: a snapshot taken after the loans were granted. Key: order_id.
create table raw_order (
    order_id int not null,
    account_id int not null,
    bank_to varchar(8) null,
    account_to varchar(16) null,
    amount decimal(14, 2) not null,
    k_symbol varchar(16) null,
    primary key (order_id),
    foreign key (account_id) references raw_account (account_id),
    check (k_symbol in ('POJISTNE', 'SIPO', 'LEASING', 'UVER'))
) default charset = utf8mb4 collate = utf8mb4_bin;
