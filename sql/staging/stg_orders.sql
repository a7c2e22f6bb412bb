-- One row per standing order. Key: order_id. Undated: a snapshot taken after the loans were granted.
select
    order_id,
    account_id,
    amount as amount_czk,
    case k_symbol
        when 'POJISTNE' then 'insurance'
        when 'SIPO' then 'household'
        when 'LEASING' then 'leasing'
        when 'UVER' then 'loan'
        else 'none'
    end as purpose
from raw_order
