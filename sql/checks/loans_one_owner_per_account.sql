-- loans: every account with a loan has exactly one owner.
select stg_loans.loan_id, count(stg_dispositions.disposition_id) as count_owners
from stg_loans
left join stg_dispositions
    on stg_dispositions.account_id = stg_loans.account_id
    and stg_dispositions.role = 'owner'
group by stg_loans.loan_id
having count(stg_dispositions.disposition_id) <> 1
