-- One row per loan asked for. Key: loan_id.
-- The other marts read this relation only, so that a loan that does not exist yet can be asked about in the same way.
select
    loan_id,
    account_id,
    granted_on,
    amount_czk,
    duration_months
from stg_loans
