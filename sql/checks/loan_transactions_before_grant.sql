-- loan_transactions: nothing on or after the day of the grant.
select loan_id, transaction_id, days_before
from loan_transactions
where days_before <= 0
