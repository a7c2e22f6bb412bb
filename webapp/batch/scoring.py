"""From rows to outcomes: each row is either predicted, or told everything that is wrong with it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import pandas as pd

from features.answers import Answers, form_features, validated, validated_terms
from payoff.errors import InvalidAnswers, Worded
from payoff.settings import Settings
from webapp.batch.reading import APPLICATION, LONGEST_APPLICATION, Kind, Record
from webapp.explaining import MOST_REASONS, Explanation, quick_reasons
from webapp.lookups import LOOKED_UP, application_of, look_up
from webapp.predictions import Prediction, Scorer, judged, terms_of

#: Which predictions come with reasons: none, those that end in default, or all.
Explained = Literal["none", "default", "all"]
#: The feature set of the models that score each kind of file.
SETS: Mapping[Kind, str] = {"form": "form", "accounts": LOOKED_UP}


@dataclass(frozen=True)
class Outcome:
    """What became of one row: a prediction, or faults by field; the field ``""`` stands for the row as a whole.

    Attributes
    ----------
    application : str
        The asker's own reference; empty where none was given.
    explanation : Explanation, optional
        With its principal reasons only.
    """

    record: Record
    application: str = ""
    account_id: int | None = None
    prediction: Prediction | None = None
    explanation: Explanation | None = None
    faults: Mapping[str, str] = field(default_factory=dict)


@dataclass
class _Row:
    """A row on its way: typed answers, or what is wrong with it."""

    record: Record
    typed: Answers = field(default_factory=dict)
    faults: dict[str, str] = field(default_factory=dict)


def outcomes(
    settings: Settings, model: Scorer, kind: Kind, records: Sequence[Record], explained: Explained = "default"
) -> list[Outcome]:
    """What becomes of each row.

    Parameters
    ----------
    model : Scorer
        Of the set ``SETS[kind]``.

    Raises
    ------
    ModelError, WarehouseError
        None of them can be predicted.
    """
    salaries = model.metadata.salaries
    rows = [_checked(salaries, kind, record) for record in records]
    features = _looked_up(settings, model, rows) if kind == "accounts" else _answered(model, rows)
    terms = [terms_of(row.typed) for row in rows if not row.faults]
    predictions = judged(model, features, terms) if terms else []
    found = iter(zip(predictions, _explanations(model, features, predictions, explained), strict=True))
    return [_refused(row) if row.faults else _predicted(row, *next(found)) for row in rows]


def _checked(districts: Mapping[str, float], kind: Kind, record: Record) -> _Row:
    if record.fault:
        return _Row(record, faults={"": record.fault})
    values = {name: text for name, text in record.fields.items() if name != APPLICATION}
    faults: dict[str, str] = {}
    if len(_application(record)) > LONGEST_APPLICATION:
        faults[APPLICATION] = Worded("must have at most %(most)s characters", most=str(LONGEST_APPLICATION))
    try:
        typed = validated_terms(values) if kind == "accounts" else validated(values, districts)
    except InvalidAnswers as error:
        return _Row(record, faults=faults | error.fields)
    return _Row(record, typed, faults)


def _answered(model: Scorer, rows: Sequence[_Row]) -> pd.DataFrame:
    """The features of the rows without faults."""
    good = [row.typed for row in rows if not row.faults]
    return form_features(good, model.metadata.salaries) if good else pd.DataFrame()


def _looked_up(settings: Settings, model: Scorer, rows: Sequence[_Row]) -> pd.DataFrame:
    """The features of the rows without faults, of which a look into the warehouse may find more."""
    good = [row for row in rows if not row.faults]
    if not good:
        return pd.DataFrame()
    found = look_up(settings, model.metadata.features, [application_of(row.typed) for row in good])
    for row, faults in zip(good, found.faults, strict=True):
        row.faults |= faults
    return found.features


def _explanations(
    model: Scorer, features: pd.DataFrame, predictions: Sequence[Prediction], explained: Explained
) -> list[Explanation | None]:
    wanted = [place for place, each in enumerate(predictions) if explained in {"all", each.prediction}]
    found: list[Explanation | None] = [None] * len(predictions)
    if wanted:
        for place, explanation in zip(wanted, quick_reasons(model, features.iloc[wanted], MOST_REASONS), strict=True):
            found[place] = explanation
    return found


def _refused(row: _Row) -> Outcome:
    return Outcome(row.record, _application(row.record), faults=row.faults)


def _predicted(row: _Row, prediction: Prediction, explanation: Explanation | None) -> Outcome:
    account = row.typed.get("account_id")
    return Outcome(
        record=row.record,
        application=_application(row.record),
        account_id=None if account is None else int(account),
        prediction=prediction,
        explanation=explanation,
    )


def _application(record: Record) -> str:
    return str(record.fields.get(APPLICATION, ""))
