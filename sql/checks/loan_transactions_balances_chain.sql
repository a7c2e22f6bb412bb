-- loan_transactions: the history is complete, so that on every day one stored balance meets the running sum of
-- signed amounts. Published balances drift by up to 0.60; a source that rounds to whole crowns by half a crown a row.
with days as (
    select
        loan_id,
        booked_on,
        sum(signed_amount_czk) as signed_amount_czk,
        count(*) as count_rows
    from loan_transactions
    group by loan_id, booked_on
),

running as (
    select
        loan_id,
        booked_on,
        sum(signed_amount_czk) over (
            partition by loan_id order by booked_on rows between unbounded preceding and current row
        ) as closing_czk,
        sum(count_rows) over (
            partition by loan_id order by booked_on rows between unbounded preceding and current row
        ) as count_rows
    from days
),

nearest as (
    select
        running.loan_id,
        running.booked_on,
        running.count_rows,
        min(abs(running.closing_czk - loan_transactions.balance_czk)) as gap_czk
    from running
    inner join loan_transactions
        on loan_transactions.loan_id = running.loan_id
        and loan_transactions.booked_on = running.booked_on
    group by running.loan_id, running.booked_on, running.count_rows
)

select * from nearest where gap_czk > 1 + 0.5 * count_rows
