"""What is known about a model version, in words and numbers; ``models/<version>/metadata.json`` holds it."""

from collections.abc import Sequence
from datetime import datetime
from functools import cached_property

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from payoff.choices import Population, Preset

TARGET = "defaulted"


class Frozen(BaseModel):
    """Never changed, and nothing in it that is not declared."""

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())


class Figure(Frozen):
    """A measured figure with its 95 % bootstrap interval."""

    value: float
    low: float
    high: float


class Spread(Frozen):
    """How a number is distributed over the training loans."""

    low: float
    p10: float
    median: float
    p90: float
    high: float


class Band(Frozen):
    """Test loans whose predicted probability of payoff lies from ``low`` (included) to ``high``, and how they ended."""

    low: float
    high: float
    loans: int
    paid_off: int


class District(Frozen):
    """A district that can be asked about."""

    name: str
    region: str
    average_salary_czk: float


class Calibration(Frozen):
    """A straight line on the log-odds of default, from what the models say to what loans like these did.

    Notes
    -----
    Platt, "Probabilistic outputs for support vector machines", Advances in Large Margin Classifiers (1999).
    """

    slope: float = Field(default=1.0, gt=0)
    intercept: float = 0.0

    def __call__(self, probability: np.ndarray) -> np.ndarray:
        """Calibrated probabilities, in the same order as ``probability``."""
        odds = self.intercept + self.slope * log_odds(probability)
        calibrated: np.ndarray = 1 / (1 + np.exp(-odds))
        return calibrated


def log_odds(probability: np.ndarray) -> np.ndarray:
    """Log-odds, finite at 0 and 1 too."""
    held = np.clip(probability, 1e-9, 1 - 1e-9)
    odds: np.ndarray = np.log(held) - np.log1p(-held)
    return odds


class Costs(Frozen):
    """Costs of a wrong answer as shares of the amount: of a grant that defaults, of a refusal that would have paid."""

    default: float = Field(default=0.5, gt=0)
    refusal: float = Field(default=0.1, gt=0)


def deciles_of(values: np.ndarray, deciles: Sequence[float]) -> np.ndarray:
    """Which tenth of the training loans each value lies in: 1 up to the first decile, to 10 above the ninth.

    Of deciles that are tied, the first takes all; the others stay empty.

    Parameters
    ----------
    values : float array
        None of them missing.
    deciles : sequence of 11 floats
        As in ``Metadata.quantiles``.
    """
    tenths: np.ndarray = np.searchsorted(np.asarray(deciles)[1:-1], values, side="left") + 1
    return tenths


class Metadata(Frozen):
    """What is known about a model version. Probabilities are of default unless named otherwise.

    Attributes
    ----------
    features, offered : tuple of str
        What the model needs; what training chose that from.
    definitions : str
        SHA-256 of how the offered features are computed.
    quantiles : dict
        Of each number among the training loans: its deciles from 0 to 1, missing values left out.
    shares : dict
        Of each feature among the training loans: their share by category, or of a number by ``deciles_of`` ("1" to
        "10"); "" stands for missing values. Empty in models that were trained before it was kept.
    threshold : float
        At or above it a loan is refused.
    baseline : dict
        The metrics of always giving the training loans' share of defaults.
    cost_per_loan : dict
        CZK, by who decides.
    lock : str, optional
        SHA-256 of the lock file of the installation that trained.
    files, attachments : dict
        SHA-256 of the predictor's files, and of what lies beside it (model card, held-out predictions, loans to
        compare with).
    """

    version: str
    trained_at: datetime
    feature_set: str
    features: tuple[str, ...]
    offered: tuple[str, ...]
    definitions: str
    spreads: dict[str, Spread]
    quantiles: dict[str, tuple[float, ...]]
    shares: dict[str, dict[str, float]] = {}
    districts: tuple[District, ...]
    data_run: str
    seed: int
    preset: Preset
    population: Population
    costs: Costs
    calibration: Calibration
    train_loans: int
    test_loans: int
    test_defaulted: int
    threshold: float
    metrics: dict[str, Figure]
    baseline: dict[str, Figure]
    calibration_error: float
    cost_per_loan: dict[str, Figure]
    bands: tuple[Band, ...]
    best_model: str
    versions: dict[str, str]
    lock: str | None
    files: dict[str, str] = {}
    attachments: dict[str, str] = {}

    @cached_property
    def salaries(self) -> dict[str, float]:
        """Average salary of each district, CZK, by name."""
        return {district.name: district.average_salary_czk for district in self.districts}
