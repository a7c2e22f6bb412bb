-- One row per application and person who may use its account. Key: loan_id, disposition_id.
-- No cutoff is possible: dispositions carry no date. Not for point-in-time feature sets.
select
    applications.loan_id,
    stg_dispositions.disposition_id,
    stg_dispositions.role
from applications
inner join stg_dispositions on stg_dispositions.account_id = applications.account_id
