"""The report's pictures: reliability, ROC, precision-recall, gain and cost, each with what it shows in words."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter

from training.evaluation import curves
from training.evaluation.curves import Bin, Curve
from training.evaluation.judged import Judged, pooled
from training.evaluation.nested import FoldRecord
from training.evaluation.svg import as_svg
from training.evaluation.wording import czk, decimal, grouped, interval, percent

# Told apart by anyone: blue and vermilion of Okabe and Ito, "Color universal design" (2008). The page has a darker
# paper and lighter inks for dark screens.
PAPER, INK, MUTED, LINE, BLUE, RED = "#ffffff", "#26323a", "#56636c", "#d3dadc", "#0072b2", "#d55e00"
PALETTE = (PAPER, INK, MUTED, LINE, BLUE, RED)

#: Inches; small, so that the letters are still read on a phone.
_SIZE = (4.5, 4.4)
_STYLE: dict[Any, Any] = {
    "axes.axisbelow": True, "axes.edgecolor": MUTED, "axes.facecolor": PAPER, "axes.grid": True, "axes.labelcolor": INK,
    "axes.labelsize": 12, "axes.spines.right": False, "axes.spines.top": False, "figure.facecolor": PAPER,
    "font.size": 11.5, "grid.color": LINE, "grid.linewidth": 0.6, "legend.fontsize": 11, "legend.frameon": False,
    "lines.linewidth": 2, "svg.fonttype": "none", "svg.hashsalt": "payoff", "text.color": INK, "xtick.color": MUTED,
    "ytick.color": MUTED,
}  # fmt: skip
_THIN: dict[str, Any] = {"color": BLUE, "alpha": 0.5, "linewidth": 0.8}
_AIDE: dict[str, Any] = {"color": MUTED, "linestyle": (0, (4, 3)), "linewidth": 1.2}
_DOT: dict[str, Any] = {
    "marker": "o",
    "markersize": 8,
    "color": RED,
    "markeredgecolor": PAPER,
    "linestyle": "none",
    "zorder": 5,
}
#: Where both are the same, one is seen around the other.
_BEFORE: dict[str, Any] = {
    "color": RED,
    "marker": "s",
    "markerfacecolor": "none",
    "markersize": 9,
    "elinewidth": 5,
    "ecolor": (RED, 0.3),
}
_AFTER: dict[str, Any] = {"color": BLUE, "marker": "o", "markersize": 5, "elinewidth": 1.5}


@dataclass(frozen=True)
class Picture:
    """An SVG element with its heading and, below it, what to look for; ``says`` is its text alternative."""

    name: str
    title: str
    caption: str
    says: str
    svg: str


def pictures(records: Sequence[FoldRecord], judged: Judged) -> tuple[Picture, ...]:
    """The five pictures of an evaluation, in the order of the report."""
    with matplotlib.rc_context():
        matplotlib.rcdefaults()  # or a reader's own defaults would change them
        matplotlib.rcParams.update(_STYLE)
        return (
            _reliability(records, judged),
            _roc(records, judged),
            _precision_recall(records, judged),
            _gain(records, judged),
            _cost(records, judged),
        )


def _reliability(records: Sequence[FoldRecord], judged: Judged) -> Picture:
    before, after = (curves.reliability(records, field) for field in ("raw", "probability"))
    figure, axes = _panel("predicted probability of default", "share that defaulted")
    reach = max(max(each.high, each.predicted) for each in (*before, *after))
    axes.plot([0, 1], [0, 1], label="as predicted", **_AIDE)
    _bars(axes, before, "before calibration", _BEFORE)
    _bars(axes, after, "after calibration", _AFTER)
    _stretch(axes, reach)
    errors = f"{decimal(judged.raw_calibration_error)} before calibration, {decimal(judged.calibration_error)} after"
    return _picture(
        figure,
        "reliability",
        "Reliability",
        f"Loans in {len(after)} equal groups by probability; bars are 95 % Wilson intervals of the share that "
        "defaulted. One that meets the dashed line is as predicted. Axes are stretched near 0, where most loans are.",
        f"Share of defaults against predicted probability in {len(after)} groups of loans. Lowest group: "
        f"{_told(after[0])}. Highest group: {_told(after[-1])}. Calibration error {errors}.",
    )


def _told(group: Bin) -> str:
    seen = f"{percent(group.observed)} (95 % interval {percent(group.low)} to {percent(group.high)}) defaulted"
    return f"{percent(group.predicted)} predicted, {seen}"


def _bars(axes: Axes, bins: Sequence[Bin], label: str, looks: dict[str, Any]) -> None:
    predicted, observed = [each.predicted for each in bins], [each.observed for each in bins]
    reach = [[each.observed - each.low for each in bins], [each.high - each.observed for each in bins]]
    # An end of the interval may miss a share of 0 or 1 by a rounding error.
    axes.errorbar(predicted, observed, np.maximum(reach, 0), label=label, linestyle="none", clip_on=False, **looks)


def _stretch(axes: Axes, reach: float) -> None:
    """Square-root axes, on which the diagonal stays straight."""
    axes.set_xscale("function", functions=(_root, np.square))
    axes.set_yscale("function", functions=(_root, np.square))
    axes.set(xlim=(0, min(1.0, 1.1 * reach)), ylim=(0, min(1.0, 1.1 * reach)))
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(FixedLocator([0, 0.02, 0.1, 0.2, 0.4, 0.7, 1]))
        axis.set_major_formatter(FuncFormatter(lambda share, _: percent(share)))


def _root(share: np.ndarray) -> np.ndarray:
    root: np.ndarray = np.sqrt(np.maximum(share, 0))
    return root


def _roc(records: Sequence[FoldRecord], judged: Judged) -> Picture:
    curve, dot = curves.roc(records), curves.decided(records, judged.threshold)
    figure, axes = _panel("share of paid-off loans refused", "share of defaults refused")
    axes.plot([0, 1], [0, 1], label="chance", **_AIDE)
    _lines(axes, curve)
    axes.plot([dot.false_alarms], [dot.recall], label=_threshold(judged), **_DOT)
    area = judged.metrics["roc_auc"]
    return _picture(
        figure,
        "roc",
        "ROC curve",
        "What each threshold refuses, of good loans and of bad ones. The ROC AUC is the area below a fold’s curve.",
        f"ROC curve; the ROC AUC is {decimal(area.value)} (95 % interval {interval(area)}). Refusing 10 % of the "
        f"paid-off loans refuses {percent(curve.at(0.1))} of the defaults, refusing 20 % {percent(curve.at(0.2))}.",
    )


def _precision_recall(records: Sequence[FoldRecord], judged: Judged) -> Picture:
    curve, dot, base = curves.precision_recall(records), curves.decided(records, judged.threshold), _base(records)
    figure, axes = _panel("recall: share of defaults refused", "precision: share of refusals right")
    axes.axhline(base, label=f"chance: {percent(base)}", **_AIDE)
    _lines(axes, curve)
    axes.plot([dot.recall], [dot.precision], label=_threshold(judged), **_DOT)
    axes.set_ylim(0, 1.02)
    area = judged.metrics["pr_auc"]
    return _picture(
        figure,
        "precision-recall",
        "Precision and recall",
        "How many refusals are right as more of the defaults are caught. The dashed line is the share of defaults.",
        f"Precision-recall curve; the PR AUC is {decimal(area.value)} (95 % interval {interval(area)}), that of chance "
        f"the share of defaults, {percent(base)}. At a recall of 50 % the precision is "
        f"{percent(curve.at(0.5))}, at 80 % it is {percent(curve.at(0.8))}.",
    )


def _gain(records: Sequence[FoldRecord], judged: Judged) -> Picture:
    curve, dot, base = curves.gain(records), curves.decided(records, judged.threshold), _base(records)
    figure, axes = _panel("share of loans, riskiest first", "share of all defaults among them")
    axes.plot([0, base, 1], [0, 1, 1], label="perfect", color=MUTED, linewidth=1.2)
    axes.plot([0, 1], [0, 1], label="chance", **_AIDE)
    _lines(axes, curve)
    axes.plot([dot.refused], [dot.recall], label=_threshold(judged), **_DOT)
    return _picture(
        figure,
        "gain",
        "Cumulative gain",
        "How many of the defaults are found by looking at the riskiest loans first.",
        f"Cumulative gain. The riskiest 10 % of the loans hold {percent(curve.at(0.1))} of the defaults, the "
        f"riskiest 20 % hold {percent(curve.at(0.2))}, the riskiest 50 % {percent(curve.at(0.5))}.",
    )


def _cost(records: Sequence[FoldRecord], judged: Judged) -> Picture:
    curve = curves.expected_cost(records, judged.costs)
    model, everyone, nobody = (judged.cost[name].value for name in ("the model", "grant all", "grant none"))
    figure, axes = _panel("threshold: refuse from this probability on", "CZK per loan")
    axes.axhline(everyone, label="grant all", **_AIDE)
    axes.axhline(nobody, label="grant none", **_AIDE | {"linestyle": (0, (1, 1.5))})
    _lines(axes, curve)
    axes.axvline(judged.threshold, color=RED, linewidth=1)
    axes.plot([judged.threshold], [model], label=_threshold(judged), **_DOT)
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: grouped(value)))
    axes.set_ylim(0, 1.05 * max(everyone, nobody, *curve.mean))
    return _picture(
        figure,
        "cost",
        "Cost of each threshold",
        f"A default costs {percent(judged.costs.default)} of the amount, a good loan refused "
        f"{percent(judged.costs.refusal)}. The "
        "dot is where granting and refusing break even, which needs no search.",
        f"Expected cost per loan against the threshold. At the break-even threshold of "
        f"{percent(judged.threshold)} it is {czk(model)}; granting all loans costs {czk(everyone)}, granting none "
        f"{czk(nobody)}.",
    )


def _picture(figure: Figure, name: str, title: str, caption: str, says: str) -> Picture:
    figure.legend(loc="outside upper left", ncols=2, borderpad=0.3, columnspacing=1.5, handlelength=1.6)
    return Picture(name, title, caption, says, as_svg(figure, name, title, says))


def _panel(across: str, up: str) -> tuple[Figure, Axes]:
    figure = Figure(figsize=_SIZE, layout="constrained")
    axes = figure.subplots()
    axes.set(xlabel=across, ylabel=up, xlim=(-0.01, 1.01))
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(FuncFormatter(lambda share, _: percent(share)))
    axes.tick_params(length=0, pad=6)
    return figure, axes


def _lines(axes: Axes, curve: Curve) -> None:
    """The mean, and the repeats below it where there are several."""
    several = len(curve.repeats)
    if several > 1:
        axes.plot(curve.x, curve.repeats.T, label=["one repeat", *[None] * (several - 1)], **_THIN)
    axes.plot(curve.x, curve.mean, color=BLUE, label=f"mean of {several} repeats" if several > 1 else "the model")


def _threshold(judged: Judged) -> str:
    return f"threshold {percent(judged.threshold)}"


def _base(records: Sequence[FoldRecord]) -> float:
    """The share of defaults among the test loans, repeats averaged."""
    return float(np.mean([truth.mean() for truth, _ in pooled(records)]))
