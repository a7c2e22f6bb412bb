-- One row per loan asked for, granted or not: what the bank knows when it decides. Key: loan_id.
create table applications (
    loan_id int not null,
    account_id int not null,
    granted_on date not null,
    amount_czk decimal(14, 2) not null,
    duration_months int not null,
    primary key (loan_id)
) default charset = utf8mb4 collate = utf8mb4_bin;

create index applications_by_account on applications (account_id, granted_on);
