"""The loans to learn from: a feature table of the current run, with what else is known about each loan."""

from dataclasses import dataclass

import pandas as pd

from features.sets import feature_set
from payoff import runs
from payoff.choices import Population
from payoff.errors import ContractError
from payoff.lake import Lake
from training.select import offered


@dataclass(frozen=True)
class Loans:
    """Loans with known features.

    Attributes
    ----------
    run : str
        The run of the ETL that they come from.
    table : DataFrame, one row per loan, by loan_id
        loan_id, granted_on, defaulted and the features.
    offered : tuple of str
        The features that are worth choosing from.
    about : DataFrame, the same rows
        amount_czk, is_finished, owner_sex, owner_born_on, district_region: for costs and audits, not to train on.
    """

    run: str
    table: pd.DataFrame
    offered: tuple[str, ...]
    about: pd.DataFrame


_ABOUT = ["amount_czk", "is_finished", "owner_sex", "owner_born_on", "district_region"]


def read_loans(lake: Lake, set_name: str, population: Population = "all") -> Loans:
    """The loans of the current run; ``finished`` leaves out those still being paid back, whose end is not settled.

    Raises
    ------
    LakeError
        Nothing was exported yet, or the features of this set were not built.
    ContractError
        The table was built by another version of the program.
    """
    run = runs.current_run(lake)
    table = runs.read_features(lake, run, set_name).to_pandas().sort_values("loan_id", ignore_index=True)
    names = tuple(offered(feature_set(set_name)))
    if missing := sorted(set(names) - set(table.columns)):
        lacks = f"the {set_name} table of run {run} lacks {len(missing)} features, {missing[0]} first"
        raise ContractError(f"{lacks}. Another version built it; run `payoff features build --set {set_name}`.")
    about = runs.read_mart(lake, run, "loans").to_pandas().set_index("loan_id")[_ABOUT].loc[table["loan_id"]]
    about["amount_czk"] = about["amount_czk"].astype("float64")
    if population == "finished":
        kept = about["is_finished"].to_numpy(dtype=bool)
        table, about = table[kept].reset_index(drop=True), about[kept]
    return Loans(run, table, names, about)
