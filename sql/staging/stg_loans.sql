-- One row per loan. Key: loan_id. Labels of running loans are immature: they may still change.
select
    loan_id,
    account_id,
    date as granted_on,
    amount as amount_czk,
    duration as duration_months,
    payments as instalment_czk,
    case status
        when 'A' then 'paid'
        when 'B' then 'defaulted'
        when 'C' then 'running'
        when 'D' then 'in_debt'
    end as status,
    case when status in ('A', 'B') then 1 else 0 end as is_finished,
    case when status in ('B', 'D') then 1 else 0 end as defaulted
from raw_loan
