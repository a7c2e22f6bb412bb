"""Which loans train and which test."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.model_selection import StratifiedKFold, train_test_split

from payoff.choices import Protocol
from payoff.errors import ContractError
from payoff.metadata import TARGET

TEST_SHARE = 0.3
FOLDS = 5
#: The split in time trains on the loans granted up to this day.
TRAIN_UNTIL = pd.Timestamp("1996-12-31")
_FEWEST = 10


@dataclass(frozen=True)
class Fold:
    """Rows to train on and rows to test with, by position; ``repeat`` counts from 0."""

    repeat: int
    number: int
    train: np.ndarray
    test: np.ndarray

    @property
    def name(self) -> str:
        """How the fold is filed."""
        return f"repeat-{self.repeat + 1:02d}-fold-{self.number + 1}"


def folds(table: pd.DataFrame, protocol: Protocol, *, repeats: int, seed: int) -> list[Fold]:
    """The outer folds of a protocol.

    Parameters
    ----------
    table : DataFrame, one row per loan
        loan_id, granted_on and defaulted.
    protocol : {"cv", "time", "holdout"}
        Stratified five-fold cross-validation; the loans up to 1996 to train on and the later ones to test with; 70 % to
        train on, stratified.
    repeats : int
        How often, each time with other folds; the split in time is always the same one.

    Raises
    ------
    ContractError
        The table cannot be split.
    """
    check(table)
    if protocol == "time":
        return [_in_time(table)]
    return [fold for repeat in range(repeats) for fold in _repeat(table, protocol, repeat, seed + repeat)]


def _repeat(table: pd.DataFrame, protocol: Protocol, repeat: int, seed: int) -> Iterator[Fold]:
    truth = table[TARGET].to_numpy(dtype=int)
    if protocol == "holdout":
        rows = np.arange(len(table))
        train, test = train_test_split(rows, test_size=TEST_SHARE, stratify=truth, random_state=seed)
        yield Fold(repeat, 0, np.sort(train), np.sort(test))
        return
    splits = StratifiedKFold(FOLDS, shuffle=True, random_state=seed).split(truth, truth)
    yield from (Fold(repeat, number, train, test) for number, (train, test) in enumerate(splits))


def _in_time(table: pd.DataFrame) -> Fold:
    early = (pd.to_datetime(table["granted_on"]) <= TRAIN_UNTIL).to_numpy()
    for words, part in (("up to", table[early]), ("after", table[~early])):
        if (counts := part[TARGET].value_counts()).size != 2 or counts.min() < _FEWEST:
            found = f"of the loans granted {words} {TRAIN_UNTIL:%Y-%m-%d} there are {counts.to_dict()}"
            raise ContractError(f"{found}; a split in time needs at least {_FEWEST} of either end on both sides")
    return Fold(0, 0, np.flatnonzero(early), np.flatnonzero(~early))


def holdout(table: pd.DataFrame, seed: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """70 % to train on and 30 % to test with, each with the same share of defaults.

    Raises
    ------
    ContractError
        A loan appears twice, has no known end, or there are too few of either end to split.
    """
    by_id = table.sort_values("loan_id")
    (fold,) = folds(by_id, "holdout", repeats=1, seed=seed)
    return by_id.iloc[fold.train], by_id.iloc[fold.test]


def check(table: pd.DataFrame) -> None:
    """Refuse a table that no split can be honest with.

    Raises
    ------
    ContractError
        A loan appears twice, has no known end, or there are too few of either end.
    """
    if repeated := int(table["loan_id"].duplicated().sum()):
        raise ContractError(f"{repeated} loans appear twice; they would sit in train and test at once")
    if unknown := int(table[TARGET].isna().sum()):
        raise ContractError(f"{unknown} loans have no known end; a model is trained on loans with one")
    if (counts := table[TARGET].value_counts()).size != 2 or counts.min() < _FEWEST:
        raise ContractError(f"a split needs at least {_FEWEST} loans of either end; got {counts.to_dict()}")
