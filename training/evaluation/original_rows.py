"""The original's rows, and its way to split them: shuffle, then cut after 70 %."""

import numpy as np
import pandas as pd

from training.loans import Loans
from training.split import TEST_SHARE, Fold

#: What the original shuffled its rows with.
OWN_SEED = 42


def joined(loans: Loans, persons: pd.DataFrame) -> pd.DataFrame:
    """A row per loan and person who may use its account, in the order in which the original's joins left them.

    Parameters
    ----------
    loans : Loans
        Finished ones, with the set ``seed``.
    persons : DataFrame
        loan_id and disposition_id.

    Returns
    -------
    DataFrame
        As ``loans.table``, with two habits of the original: it counted a transaction once for each person, and read
        the account's age back from a file as text, which made it a category.
    """
    ordered = persons.sort_values(["loan_id", "disposition_id"])
    rows = ordered[["loan_id"]].merge(loans.table, on="loan_id")
    times = rows.groupby("loan_id")["loan_id"].transform("size")
    days = rows["account_age_days"].astype("int64").astype("str") + " days"
    return rows.assign(transaction_count=rows["transaction_count"] * times, account_age_days=days)


def shuffled(rows: int, seed: int, repeat: int = 0) -> Fold:
    """Rows by position, shuffled as pandas' ``sample`` does; the first 70 % train."""
    order = pd.Series(range(rows)).sample(frac=1, random_state=seed).to_numpy()
    cut = train_rows(rows)
    return Fold(repeat, 0, order[:cut], order[cut:])


def kept_together(loan_ids: pd.Series, seed: int, repeat: int = 0) -> Fold:
    """As ``shuffled``, but whole loans are drawn, as many as fit into the 70 %."""
    loans = pd.Series(loan_ids.unique()).sample(frac=1, random_state=seed)
    filled = loans.map(loan_ids.value_counts()).cumsum()
    training = loan_ids.isin(loans[filled <= train_rows(len(loan_ids))]).to_numpy()
    # Mixed like the others, because AutoGluon's own split of the training rows goes by their order.
    whole = shuffled(len(loan_ids), seed)
    mixed = np.concatenate([whole.train, whole.test])
    return Fold(repeat, 0, mixed[training[mixed]], mixed[~training[mixed]])


def train_rows(rows: int) -> int:
    """How many of them train."""
    return round(rows * (1 - TEST_SHARE))
