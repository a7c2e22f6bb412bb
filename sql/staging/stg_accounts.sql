-- One row per account. Key: account_id.
select
    account_id,
    district_id,
    date as opened_on,
    case frequency
        when 'POPLATEK MESICNE' then 'monthly'
        when 'POPLATEK TYDNE' then 'weekly'
        when 'POPLATEK PO OBRATU' then 'after_transaction'
    end as statement_frequency
from raw_account
