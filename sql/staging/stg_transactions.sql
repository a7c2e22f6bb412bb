-- One row per transaction. Key: transaction_id, which does not order the rows within a day.
-- The type VYBER (withdrawal) is a debit whose operation was entered in the wrong column.
select
    trans_id as transaction_id,
    account_id,
    date as booked_on,
    case when type = 'PRIJEM' then 'credit' else 'debit' end as direction,
    case operation
        when 'VKLAD' then 'cash_deposit'
        when 'VYBER' then 'cash_withdrawal'
        when 'VYBER KARTOU' then 'card_withdrawal'
        when 'PREVOD Z UCTU' then 'transfer_in'
        when 'PREVOD NA UCET' then 'transfer_out'
        else 'none'
    end as operation,
    case k_symbol
        when 'POJISTNE' then 'insurance'
        when 'SLUZBY' then 'statement'
        when 'UROK' then 'interest'
        when 'SANKC. UROK' then 'sanction_interest'
        when 'SIPO' then 'household'
        when 'DUCHOD' then 'pension'
        when 'UVER' then 'loan'
        else 'none'
    end as purpose,
    amount as amount_czk,
    case when type = 'PRIJEM' then amount else -amount end as signed_amount_czk,
    balance as balance_czk
from raw_trans
