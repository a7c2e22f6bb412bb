-- One row per application and transaction booked before its grant. Key: loan_id, transaction_id.
create table loan_transactions (
    loan_id int not null,
    transaction_id int not null,
    account_id int not null,
    booked_on date not null,
    days_before int not null,
    direction varchar(8) not null,
    operation varchar(32) not null,
    purpose varchar(32) not null,
    amount_czk decimal(14, 2) not null,
    signed_amount_czk decimal(14, 2) not null,
    balance_czk decimal(14, 2) not null,
    primary key (loan_id, transaction_id)
) default charset = utf8mb4 collate = utf8mb4_bin;
