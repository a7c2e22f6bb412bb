"""The newest predictions of a window, where figures need the predictions themselves and not their counts."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import numpy as np
from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from webapp.storage.tables import Details, ModelVersion, StoredPrediction

MOST_ROWS = 5_000
#: Rows times features; a set of seven hundred features is sampled more sparsely, or reading it would take seconds.
MOST_VALUES = 500_000
#: Predictions whose outcome was recorded.
MOST_JUDGED = 10_000

#: Rows read at a time: parsed, they take some twenty times what is kept of them.
_AT_A_TIME = 200

_Query = Select[*tuple[Any, ...]]


def newest_features(
    session: Session, feature_set: str, names: Sequence[str], since: datetime, until: datetime
) -> dict[str, list[Any]]:
    """What models of ``feature_set`` saw in the newest predictions made from ``since`` (included) to ``until``.

    Returns
    -------
    dict
        By feature the values, as many of each: at most ``MOST_ROWS``, and about ``MOST_VALUES`` of all. Predictions
        that were made without one of the features ``names``, by a version that does not use it, are left out.
    """
    rows = min(MOST_ROWS, MOST_VALUES // max(len(names), 1))
    newest = _newest(select(StoredPrediction.id), feature_set, since, until).limit(rows).subquery()
    query = select(Details.features).join(newest, newest.c.id == Details.prediction_id)
    values: dict[str, list[Any]] = {name: [] for name in names}
    for features in session.scalars(query, execution_options={"yield_per": _AT_A_TIME}):
        if values.keys() <= features.keys():
            for name, column in values.items():
                column.append(features[name])
    return values


def newest_scores(session: Session, feature_set: str, version: str, since: datetime, until: datetime) -> np.ndarray:
    """Probabilities of payoff that ``version`` gave, the newest ``MOST_ROWS`` of the window."""
    scores = _newest(select(StoredPrediction.payoff_probability), feature_set, since, until)
    found = session.scalars(scores.where(ModelVersion.version == version).limit(MOST_ROWS)).all()
    return np.array(found, dtype=np.float64)


def newest_outcomes(session: Session, query: _Query) -> list[np.ndarray]:
    """The columns of ``query`` over the newest ``MOST_JUDGED`` predictions whose outcome was recorded.

    Parameters
    ----------
    query : select
        Of ``StoredPrediction.outcome``, given as 1 where it is ``paid_off``, and of numbers.
    """
    recorded = query.where(StoredPrediction.outcome.is_not(None)).order_by(StoredPrediction.made_at.desc())
    found = session.execute(recorded.limit(MOST_JUDGED)).all()
    truth = np.array([row[0] == "paid_off" for row in found], dtype=np.int64)
    numbers = range(1, len(query.selected_columns))
    return [truth, *(np.array([row[number] for row in found], dtype=np.float64) for number in numbers)]


def _newest(query: _Query, feature_set: str, since: datetime, until: datetime) -> _Query:
    return (
        query.join(ModelVersion, ModelVersion.id == StoredPrediction.model_id)
        .where(StoredPrediction.made_at >= since, StoredPrediction.made_at < until)
        .where(ModelVersion.feature_set == feature_set)
        .order_by(StoredPrediction.made_at.desc())
    )
