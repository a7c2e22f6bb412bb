-- One row per application with account, owner, district and card, and how the loan ended where that is known.
-- Key: loan_id. Cutoff: cards.issued_on < applications.granted_on, strictly.
-- Only the OWNER disposition is joined: joining them all would repeat the loans of shared accounts.
with wanted as (
    select * from applications
),

accounts as (
    select * from stg_accounts
),

owners as (
    select
        stg_dispositions.account_id,
        stg_dispositions.disposition_id,
        stg_clients.sex,
        stg_clients.born_on
    from stg_dispositions
    inner join stg_clients on stg_clients.client_id = stg_dispositions.client_id
    where stg_dispositions.role = 'owner'
),

cards_by_age as (
    select
        wanted.loan_id,
        stg_cards.card_type,
        stg_cards.issued_on,
        row_number() over (
            partition by wanted.loan_id
            order by stg_cards.issued_on desc, stg_cards.card_id desc
        ) as card_rank
    from wanted
    inner join owners on owners.account_id = wanted.account_id
    inner join stg_cards
        on stg_cards.disposition_id = owners.disposition_id
        and stg_cards.issued_on < wanted.granted_on
),

newest_card as (
    select * from cards_by_age where card_rank = 1
),

final as (
    select
        wanted.loan_id,
        wanted.account_id,
        wanted.granted_on,
        wanted.amount_czk,
        wanted.duration_months,
        accounts.opened_on,
        accounts.statement_frequency,
        accounts.district_id,
        stg_districts.district_name,
        stg_districts.district_region,
        stg_districts.inhabitants as district_inhabitants,
        stg_districts.urban_percent as district_urban_percent,
        stg_districts.average_salary_czk as district_average_salary_czk,
        stg_districts.unemployment_1995_percent as district_unemployment_1995_percent,
        stg_districts.unemployment_1996_percent as district_unemployment_1996_percent,
        stg_districts.entrepreneurs_per_1000 as district_entrepreneurs_per_1000,
        stg_districts.crimes_1995 as district_crimes_1995,
        stg_districts.crimes_1996 as district_crimes_1996,
        owners.sex as owner_sex,
        owners.born_on as owner_born_on,
        coalesce(newest_card.card_type, 'none') as card_type,
        newest_card.issued_on as card_issued_on,
        stg_loans.status,
        stg_loans.is_finished,
        stg_loans.defaulted
    from wanted
    inner join accounts on accounts.account_id = wanted.account_id
    inner join owners on owners.account_id = wanted.account_id
    inner join stg_districts on stg_districts.district_id = accounts.district_id
    left join newest_card on newest_card.loan_id = wanted.loan_id
    left join stg_loans on stg_loans.loan_id = wanted.loan_id
)

select * from final
