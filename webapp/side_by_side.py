"""One applicant through several model versions: what each would say, and why."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from features.answers import form_features
from features.sets import feature_set
from payoff.errors import ContractError, InvalidAnswers, LakeError, ModelError
from payoff.metadata import Metadata
from webapp.explaining import Reason, explain
from webapp.predictions import Prediction, Scorer, Terms, judged, terms_of, typed_answers

#: Loading a version takes about a second, and a page should not take longer than somebody waits.
MOST_VERSIONS = 6
_MAIN_REASONS = 3


@dataclass(frozen=True)
class Applicant:
    """A loan that models can be asked about.

    Attributes
    ----------
    features_for : callable
        From a model to its features, one row; raises ContractError or InvalidAnswers where they cannot be had.
    """

    terms: Terms
    features_for: Callable[[Scorer], pd.DataFrame]


class FeaturesMissing(ContractError):
    """A model needs features that are not known of this applicant."""

    def __init__(self, names: Sequence[str]) -> None:
        self.names = tuple(names)
        super().__init__(f"{len(self.names)} features are missing: {', '.join(self.names)}")


@dataclass(frozen=True)
class Said:
    """What a version says; either a prediction, or why there is none.

    Attributes
    ----------
    reasons : tuple of Reason
        What moved the probability most, up or down.
    missing : tuple of str
        Features that the version needs and nobody knows.
    """

    version: str
    prediction: Prediction | None = None
    reasons: tuple[Reason, ...] = ()
    missing: tuple[str, ...] = ()
    problem: str = ""


def side_by_side(applicant: Applicant, versions: Sequence[str], load: Callable[[str], Scorer]) -> list[Said]:
    """What each version says, in the order of ``versions``; one that cannot answer says why."""
    return [_said(applicant, version, load) for version in versions]


def from_answers(model: Scorer, answers: Mapping[str, object]) -> Applicant:
    """An applicant who filled the form in.

    Parameters
    ----------
    model : Scorer
        Whose districts the answers are first held to.

    Raises
    ------
    InvalidAnswers
        Names every faulty field.
    """
    typed = typed_answers(model, answers)

    def features(other: Scorer) -> pd.DataFrame:
        return form_features([typed_answers(other, answers)], other.metadata.salaries)

    return Applicant(terms_of(typed), features)


def from_stored(features: Mapping[str, Any], terms: Terms) -> Applicant:
    """An applicant out of the history: what the model saw that answered then."""

    def needed(other: Scorer) -> pd.DataFrame:
        if missing := [name for name in other.metadata.features if name not in features]:
            raise FeaturesMissing(missing)
        return _typed(other.metadata, features)

    return Applicant(terms, needed)


def _typed(metadata: Metadata, features: Mapping[str, Any]) -> pd.DataFrame:
    """One row with the types of training: JSON has no missing number."""
    texts = {each.name for each in feature_set(metadata.feature_set) if each.dtype == "category"}
    row = pd.DataFrame([{name: features[name] for name in metadata.features}])
    return row.astype({name: "object" if name in texts else "float64" for name in metadata.features})


def _said(applicant: Applicant, version: str, load: Callable[[str], Scorer]) -> Said:
    try:
        model = load(version)
        features = applicant.features_for(model)
        (prediction,) = judged(model, features, [applicant.terms])
        return Said(version, prediction, _reasons(model, features))
    except FeaturesMissing as error:
        return Said(version, missing=error.names)
    except (ModelError, LakeError, ContractError, InvalidAnswers) as error:
        return Said(version, problem=str(error))


def _reasons(model: Scorer, features: pd.DataFrame) -> tuple[Reason, ...]:
    found = sorted(explain(model, features).reasons, key=lambda reason: -abs(reason.effect))
    return tuple(reason for reason in found[:_MAIN_REASONS] if reason.effect)
