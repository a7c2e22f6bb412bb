"""Groups of loans by sex, age and region, and how a model's answers fall on each, with intervals.

A loan that is said to default is refused. So the selection rate is the share of loans granted, a false positive is a
loan refused though it was paid off, and a false negative one granted though it defaulted.
"""

from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd
from fairlearn.metrics import MetricFrame, false_negative_rate, false_positive_rate, selection_rate
from scipy.stats import binomtest

from features.derived import owner_age
from payoff.errors import ContractError
from payoff.metadata import TARGET, Figure, Frozen
from training.evaluation.figures import resampled_loans, with_interval
from training.evaluation.metrics import weighted_metrics
from training.loans import Loans

#: A share of fewer loans than this is not given, nor a ROC AUC with fewer of either end.
FEWEST = 10
TRAITS = ("sex", "age", "region")
RATES = {
    "selection_rate": partial(selection_rate, pos_label=0),
    "false_positive_rate": false_positive_rate,
    "false_negative_rate": false_negative_rate,
}
_AGES = {0: "under 25", 25: "25 to 34", 35: "35 to 44", 45: "45 to 54", 55: "55 and over"}
_UNKNOWN = "unknown"


class GroupFigures(Frozen):
    """How the loans of a group fare; a figure is None where they are too few to say.

    Attributes
    ----------
    predicted : float
        Mean predicted probability of default.
    observed : Figure, optional
        Share of loans that defaulted.
    selection_rate, false_positive_rate, false_negative_rate : Figure, optional
        Granted, of all loans; refused, of those paid off; granted, of those that defaulted.
    roc_auc : Figure, optional
        Within the group.
    """

    group: str
    loans: int
    defaulted: int
    predicted: float
    observed: Figure | None
    selection_rate: Figure | None = None
    false_positive_rate: Figure | None = None
    false_negative_rate: Figure | None = None
    roc_auc: Figure | None = None


@dataclass(frozen=True)
class Answers:
    """What was said of each loan, in the order of their ids: arrays with one entry per loan.

    Attributes
    ----------
    times, refused : float array
        In how many repeats the loan was asked about, and in how many of these it was refused.
    repeats : tuple of (int array, float array)
        Of each repeat: the positions of its loans, and their probability of default.
    """

    loans: np.ndarray
    truth: np.ndarray
    times: np.ndarray
    refused: np.ndarray
    repeats: tuple[tuple[np.ndarray, np.ndarray], ...]


def groups_of(loans: Loans) -> pd.DataFrame:
    """The sex of each loan's owner, the age on the day of the grant and the region, by loan_id."""
    about = loans.about
    # By position: both tables hold the same loans in the same order.
    age = owner_age(
        {"owner_born_on": about["owner_born_on"].to_numpy(), "granted_on": loans.table["granted_on"].to_numpy()}
    )
    columns = {
        "sex": about["owner_sex"].astype("category"),
        "age": pd.cut(pd.Series(age, about.index), [*_AGES, np.inf], right=False, labels=list(_AGES.values())),
        "region": about["district_region"].astype("category"),
    }
    known = {trait: groups.cat.add_categories(_UNKNOWN).fillna(_UNKNOWN) for trait, groups in columns.items()}
    return pd.DataFrame(known, index=about.index)


def with_groups(predicted: pd.DataFrame, loans: Loans, threshold: float) -> pd.DataFrame:
    """``predicted`` with ``refused``, 1 from ``threshold`` on, and the groups of each loan.

    Raises
    ------
    ContractError
        Something is predicted of a loan that is not among ``loans``.
    """
    groups = groups_of(loans)
    if unknown := sorted(set(predicted["loan_id"]) - set(groups.index)):
        found = f"{len(unknown)} of the predicted loans, {unknown[0]} first, are not among the {len(groups)} loans"
        raise ContractError(f"{found} of run {loans.run}; read the loans that were evaluated")
    refused = (predicted["probability"] >= threshold).astype("int64")
    return predicted.assign(refused=refused).join(groups, on="loan_id")


def present(groups: pd.Series) -> list[str]:
    """The groups that hold a loan, in order."""
    return [str(group) for group in groups.cat.categories if (groups == group).any()]


def answers(rows: pd.DataFrame) -> Answers:
    """What ``rows`` (see :func:`group_figures`) say of each loan."""
    by_loan = rows.groupby("loan_id", sort=True)
    truth = by_loan[TARGET].first()
    loans = truth.index.to_numpy()
    return Answers(
        loans=loans,
        truth=truth.to_numpy(dtype=float),
        times=by_loan.size().to_numpy(dtype=float),
        refused=by_loan["refused"].sum().to_numpy(dtype=float),
        repeats=tuple(
            (np.searchsorted(loans, part["loan_id"]), part["probability"].to_numpy())
            for _, part in rows.groupby("repeat")
        ),
    )


def measured(said: Answers, weights: np.ndarray, figure: str) -> np.ndarray:
    """A rate or ``roc_auc``, the mean over repeats, for each row of ``weights``; NaN where it would be of no loan.

    Parameters
    ----------
    weights : float array, shape (resamples, loans)
        How often a loan counts.
    """
    if figure == "roc_auc":
        return _areas(said, weights)
    granted = said.times - said.refused
    counts, hits = {
        "selection_rate": (np.ones_like(granted), granted),
        "false_positive_rate": (1 - said.truth, said.refused),
        "false_negative_rate": (said.truth, granted),
    }[figure]
    return _quotient(weights @ (counts * hits), weights @ (counts * said.times))


def _areas(said: Answers, weights: np.ndarray) -> np.ndarray:
    total, repeats = np.zeros(len(weights)), np.zeros(len(weights))
    ever = np.flatnonzero(weights.any(axis=0))
    for place, probability in said.repeats:
        counts = np.isin(place, ever)
        truth, drawn = said.truth[place[counts]].astype(int), weights[:, place[counts]]
        # A resample without a loan of either end has no such figure.
        both = (drawn @ truth > 0) & (drawn @ (1 - truth) > 0)
        if both.any():
            said_nothing = np.zeros_like(truth)
            total[both] += weighted_metrics(truth, probability[counts], said_nothing, drawn[both])["roc_auc"]
            repeats += both
    return _quotient(total, repeats)


def _quotient(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    found: np.ndarray = np.divide(part, whole, out=np.full(part.shape, np.nan), where=whole > 0)
    return found


def group_figures(rows: pd.DataFrame, trait: str, seed: int = 0) -> tuple[GroupFigures, ...]:
    """The figures of each group that holds a loan, in order; each is the mean over repeats.

    Parameters
    ----------
    rows : DataFrame, one row per loan and repeat
        repeat, loan_id, defaulted, probability (of default), refused, and the groups of ``trait``.

    Notes
    -----
    Intervals are percentile bootstraps of whole loans, with all their repeats; fairlearn's own bootstrap would take the
    repeats of a loan for other loans. Where a rate is 0 or 1 no resample can differ, so there, and for the share of
    defaults, the interval is Wilson's (Journal of the American Statistical Association 22 (1927) 209-212).
    """
    said = answers(rows)
    drawn = resampled_loans(said.loans.size, seed)
    frame = MetricFrame(
        metrics=RATES, y_true=rows[TARGET], y_pred=rows["refused"], sensitive_features=rows[trait].astype(str)
    )
    return tuple(
        _figures(group, said, rows[rows[trait] == group], drawn, frame.by_group.loc[group])
        for group in present(rows[trait])
    )


def _figures(group: str, said: Answers, rows: pd.DataFrame, drawn: np.ndarray, rates: pd.Series) -> GroupFigures:
    inside = np.isin(said.loans, rows["loan_id"])
    loans, defaulted = int(inside.sum()), int(said.truth[inside].sum())
    weights = drawn * inside
    of = {
        "selection_rate": loans,
        "false_positive_rate": loans - defaulted,
        "false_negative_rate": defaulted,
    }
    enough = {name: _rate(rates[name], measured(said, weights, name), of[name]) for name in of if of[name] >= FEWEST}
    if min(defaulted, loans - defaulted) >= FEWEST:
        enough["roc_auc"] = with_interval(measured(said, weights, "roc_auc"))
    return GroupFigures(
        group=group,
        loans=loans,
        defaulted=defaulted,
        predicted=float(rows["probability"].mean()),
        observed=_wilson(defaulted / loans, loans) if loans >= FEWEST else None,
        **enough,
    )


def _rate(value: float, resampled: np.ndarray, loans: int) -> Figure:
    if value in (0, 1):
        return _wilson(value, loans)
    return with_interval(resampled).model_copy(update={"value": float(value)})


def _wilson(share: float, loans: int) -> Figure:
    found = binomtest(round(share * loans), loans).proportion_ci(0.95, method="wilson")
    return Figure(value=share, low=float(found.low), high=float(found.high))
