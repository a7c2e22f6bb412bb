-- A disposition: one person's right to use one account. Undated. Key: disp_id.
create table raw_disp (
    disp_id int not null,
    client_id int not null,
    account_id int not null,
    type varchar(16) not null,
    primary key (disp_id),
    foreign key (client_id) references raw_client (client_id),
    foreign key (account_id) references raw_account (account_id),
    check (type in ('OWNER', 'DISPONENT'))
) default charset = utf8mb4 collate = utf8mb4_bin;
