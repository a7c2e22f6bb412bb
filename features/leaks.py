"""What the point-in-time rules keep out, computed on purpose, to measure what each leak would have bought."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, timedelta

import pandas as pd

from features.lookup import Application, build_for
from features.rendering import query
from features.sets import SYNTHESISED, bank
from features.synthesis import candidates
from features.table import answered, joined
from payoff.warehouse import Warehouse

#: The last day of the data is before it, so that as of then everything has happened.
THE_END = date(1999, 12, 31)
#: Days that the canary moves the cutoff by; the planted row lies on the day of the grant.
CANARY_DAYS = (-30, -1, 0, 1, 30)

_LATER = {
    "transactions": """
        select count(*) as later from stg_transactions
        inner join applications on applications.account_id = stg_transactions.account_id
        where stg_transactions.booked_on >= applications.granted_on""",
    "cards": """
        select count(*) as later from stg_cards
        inner join stg_dispositions on stg_dispositions.disposition_id = stg_cards.disposition_id
        inner join applications on applications.account_id = stg_dispositions.account_id
        where stg_dispositions.role = 'owner' and stg_cards.issued_on >= applications.granted_on""",
}

# A row that gives the end away: whoever defaulted spends a fortune by card on the day of the grant.
_PLANT = """
insert into planted (
    transaction_id, account_id, booked_on, direction, operation, purpose, amount_czk, signed_amount_czk, balance_czk
)
select 900000000 + loan_id, account_id, granted_on, 'debit', 'card_withdrawal', 'none', 1000000, -1000000, -1000000
from loans
where defaulted = 1
"""


@dataclass(frozen=True)
class Granted:
    """The loans of a warehouse: their ids, and what each asked for."""

    loan_ids: tuple[int, ...]
    applications: tuple[Application, ...]


def granted(warehouse: Warehouse) -> Granted:
    """Every loan of the warehouse, by loan_id."""
    columns = "loan_id, account_id, granted_on, amount_czk, duration_months"
    rows = warehouse.query(f"select {columns} from applications order by loan_id").to_pylist()
    return Granted(tuple(row.pop("loan_id") for row in rows), tuple(Application(**row) for row in rows))


def later_rows(warehouse: Warehouse, what: str) -> int:
    """How many ``transactions`` or ``cards`` are dated on or after the grant of their account's loan."""
    return int(warehouse.query(_LATER[what]).to_pylist()[0]["later"])


def undated_features(warehouse: Warehouse, entity: str) -> pd.DataFrame:
    """The synthesised features of an undated entity, one row per loan, by loan_id."""
    wanted = [each for each in candidates(bank(), undated=[entity]) if each.known == "undated"]
    table = joined(answered(warehouse, query(bank(), wanted)), bank(), wanted)
    return table.set_index("loan_id").astype("float64")


def as_of(warehouse: Warehouse, loans: Granted, moved: int | date) -> pd.DataFrame:
    """The full set with the cutoff moved by days, or to one day for all, one row per loan, by loan_id."""
    asked = [replace(each, granted_on=_moved(each.granted_on, moved)) for each in loans.applications]
    table = build_for(warehouse, asked, SYNTHESISED)
    return table.drop(columns=["account_id", "granted_on"]).set_axis(list(loans.loan_ids)).rename_axis("loan_id")


def _moved(day: date, moved: int | date) -> date:
    return moved if isinstance(moved, date) else day + timedelta(days=moved)


@contextmanager
def planted_canary(warehouse: Warehouse) -> Iterator[None]:
    """For this connection: on the day of each grant that ended badly, a transaction that gives it away."""
    warehouse.run("create temporary table planted as select * from stg_transactions")
    try:
        warehouse.run(_PLANT)
        # A table of the same name hides the view.
        warehouse.run("create temporary table stg_transactions as select * from planted")
        try:
            yield
        finally:
            warehouse.run("drop temporary table stg_transactions")
    finally:
        warehouse.run("drop temporary table planted")
