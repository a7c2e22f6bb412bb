"""Which loans train and which test."""

import pandas as pd
from sklearn.model_selection import train_test_split

from payoff.errors import ContractError
from payoff.model import TARGET

TEST_SHARE = 0.3


def holdout(table: pd.DataFrame, seed: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """70 % to train on and 30 % to test with, each with the same share of defaults.

    Raises
    ------
    ContractError
        A loan appears twice, has no known end, or there are too few of either end to split.
    """
    if repeated := int(table["loan_id"].duplicated().sum()):
        raise ContractError(f"{repeated} loans appear twice; they would sit in train and test at once")
    if unknown := int(table[TARGET].isna().sum()):
        raise ContractError(f"{unknown} loans have no known end; a model is trained on loans with one")
    if (counts := table[TARGET].value_counts()).size != 2 or counts.min() < 10:
        raise ContractError(f"a split needs at least 10 loans of either end; got {counts.to_dict()}")
    train, test = train_test_split(table, test_size=TEST_SHARE, stratify=table[TARGET], random_state=seed)
    return train.sort_values("loan_id"), test.sort_values("loan_id")
