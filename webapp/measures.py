"""The figures of a model, in words: what each is called, and whether more of it is better."""

from dataclasses import dataclass

from flask_babel import lazy_gettext as _
from flask_babel.speaklater import LazyString

from payoff.metadata import Figure, Metadata

#: Who decides, as ``Metadata.cost_per_loan`` names them.
MODEL, GRANT_ALL, GRANT_NONE = "the model", "grant all", "grant none"
POLICIES = {MODEL: _("This model"), GRANT_ALL: _("Granting every loan"), GRANT_NONE: _("Granting none")}


@dataclass(frozen=True)
class Measure:
    """A figure of a model.

    Attributes
    ----------
    more_is_better : bool
        Otherwise less is.
    """

    label: LazyString
    meaning: LazyString
    more_is_better: bool = True


METRICS: dict[str, Measure] = {
    "roc_auc": Measure(_("ROC AUC"), _("of two loans of which one defaulted, how often that one scores riskier")),
    "pr_auc": Measure(_("PR AUC"), _("how many of those refused defaulted, averaged over all thresholds")),
    "brier": Measure(_("Brier score"), _("mean squared error of the probability"), more_is_better=False),
    "log_loss": Measure(_("Log-loss"), _("mean surprise at how loans ended"), more_is_better=False),
    "ks": Measure(_("Kolmogorov–Smirnov"), _("largest distance between the scores of loans of either end")),
    "accuracy": Measure(_("Accuracy"), _("share of right answers; high wherever defaults are rare")),
    "balanced_accuracy": Measure(_("Balanced accuracy"), _("mean of the shares of right answers for either end")),
    "mcc": Measure(_("Matthews correlation"), _("correlation of answers and ends")),
    "f1": Measure(_("F1"), _("harmonic mean of precision and recall")),
    "precision": Measure(_("Precision"), _("share of those refused that defaulted")),
    "recall": Measure(_("Recall"), _("share of defaults that are refused")),
}
CALIBRATION_ERROR = Measure(
    _("Calibration error"), _("mean distance of predicted and observed shares, in ten groups"), more_is_better=False
)
COST = Measure(_("Cost per loan"), _("CZK that the decisions cost on average"), more_is_better=False)

#: What the leaderboard shows, in order.
LEADING: dict[str, Measure] = {
    **{name: METRICS[name] for name in ("roc_auc", "pr_auc", "brier", "log_loss")},
    "calibration_error": CALIBRATION_ERROR,
    "cost": COST,
}


def measured(metadata: Metadata, name: str) -> Figure | float | None:
    """A figure of a version by its name in ``LEADING`` or ``METRICS``; None where the version has none."""
    if name == "calibration_error":
        return metadata.calibration_error
    if name == "cost":
        return metadata.cost_per_loan.get(MODEL)
    return metadata.metrics.get(name)
