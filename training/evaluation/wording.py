"""The figures of an evaluation as people read them."""

from dataclasses import dataclass

import numpy as np

from payoff.metadata import Figure
from training.evaluation.judged import SEARCHED
from training.evaluation.nested import Recipe
from training.split import FOLDS, TEST_SHARE, TRAIN_UNTIL

# A narrow space groups digits the same way in every language; no comma can be read as a decimal point.
GROUP = "\N{NARROW NO-BREAK SPACE}"
MINUS = "\N{MINUS SIGN}"
SPACE = "\N{NO-BREAK SPACE}"


@dataclass(frozen=True)
class Metric:
    """What a metric is called, and one sentence on what it means; ``{names}`` are those of ``without_a_model``."""

    name: str
    label: str
    means: str


#: By what they judge, in the order of the report.
METRICS = {
    "Order: do risky loans rank above safe ones?": (
        Metric("roc_auc", "ROC AUC", "How often a defaulted loan ranks above one that was paid off; 0.5 is chance."),
        Metric("pr_auc", "PR AUC", "Precision averaged over recalls; chance has the share of defaults, {share}."),
        Metric("ks", "KS", "Widest gap between the shares of defaulted and of paid loans above a threshold."),
    ),
    "Probabilities: is the risk as high as said?": (
        Metric("brier", "Brier score", "Mean squared error; one probability for all loans would have {brier}."),
        Metric(
            "log_loss", "Log-loss", "Sure mistakes weigh most; one probability for all loans would have {log_loss}."
        ),
    ),
    "Decisions: is the right loan refused?": (
        Metric("accuracy", "Accuracy", "Share of right decisions; granting every loan would have {paid}."),
        Metric("balanced_accuracy", "Balanced accuracy", "Mean of the shares right of either end; 0.5 is chance."),
        Metric("mcc", "MCC", "Matthews’ correlation of decision and end; 0 is chance, 1 is perfect."),
        Metric("f1", "F1", "Harmonic mean of precision and recall."),
        Metric("precision", "Precision", "Share of the refused loans that defaulted."),
        Metric("recall", "Recall", "Share of the defaulted loans that were refused."),
    ),
}

POLICIES = {
    "the model": "Model, break-even threshold",
    SEARCHED: "Model, threshold cheapest in training",
    "grant all": "Granting every loan",
    "grant none": "Granting none",
}


def without_a_model(share: float) -> dict[str, str]:
    """What giving every loan the ``share`` of defaults would have, and what granting every loan would."""
    figures = {
        "share": share,
        "brier": share * (1 - share),
        "log_loss": -share * np.log(share) - (1 - share) * np.log1p(-share),
        "paid": 1 - share,
    }
    return {name: decimal(value) for name, value in figures.items()}


def decimal(value: float | None, digits: int = 3) -> str:
    """``-0.0351`` as ``−0.035``; a dash where there is no figure."""
    if value is None:
        return "–"
    return f"{value:.{digits}f}".replace("-", MINUS)


def percent(share: float, digits: int = 1) -> str:
    """A share from 0 to 1 in per cent, without needless digits."""
    shown = f"{share * 100:.{digits}f}"
    return (shown.rstrip("0").rstrip(".") if "." in shown else shown) + f"{SPACE}%"


def grouped(value: float) -> str:
    """``12300.4`` as ``12 300``."""
    return f"{value:,.0f}".replace(",", GROUP).replace("-", MINUS)


def czk(value: float) -> str:
    """``12300.4`` as ``12 300 CZK``."""
    return f"{grouped(value)}{SPACE}CZK"


def interval(figure: Figure) -> str:
    """Both ends of an interval."""
    return f"{decimal(figure.low)} to {decimal(figure.high)}"


def czk_interval(figure: Figure) -> str:
    """Both ends of an interval of money."""
    return f"{grouped(figure.low)} to {czk(figure.high)}"


def size(count: float) -> str:
    """Bytes in kB or MB."""
    return f"{count / 1e6:.1f}{SPACE}MB" if count >= 1e6 else f"{count / 1e3:.0f}{SPACE}kB"


def protocol(recipe: Recipe) -> str:
    """How loans were split into those to train on and those to test with."""
    times = "once" if recipe.repeats == 1 else f"{recipe.repeats} times with other folds"
    if recipe.protocol == "time":
        return f"trained on the loans granted up to {TRAIN_UNTIL.day} {TRAIN_UNTIL:%B %Y}, tested on the later ones"
    if recipe.protocol == "holdout":
        return f"trained on {percent(1 - TEST_SHARE)} of the loans, tested on the rest, {times}"
    return f"stratified {FOLDS}-fold cross-validation, {times}"


#: What templates may call, by name.
FILTERS = {each.__name__: each for each in (decimal, percent, grouped, czk, interval, czk_interval, size)}
