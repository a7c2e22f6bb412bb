"""The comparison as a page, and one evaluation as a table."""

from collections.abc import Iterator, Sequence

import numpy as np
from rich.table import Table

from payoff.reporting import figure
from training.evaluation.comparison import Entry, difference, recalibrated
from training.evaluation.contenders import AUTOGLUON
from training.evaluation.judged import SEARCHED
from training.evaluation.tables import difference_words, markdown_table, money
from training.evaluation.wording import METRICS
from training.split import FOLDS, TRAIN_UNTIL

_HEADLINE = ("roc_auc", "pr_auc", "brier", "log_loss")


def as_page(cv: Sequence[Entry], in_time: Sequence[Entry], command: str) -> str:
    """The whole comparison.

    Parameters
    ----------
    cv, in_time : sequence of Entry
        The same contenders, by cross-validation and by the split in time.
    command : str
        What made it.
    """
    first, costs = cv[0], cv[0].judged.costs
    loans = {loan: end for each in first.records for loan, end in zip(each.loans, each.truth, strict=True)}
    late = in_time[0].records[0]
    return f"""# What the training reaches, beside others

{len(loans)} loans, {sum(loans.values())} defaulted; one row per loan; selection, models, calibration and threshold
inside each fold, for every contender alike. The plain models have scikit-learn's own settings. Made by
`{command}`.

Selection rule and model settings of AutoGluon's presets, and how firmly calibration holds to the identity, were chosen
before, by experiments on these same loans (on other folds), so its figures are a little kind.

## {FOLDS}-fold cross-validation, stratified, {first.recipe.repeats} repeats

Mean over the {first.judged.folds} folds ± their standard deviation; in brackets the 95 % bootstrap interval of the
mean, whole loans resampled.

{_headline(cv)}

### Is it better?

Each against {_reference(cv).name}: the mean difference over the same folds, with the 95 % interval and p-value of the
corrected resampled t-test (Nadeau and Bengio 2003). An interval that holds 0 means that these loans cannot tell.

{_differences(cv)}

### Every figure of AutoGluon

At the threshold where stated costs break even. KS is a largest gap, which resampling can only widen, so its interval
lies high.

{_every_figure(cv)}

## Split in time

Trained on the {len(late.inner_truth)} loans granted up to {TRAIN_UNTIL:%Y-%m-%d}, tested on the {len(late.truth)} later
ones ({sum(late.truth)} defaulted); in brackets the 95 % bootstrap interval.

{_headline(in_time)}

## Calibration

In the outer folds; expected calibration error of ten bins of equal size, averaged over repeats. The last column is what
calibration did to the Brier score, by the corrected resampled t-test.

{_calibration(cv)}

## What decisions cost

CZK per loan, where a default costs {100 * costs.default:g} % of the amount and a refusal of a loan that would have been
paid off {100 * costs.refusal:g} %. The model refuses from a probability of default of {first.judged.threshold:.3f} on,
where granting breaks even; the threshold that was cheapest on the inner folds is shown beside it.

{_costs(cv)}

## What it takes

Mean over folds, one thread; training is of a fold with its out-of-fold predictions. Ratios are to logistic regression
on the same set where it ran, because machines differ.

{_effort(cv)}
"""


def figures_table(judged: Entry) -> Table:
    """Every figure of one evaluation, for a terminal."""
    table = Table("figure", "mean (95 % interval)", "spread over folds", title=judged.name)
    for name, found in judged.judged.metrics.items():
        table.add_row(name, figure(found), f"{judged.judged.spread[name]:.3f}")
    table.add_row("calibration error", f"{judged.judged.calibration_error:.3f}", "")
    for who, cost in judged.judged.cost.items():
        table.add_row(f"CZK per loan, {who}", money(cost), "")
    return table


def _headline(entries: Sequence[Entry]) -> str:
    def rows() -> Iterator[Sequence[str]]:
        for each in entries:
            yield [*_who(each), *(spread_figure(each, name) for name in _HEADLINE)]

    return markdown_table(["trained", "features", "ROC AUC", "PR AUC", "Brier", "log-loss"], rows())


def _differences(entries: Sequence[Entry]) -> str:
    reference = _reference(entries)

    def rows() -> Iterator[Sequence[str]]:
        for each in entries:
            if each is not reference:
                yield [
                    *_who(each),
                    *(difference_words(difference(each, reference, name)) for name in ("roc_auc", "log_loss")),
                ]

    return markdown_table(["trained", "features", "ROC AUC", "log-loss"], rows())


def _every_figure(entries: Sequence[Entry]) -> str:
    ours = [each for each in entries if each.recipe.contender == AUTOGLUON]
    metrics = [metric for group in METRICS.values() for metric in group] if ours else []
    rows = ([metric.label, *(spread_figure(each, metric.name) for each in ours)] for metric in metrics)
    return markdown_table(["figure", *(f"`{each.recipe.feature_set}`" for each in ours)], rows)


def _calibration(entries: Sequence[Entry]) -> str:
    def rows() -> Iterator[Sequence[str]]:
        for each in entries:
            found = each.judged
            before = [f"{found.raw_calibration_error:.3f}", f"{found.calibration_error:.3f}"]
            brier = [f"{found.raw_brier:.4f}", f"{found.metrics['brier'].value:.4f}"]
            yield [*_who(each), *before, *brier, difference_words(recalibrated(each), digits=4)]

    head = ["trained", "features", "error before", "after", "Brier before", "after", "after less before"]
    return markdown_table(head, rows())


def _costs(entries: Sequence[Entry]) -> str:
    def rows() -> Iterator[Sequence[str]]:
        for each in entries:
            yield [*_who(each), money(each.judged.cost["the model"]), money(each.judged.cost[SEARCHED])]
        for who in ("grant all", "grant none"):
            yield [who, "", money(entries[0].judged.cost[who]), ""]

    return markdown_table(["decided by", "features", "break-even threshold", SEARCHED], rows())


def _effort(entries: Sequence[Entry]) -> str:
    plain = {each.recipe.feature_set: each for each in entries if each.recipe.contender == "logistic regression"}

    def rows() -> Iterator[Sequence[str]]:
        for each in entries:
            fit, row = mean_of(each, "fit_seconds"), mean_of(each, "row_seconds")
            beside = plain.get(each.recipe.feature_set, each)
            ratios = [f"{fit / mean_of(beside, 'fit_seconds'):.1f}×", f"{row / mean_of(beside, 'row_seconds'):.1f}×"]
            size = f"{mean_of(each, 'size') / 1e6:.2f}"
            yield [*_who(each), f"{fit:.1f}", ratios[0], f"{1000 * row:.0f}", ratios[1], size]

    head = ["trained", "features", "training, s", "ratio", "one row, ms", "ratio", "size, MB"]
    return markdown_table(head, rows())


def _reference(entries: Sequence[Entry]) -> Entry:
    """AutoGluon on the largest set it was tried on: the last of its entries; without one, the last entry."""
    ours = [each for each in entries if each.recipe.contender == AUTOGLUON]
    return (ours or list(entries))[-1]


def _who(each: Entry) -> list[str]:
    return [each.recipe.contender, f"`{each.recipe.feature_set}`"]


def spread_figure(each: Entry, name: str) -> str:
    """Mean, spread over folds and interval."""
    found = each.judged.metrics[name]
    spread = f" ± {each.judged.spread[name]:.3f}" if each.judged.folds > 1 else ""
    return f"{found.value:.3f}{spread} ({found.low:.3f} to {found.high:.3f})"


def mean_of(each: Entry, field: str) -> float:
    """Mean over folds of a number that the records hold."""
    return float(np.mean([getattr(record, field) for record in each.records]))
