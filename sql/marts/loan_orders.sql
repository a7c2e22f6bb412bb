-- One row per application and standing order of its account. Key: loan_id, order_id.
-- No cutoff is possible: standing orders carry no date. Not for point-in-time feature sets.
select
    applications.loan_id,
    stg_orders.order_id,
    stg_orders.amount_czk,
    stg_orders.purpose
from applications
inner join stg_orders on stg_orders.account_id = applications.account_id
