"""The fairness audit: whom a model refuses, where it errs and how well it is calibrated, by sex, age and region.

Sex stays out of the features; what it would have bought is part of the audit. The audit reports and changes nothing.
"""

from collections.abc import Mapping, Sequence

import pandas as pd

from payoff.metadata import TARGET, Costs, Frozen
from training.decide import break_even
from training.evaluation.comparison import Difference, Entry, difference
from training.evaluation.gaps import Gap, gaps
from training.evaluation.groups import TRAITS, GroupFigures, group_figures, with_groups
from training.evaluation.nested import FoldRecord
from training.loans import Loans

#: What sex is priced in.
METRICS = ("roc_auc", "log_loss")

#: Features that are a trait, or are computed from it, begin with one of these.
_TELLS = {"sex": ("owner_sex",), "age": ("owner_age", "owner_born"), "region": ("district_",)}


class Trait(Frozen):
    """The groups of a trait.

    Attributes
    ----------
    seen_through : tuple of str
        The features of the model that tell the trait, or something about it.
    """

    trait: str
    groups: tuple[GroupFigures, ...]
    gaps: tuple[Gap, ...]
    seen_through: tuple[str, ...] = ()


class FairnessAudit(Frozen):
    """What the audit found.

    Attributes
    ----------
    threshold : float
        Probability of default from which on a loan is refused: where ``costs`` break even.
    bought : dict of metric to Difference
        How much larger the metric is where the model may use sex; empty where that was not evaluated.
    """

    repeats: int
    costs: Costs
    threshold: float
    everyone: GroupFigures
    traits: tuple[Trait, ...]
    bought: dict[str, Difference]


def audit(
    records: Sequence[FoldRecord], loans: Loans, costs: Costs, bought: Mapping[str, Difference] | None = None
) -> FairnessAudit:
    """The audit of an evaluation: the test loans of all its outer folds.

    Parameters
    ----------
    bought : mapping of metric to Difference, optional
        From :func:`bought_by_sex`.

    Raises
    ------
    ContractError
        The evaluation was of other loans.
    """
    threshold = break_even(costs)
    rows = with_groups(_predicted(records), loans, threshold)
    (everyone,) = group_figures(rows.assign(all=pd.Categorical(["all loans"] * len(rows))), "all")
    return FairnessAudit(
        repeats=rows["repeat"].nunique(),
        costs=costs,
        threshold=threshold,
        everyone=everyone,
        traits=_traits(rows, {name for record in records for name in record.features}),
        bought=dict(bought or {}),
    )


def of_held_out(held_out: pd.DataFrame, loans: Loans, threshold: float) -> tuple[Trait, ...]:
    """The same figures for one model and the loans that were held out from it.

    Parameters
    ----------
    held_out : DataFrame, one row per loan
        loan_id, defaulted and probability (of default).
    threshold : float
        Probability of default from which on a loan is refused.
    """
    return _traits(with_groups(held_out.assign(repeat=0), loans, threshold), set())


def bought_by_sex(without: Entry, with_sex: Entry) -> dict[str, Difference]:
    """What adding sex to the features would have bought, on the same folds.

    Parameters
    ----------
    with_sex : Entry
        Of a recipe that is the same but for ``with_sex=True``.
    """
    return {metric: difference(with_sex, without, metric) for metric in METRICS}


def _predicted(records: Sequence[FoldRecord]) -> pd.DataFrame:
    columns = [
        {"repeat": each.repeat, "loan_id": each.loans, TARGET: each.truth, "probability": each.probability}
        for each in records
    ]
    return pd.concat([pd.DataFrame(fold) for fold in columns], ignore_index=True)


def _traits(rows: pd.DataFrame, features: set[str]) -> tuple[Trait, ...]:
    found = []
    for trait in TRAITS:
        groups = group_figures(rows, trait)
        tells = tuple(sorted(name for name in features if name.startswith(_TELLS[trait])))
        found.append(Trait(trait=trait, groups=groups, gaps=gaps(rows, trait, groups), seen_through=tells))
    return tuple(found)
