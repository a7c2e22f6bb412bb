-- loans: no card issued on or after the day of the grant.
select loan_id, granted_on, card_issued_on
from loans
where card_issued_on >= granted_on
