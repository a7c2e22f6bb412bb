-- One card, issued to a disposition. Key: card_id.
create table raw_card (
    card_id int not null,
    disp_id int not null,
    type varchar(16) not null,
    issued date not null,
    primary key (card_id),
    foreign key (disp_id) references raw_disp (disp_id),
    check (type in ('classic', 'junior', 'gold'))
) default charset = utf8mb4 collate = utf8mb4_bin;
