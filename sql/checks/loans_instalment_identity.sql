-- loans: amount = duration × instalment, so the instalment is derived and never asked for.
select loan_id, amount_czk, duration_months, instalment_czk
from stg_loans
where amount_czk <> duration_months * instalment_czk
