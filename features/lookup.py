"""As-of lookups: the features that an account would have had on a day, for a loan of given terms.

The applications take the place of the loans, in temporary tables of the same names as the marts, and the same SQL runs
over them: marts, then features. So a loan that was granted gets its training row again, and one that was not yet asked
for gets what training would have seen.
"""

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

import pandas as pd
import pyarrow as pa

from features.table import build, marts_of
from payoff import schema
from payoff.errors import ContractError
from payoff.warehouse import Warehouse, create_table, fill_mart

_APPLICATIONS = "applications"
#: What the columns of applications cannot hold, and no bank lends.
_TOO_MUCH, _TOO_LONG, _TOO_HIGH = 10**12, 1000, 2**31
_HELLER = Decimal("0.01")


@dataclass(frozen=True)
class Application:
    """A loan that an account asks for: the day of the decision, CZK to lend, and months to pay it back."""

    account_id: int
    granted_on: date
    amount_czk: Decimal
    duration_months: int


def build_for(
    warehouse: Warehouse, applications: Sequence[Application], set_name: str, only: Collection[str] | None = None
) -> pd.DataFrame:
    """The features of each application, as of the day before its decision; with ``only``, no others than those.

    Returns
    -------
    DataFrame, one row per application, in their order
        ``account_id``, ``granted_on`` and the features of the set, as :func:`features.table.build` gives them. An
        account without transactions before that day has missing values.

    Raises
    ------
    ContractError
        An account is not known, has no owner, or was not open on that day; an amount or a duration is impossible.
    """
    _check_terms(applications)
    # Negative, so that no application is taken for a loan that was granted.
    asked = pd.DataFrame({"loan_id": -number, **vars(each)} for number, each in enumerate(applications, start=1))
    with _in_place_of_the_loans(warehouse, asked, marts_of(set_name)):
        _check_accounts(warehouse, asked)
        table = build(warehouse, set_name, only).set_index("loan_id").loc[asked["loan_id"]].reset_index(drop=True)
    table.insert(0, "account_id", asked["account_id"])
    return table.drop(columns="defaulted")


@contextmanager
def _in_place_of_the_loans(warehouse: Warehouse, asked: pd.DataFrame, marts: Sequence[str]) -> Iterator[None]:
    made: list[str] = []
    rows = pa.Table.from_pandas(asked, schema=schema.table_spec(_APPLICATIONS).arrow, preserve_index=False)
    try:
        for table in (_APPLICATIONS, *marts):
            create_table(warehouse, table, temporary=True)
            made.append(table)
            if table == _APPLICATIONS:
                warehouse.insert(_APPLICATIONS, rows)
            else:
                fill_mart(warehouse, table)
        yield
    finally:
        for name in reversed(made):
            warehouse.run(f"drop temporary table {name}")


def _check_terms(applications: Sequence[Application]) -> None:
    if not applications:
        raise ContractError("there is no application to look up")
    for each in applications:
        asks = f"account {each.account_id} asks for {each.amount_czk} CZK over {each.duration_months} months"
        if not (
            each.amount_czk.is_finite() and 0 < each.amount_czk < _TOO_MUCH and 0 < each.duration_months < _TOO_LONG
        ):
            raise ContractError(f"{asks}; expected more than 0 CZK and fewer than {_TOO_MUCH:,}, and 1 to 999 months")
        if each.amount_czk != each.amount_czk.quantize(_HELLER):
            raise ContractError(f"{asks}; expected at most two digits after the point")
        if not 0 < each.account_id < _TOO_HIGH:
            raise ContractError(
                f"there is no account {each.account_id}; ids are whole numbers above 0, as the source has them"
            )


def _check_accounts(warehouse: Warehouse, asked: pd.DataFrame) -> None:
    found = warehouse.query("select loan_id, opened_on from loans").to_pandas().set_index("loan_id")["opened_on"]
    opened = asked["loan_id"].map(found)
    if (missing := asked[opened.isna()]).shape[0]:
        accounts = ", ".join(map(str, missing["account_id"].unique()[:5]))
        raise ContractError(
            f"the warehouse has no account {accounts} with an owner. Account ids are those of the source."
        )
    late = asked[pd.to_datetime(opened) >= pd.to_datetime(asked["granted_on"])]
    for row in late.head(1).itertuples():
        since = f"account {row.account_id} was opened on {opened[row.Index]}"
        raise ContractError(f"{since}, which is not before {row.granted_on}. Ask for a later day.")
