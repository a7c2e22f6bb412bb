"""What Payoff adds to AutoGluon. Published models are pickled with these, so training and serving share them."""

from typing import Any

import pandas as pd
from autogluon.features.generators import AbstractFeatureGenerator
from autogluon.tabular.models import LGBModel
from sklearn.preprocessing import QuantileTransformer

_QUANTILES = 200


class NormalScores(AbstractFeatureGenerator):
    """Each number becomes its normal score among the training rows.

    Missing stays missing, and 0 is the median: so the 0 that AutoGluon's forests and linear model put in its place is
    neither high nor low. Trees do not care for the scale, a linear model is not led by a few large accounts.
    """

    def _fit_transform(self, X: pd.DataFrame, **_: Any) -> tuple[pd.DataFrame, dict[str, Any]]:
        self._scores = QuantileTransformer(
            n_quantiles=min(_QUANTILES, len(X)), output_distribution="normal", subsample=None, random_state=0
        )
        self._scores.fit(X.astype("float64"))
        return self._transform(X), {}

    def _transform(self, X: pd.DataFrame) -> pd.DataFrame:
        return pd.DataFrame(self._scores.transform(X.astype("float64")), index=X.index, columns=X.columns)

    @staticmethod
    def get_default_infer_features_in_args() -> dict[str, Any]:
        """Numbers only."""
        return {"valid_raw_types": ["int", "float"]}


class SteadyLightGBM(LGBModel):
    """LightGBM with as many rounds as told: a validation fold with a dozen defaults is too small to stop it."""

    ag_key = "STEADY_GBM"
    ag_name = "SteadyLightGBM"

    def _fit(self, X: Any, y: Any, X_val: Any = None, y_val: Any = None, **others: Any) -> None:
        super()._fit(X=X, y=y, **others)
