"""featuretools builds features like ours, by deep feature synthesis over loans and the transactions before each.

    python benchmarks/peers/featuretools_peer.py DIRECTORY [--cut-first]

Run by benchmarks/speed.py in an environment of its own. DIRECTORY holds loans.parquet and loan_transactions.parquet.
By default each loan has its cutoff time and each window is a training window, as the tool means it. With --cut-first
the rows of each window are cut out beforehand and no times are given, which it computes far quicker, and which is
possible here only because the table of transactions was already cut at each loan's grant.
"""

import sys
import time
import warnings

import featuretools
import pandas as pd
from common import CONDITIONS, NUMBERS, OF_LOANS, WINDOWS, tell

AGGREGATES = ["count", "sum", "mean", "min", "max", "std", "median", "first", "last", "trend", "num_unique"]
CONDITIONED = ["count", "sum", "mean", "min", "max"]


def entities(loans: pd.DataFrame, rows: pd.DataFrame) -> featuretools.EntitySet:
    """Loans and their transactions, with the values that conditions are made of."""
    bank = featuretools.EntitySet("bank")
    bank.add_dataframe(dataframe_name="loans", dataframe=loans[["loan_id", *OF_LOANS]], index="loan_id")
    bank.add_dataframe(
        dataframe_name="transactions",
        dataframe=rows[["transaction_id", "loan_id", "booked_on", *CONDITIONS, *NUMBERS]],
        index="transaction_id",
        time_index="booked_on",
        logical_types=dict.fromkeys(CONDITIONS, "Categorical"),
    )
    bank.add_relationship("loans", "loan_id", "transactions", "loan_id")
    bank.add_interesting_values(dataframe_name="transactions", values=CONDITIONS)
    return bank


def synthesised(bank: featuretools.EntitySet, aggregates: list[str], **times: object) -> pd.DataFrame:
    """The features of one window."""
    options = {("first", "last"): {"ignore_columns": {"transactions": ["transaction_id"]}}}
    matrix, _ = featuretools.dfs(
        entityset=bank,
        target_dataframe_name="loans",
        agg_primitives=aggregates,
        where_primitives=CONDITIONED,
        trans_primitives=[],
        primitive_options=options,
        max_depth=1,
        **times,
    )
    return matrix.drop(columns=OF_LOANS)


def with_cutoffs(loans: pd.DataFrame, rows: pd.DataFrame) -> list[pd.DataFrame]:
    """Each window as a training window before the cutoff of each loan."""
    bank = entities(loans, rows)
    cutoffs = loans[["loan_id", "granted_on"]].rename(columns={"granted_on": "time"})
    aggregates = [*AGGREGATES, "time_since_last"]
    # A training window leaves out the row at its very start, so it takes one day more to hold the same days.
    spans = [None if days is None else f"{days + 1} days" for days in WINDOWS]
    return [synthesised(bank, aggregates, cutoff_time=cutoffs, training_window=span) for span in spans]


def cut_first(loans: pd.DataFrame, rows: pd.DataFrame) -> list[pd.DataFrame]:
    """Each window as an entity set of its rows alone; without cutoffs there is no time since the last."""
    windows = [rows if days is None else rows[rows["days_before"] <= days] for days in WINDOWS]
    return [synthesised(entities(loans, window), AGGREGATES) for window in windows]


def main() -> None:
    """Build once and tell."""
    directory, *flags = sys.argv[1:]
    # Its warnings of pandas to come, tens of thousands of them, would be measured too.
    warnings.simplefilter("ignore")
    loans = pd.read_parquet(f"{directory}/loans.parquet")
    rows = pd.read_parquet(f"{directory}/loan_transactions.parquet")
    start = time.perf_counter()
    matrices = (cut_first if "--cut-first" in flags else with_cutoffs)(loans, rows)
    names = ["all" if days is None else f"{days}d" for days in WINDOWS]
    suffixed = [matrix.add_suffix(f" {name}") for matrix, name in zip(matrices, names, strict=True)]
    built = loans.set_index("loan_id")[OF_LOANS].join(suffixed)
    tell(built.shape[1], time.perf_counter() - start)


if __name__ == "__main__":
    main()
