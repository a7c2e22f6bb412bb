-- loan_transactions: amounts are unsigned; the direction says which way the money went.
select loan_id, transaction_id, amount_czk
from loan_transactions
where amount_czk < 0
