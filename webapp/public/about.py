"""What this is, what it is not, what is kept, and how the model was judged."""

import logging
from dataclasses import dataclass

from flask import Response, render_template
from flask_babel import gettext as _
from flask_babel import lazy_gettext
from werkzeug.exceptions import NotFound

from payoff.errors import LakeError, ModelError
from payoff.lake import read_checked
from payoff.metadata import Figure, Metadata
from webapp.serving import current_lake, current_model, current_settings

#: Not the page beside it: that has its styles in itself, which the site's policy rightly forbids.
_CARD = "card.md"
#: By metric, its name, and what it says; in the order of the page.
_METRICS = {
    "roc_auc": (
        lazy_gettext("Ranking (ROC AUC)"),
        lazy_gettext("How often a loan that defaulted had a higher risk than one that was paid off; chance has 0.5."),
    ),
    "pr_auc": (
        lazy_gettext("Ranking of rare defaults (PR AUC)"),
        lazy_gettext("The share of defaults among the loans called riskiest, averaged; chance has the share of all."),
    ),
    "ks": (
        lazy_gettext("Separation (KS)"),
        lazy_gettext("The widest gap between the shares of defaulted and of paid loans above one risk; 1 is perfect."),
    ),
    "brier": (
        lazy_gettext("Error of probabilities (Brier score)"),
        lazy_gettext("The mean squared distance between the probability and what happened; 0 is perfect."),
    ),
    "log_loss": (
        lazy_gettext("Surprise (log-loss)"),
        lazy_gettext("Grows most where the model was sure and wrong; 0 is perfect."),
    ),
    "accuracy": (
        lazy_gettext("Right answers (accuracy)"),
        lazy_gettext("The share of ends foretold; most loans are paid off, so granting all scores high, too."),
    ),
    "balanced_accuracy": (
        lazy_gettext("Right answers of either kind (balanced accuracy)"),
        lazy_gettext("The mean of the shares right among the paid and among the defaulted; chance has 0.5."),
    ),
    "precision": (
        lazy_gettext("Justified doubts (precision)"),
        lazy_gettext("Of the loans called doubtful, the share that did default."),
    ),
    "recall": (
        lazy_gettext("Defaults foreseen (recall)"),
        lazy_gettext("Of the loans that defaulted, the share called doubtful."),
    ),
    "f1": (
        lazy_gettext("Precision and recall in one (F1)"),
        lazy_gettext("Their harmonic mean; 1 is perfect."),
    ),
    "mcc": (
        lazy_gettext("Agreement (Matthews’ correlation)"),
        lazy_gettext("Between answer and end, over all four ways to be right or wrong; 0 is chance, 1 is perfect."),
    ),
}
_POLICIES = {
    "the model": lazy_gettext("granting what the model calls likely"),
    "grant all": lazy_gettext("granting every loan"),
    "grant none": lazy_gettext("granting none"),
}

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Judged:
    """One figure of the model, beside what giving every loan the same probability would have."""

    label: object
    means: object
    figure: Figure
    baseline: Figure | None


@dataclass(frozen=True)
class Cost:
    """What a way to decide would have cost, CZK per test loan."""

    policy: object
    figure: Figure


def about() -> str:
    """The page; without a model, it says that there is none to tell of."""
    settings = current_settings()
    metadata = _metadata()
    return render_template(
        "about.html",
        metadata=metadata,
        figures=_figures(metadata) if metadata else [],
        costs=_costs(metadata) if metadata else [],
        has_card=metadata is not None and _CARD in metadata.attachments,
        retention_days=settings.retention_days,
    )


def card() -> Response | tuple[str, int]:
    """The whole model card, as Markdown to be kept."""
    metadata = current_model().metadata
    if _CARD not in metadata.attachments:
        raise NotFound
    lake = current_lake()
    try:
        data = read_checked(lake, f"models/{metadata.version}/{_CARD}", metadata.attachments[_CARD])
    except LakeError as error:
        _log.error("the model card cannot be read: %s", error)
        title, advice = _("The model card cannot be read"), _("It is missing or damaged; the server’s log says more.")
        return render_template("error.html", title=title, advice=advice, status=503), 503
    name = f"model-card-{metadata.version}.md"
    return Response(data, mimetype="text/markdown", headers={"Content-Disposition": f'attachment; filename="{name}"'})


def _metadata() -> Metadata | None:
    try:
        return current_model().metadata
    except (ModelError, LakeError):
        return None


def _figures(metadata: Metadata) -> list[Judged]:
    return [
        Judged(label, means, metadata.metrics[name], metadata.baseline.get(name))
        for name, (label, means) in _METRICS.items()
        if name in metadata.metrics
    ]


def _costs(metadata: Metadata) -> list[Cost]:
    return [
        Cost(policy, metadata.cost_per_loan[name])
        for name, policy in _POLICIES.items()
        if name in metadata.cost_per_loan
    ]
