"""A stand-in whose answer hangs on the amount alone."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from web import SPREADS, StandIn, metadata

from payoff.metadata import Metadata, Spread

LOW = 5_000


def knowing(low: float, high: float) -> Metadata:
    """Metadata of a model that has seen loans from ``low`` to ``high`` CZK."""
    seen = SPREADS | {"loan_amount_czk": Spread(low=low, p10=low, median=low, p90=high, high=high)}
    return metadata().model_copy(update={"spreads": seen})


class ByAmount(StandIn):
    """Grants the amounts it is told to, in thousands from LOW on, and no other."""

    def __init__(self, granted: Sequence[bool]) -> None:
        super().__init__(knowing(LOW - 20, LOW + 1000 * (len(granted) - 1) + 820))
        self.granted, self.batches = granted, 0

    def default_probabilities(self, features: pd.DataFrame) -> np.ndarray:
        self.batches += 1
        steps = ((features["loan_amount_czk"] - LOW) / 1000).round().astype(int)
        inside = steps.between(0, len(self.granted) - 1)
        return np.array([0.1 if ok and self.granted[step] else 0.9 for step, ok in zip(steps, inside, strict=True)])
