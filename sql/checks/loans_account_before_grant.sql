-- loans: every account was opened before its loan was granted.
select loan_id, opened_on, granted_on
from loans
where opened_on >= granted_on
