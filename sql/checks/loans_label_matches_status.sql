-- loans: a loan is defaulted exactly when its status is defaulted or in debt.
select loan_id, status, defaulted
from loans
where defaulted <> case when status in ('defaulted', 'in_debt') then 1 else 0 end
