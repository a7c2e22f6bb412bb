-- One loan. Status A finished and paid, B finished and defaulted, C running and fine, D running and in debt. Key: loan_id.
create table raw_loan (
    loan_id int not null,
    account_id int not null,
    date date not null,
    amount decimal(14, 2) not null,
    duration int not null,
    payments decimal(14, 2) not null,
    status char(1) not null,
    primary key (loan_id),
    foreign key (account_id) references raw_account (account_id),
    check (status in ('A', 'B', 'C', 'D'))
) default charset = utf8mb4 collate = utf8mb4_bin;
