-- One row per application and person who may use its account. Undated, so never part of a point-in-time feature set;
-- kept to reproduce published work and to measure what it would have leaked. Key: loan_id, disposition_id.
create table loan_persons (
    loan_id int not null,
    disposition_id int not null,
    role varchar(8) not null,
    primary key (loan_id, disposition_id)
) default charset = utf8mb4 collate = utf8mb4_bin;
