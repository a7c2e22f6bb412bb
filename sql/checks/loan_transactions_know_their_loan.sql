-- loan_transactions: every row belongs to an application, and to its account.
select loan_transactions.loan_id, loan_transactions.transaction_id
from loan_transactions
left join applications
    on applications.loan_id = loan_transactions.loan_id
    and applications.account_id = loan_transactions.account_id
where applications.loan_id is null
