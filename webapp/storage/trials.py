"""Champion and challenger side by side: what each said in a window of time, and how each fared."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal

import numpy as np
from sqlalchemy import ColumnElement, RowMapping, case, func, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from payoff.metadata import Figure
from webapp.scores import brier_scores, difference_of, log_losses, mean_of, outcomes_needed
from webapp.storage.samples import newest_outcomes
from webapp.storage.tables import ModelVersion, ShadowScore, StoredPrediction

#: A difference of log-loss that would matter, in nats.
WORTH_TELLING = 0.02
#: Outcomes of each side below which no error is stated.
FEWEST_OUTCOMES = 30

_Window = Sequence[ColumnElement[bool]]
_Losses = tuple[np.ndarray, np.ndarray]
_Column = InstrumentedAttribute[Any]
_made, _payoff = StoredPrediction.made_at, StoredPrediction.payoff_probability


@dataclass(frozen=True)
class Side:
    """What one of two models said.

    Attributes
    ----------
    outcomes : int
        Recorded, of its predictions; the newest ``MOST_JUDGED`` at most.
    brier, log_loss : Figure, optional
        None with fewer than ``FEWEST_OUTCOMES``.
    """

    version: str
    predictions: int
    granted: int
    mean_probability: float
    outcomes: int = 0
    brier: Figure | None = None
    log_loss: Figure | None = None

    @property
    def share_granted(self) -> float:
        """Of its predictions."""
        return self.granted / self.predictions


@dataclass(frozen=True)
class Trial:
    """A challenger beside a champion: the newest pair of a feature set.

    Attributes
    ----------
    kind : {"shadow", "split"}
        Whether both scored the same applications, or each answered its own.
    agreement, mean_difference : float, optional
        Share of equal verdicts, and mean absolute difference of the probabilities; of shadow scores only.
    brier_excess, log_loss_excess : Figure, optional
        Of the challenger over the champion: paired on the same loans (shadow), or unpaired (split).
    needed : int, optional
        Outcomes, of both together, after which an excess of ``WORTH_TELLING`` nats would be told from none.
    """

    kind: Literal["shadow", "split"]
    feature_set: str
    champion: Side
    challenger: Side
    agreement: float | None = None
    mean_difference: float | None = None
    brier_excess: Figure | None = None
    log_loss_excess: Figure | None = None
    needed: int | None = None


def trials(session: Session, since: datetime, until: datetime) -> list[Trial]:
    """The trials among the predictions made from ``since`` (included) to ``until``."""
    window = (_made >= since, _made < until)
    return [*_shadow_trials(session, window), *_split_trials(session, window)]


def _shadow_trials(session: Session, window: _Window) -> list[Trial]:
    keys = (StoredPrediction.model_id.label("ours"), ShadowScore.model_id.label("theirs"))
    query = (
        select(
            *keys,
            *_said(StoredPrediction.verdict, _payoff),
            _granted(ShadowScore.verdict).label("shadow_granted"),
            func.avg(ShadowScore.payoff_probability).label("shadow_mean"),
            func.sum(case((StoredPrediction.verdict == ShadowScore.verdict, 1), else_=0)).label("agreed"),
            func.avg(func.abs(_payoff - ShadowScore.payoff_probability)).label("apart"),
        )
        .join_from(StoredPrediction, ShadowScore, ShadowScore.prediction_id == StoredPrediction.id)
        .where(*window)
        .group_by(*keys)
        .order_by(func.max(_made))
        # MariaDB would read every shadow score there ever was and look each one's prediction up.
        .prefix_with("STRAIGHT_JOIN", dialect="mysql")
    )
    models = _models(session)
    newest = {models[row["ours"]].feature_set: row for row in session.execute(query).mappings()}
    return [_shadow_trial(session, window, newest[name], models) for name in sorted(newest)]


def _shadow_trial(session: Session, window: _Window, row: RowMapping, models: Mapping[int, ModelVersion]) -> Trial:
    ours, theirs = models[row["ours"]], models[row["theirs"]]
    pair = (StoredPrediction.model_id == ours.id, ShadowScore.model_id == theirs.id)
    judged = select(StoredPrediction.outcome, _payoff, ShadowScore.payoff_probability)
    joined = judged.join_from(StoredPrediction, ShadowScore, ShadowScore.prediction_id == StoredPrediction.id)
    truth, said, shadow_said = newest_outcomes(session, joined.where(*window, *pair))
    return Trial(
        kind="shadow",
        feature_set=ours.feature_set,
        champion=_side(ours.version, row["predictions"], row["granted"], row["mean"], said, truth),
        challenger=_side(
            theirs.version, row["predictions"], row["shadow_granted"], row["shadow_mean"], shadow_said, truth
        ),
        agreement=int(row["agreed"]) / row["predictions"],
        mean_difference=row["apart"],
        **_paired(truth, said, shadow_said),
    )


def _paired(truth: np.ndarray, said: np.ndarray, shadow_said: np.ndarray) -> dict[str, Any]:
    if truth.size < FEWEST_OUTCOMES:
        return {}
    excess = log_losses(shadow_said, truth) - log_losses(said, truth)
    return {
        "brier_excess": mean_of(brier_scores(shadow_said, truth) - brier_scores(said, truth)),
        "log_loss_excess": mean_of(excess),
        "needed": outcomes_needed(float(excess.var(ddof=1)), WORTH_TELLING),
    }


def _split_trials(session: Session, window: _Window) -> list[Trial]:
    keys = (StoredPrediction.arm, StoredPrediction.model_id)
    query = select(*keys, func.min(_made).label("began_at")).where(*window, StoredPrediction.arm.is_not(None))
    models, newest = _models(session), dict[str, dict[str, RowMapping]]()
    for row in session.execute(query.group_by(*keys).order_by(func.max(_made))).mappings():
        newest.setdefault(models[row["model_id"]].feature_set, {})[row["arm"]] = row
    found = [_split_trial(session, window, newest[name], models) for name in sorted(newest) if len(newest[name]) == 2]
    return [trial for trial in found if trial]


def _split_trial(
    session: Session, window: _Window, arms: Mapping[str, RowMapping], models: Mapping[int, ModelVersion]
) -> Trial | None:
    # Only while both answered: the days of an earlier challenger say nothing of this one.
    both = (*window, _made >= max(row["began_at"] for row in arms.values()))
    ours, theirs = (models[arms[arm]["model_id"]] for arm in ("champion", "challenger"))
    champion, losses = _arm_side(session, (*both, StoredPrediction.arm == "champion"), ours)
    challenger, their_losses = _arm_side(session, (*both, StoredPrediction.arm == "challenger"), theirs)
    if not (champion.predictions and challenger.predictions):
        return None
    share = challenger.predictions / (champion.predictions + challenger.predictions)
    found = _unpaired(losses, their_losses, share)
    return Trial("split", ours.feature_set, champion, challenger, **found)


def _arm_side(session: Session, window: _Window, model: ModelVersion) -> tuple[Side, _Losses]:
    own = (*window, StoredPrediction.model_id == model.id)
    counts = session.execute(select(*_said(StoredPrediction.verdict, _payoff)).where(*own)).mappings().one()
    truth, said = newest_outcomes(session, select(StoredPrediction.outcome, _payoff).where(*own))
    side = _side(model.version, counts["predictions"], counts["granted"] or 0, counts["mean"] or 0.0, said, truth)
    return side, (brier_scores(said, truth), log_losses(said, truth))


def _unpaired(losses: _Losses, their_losses: _Losses, share: float) -> dict[str, Any]:
    """``share`` of the applications go to the challenger."""
    if min(losses[0].size, their_losses[0].size) < FEWEST_OUTCOMES:
        return {}
    variance = float(losses[1].var(ddof=1)) / (1 - share) + float(their_losses[1].var(ddof=1)) / share
    return {
        "brier_excess": difference_of(their_losses[0], losses[0]),
        "log_loss_excess": difference_of(their_losses[1], losses[1]),
        "needed": outcomes_needed(variance, WORTH_TELLING),
    }


def _side(version: str, count: int, granted: int, mean: float, said: np.ndarray, truth: np.ndarray) -> Side:
    side = Side(version, count, int(granted), mean, truth.size)
    if truth.size < FEWEST_OUTCOMES:
        return side
    return replace(side, brier=mean_of(brier_scores(said, truth)), log_loss=mean_of(log_losses(said, truth)))


def _models(session: Session) -> dict[int, ModelVersion]:
    """Looked up here and not joined, so that only the window of the index is read."""
    return {each.id: each for each in session.scalars(select(ModelVersion))}


def _said(verdict: _Column, probability: _Column) -> tuple[ColumnElement[Any], ...]:
    mean = func.avg(probability).label("mean")
    return func.count().label("predictions"), _granted(verdict).label("granted"), mean


def _granted(verdict: _Column) -> ColumnElement[Any]:
    return func.sum(case((verdict == "paid_off", 1), else_=0))
