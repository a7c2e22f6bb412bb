-- One row per application and transaction booked before it.
-- Key: loan_id, transaction_id. Cutoff: booked_on < granted_on, strictly.
with wanted as (
    select * from applications
),

transactions as (
    select * from stg_transactions
),

history as (
    select
        wanted.loan_id,
        transactions.transaction_id,
        transactions.account_id,
        transactions.booked_on,
        datediff(wanted.granted_on, transactions.booked_on) as days_before,
        transactions.direction,
        transactions.operation,
        transactions.purpose,
        transactions.amount_czk,
        transactions.signed_amount_czk,
        transactions.balance_czk
    from wanted
    inner join transactions
        on transactions.account_id = wanted.account_id
        and transactions.booked_on < wanted.granted_on
)

select * from history
