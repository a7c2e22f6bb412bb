-- One row per application and standing order of its account. Undated, so never part of a point-in-time feature set;
-- kept to reproduce published work. Key: loan_id, order_id.
create table loan_orders (
    loan_id int not null,
    order_id int not null,
    amount_czk decimal(14, 2) not null,
    purpose varchar(32) not null,
    primary key (loan_id, order_id)
) default charset = utf8mb4 collate = utf8mb4_bin;
