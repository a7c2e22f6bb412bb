"""What each preset costs and gives, and what leaving out unfinished loans does, as a page."""

from collections.abc import Iterator, Sequence, Set

import numpy as np

from training.evaluation.comparison import Entry, difference
from training.evaluation.comparison_page import mean_of, spread_figure
from training.evaluation.judged import judge
from training.evaluation.nested import FoldRecord
from training.evaluation.tables import counted, difference_words, markdown_table, money
from training.presets import EFFORTS
from training.split import FOLDS


def as_page(by_preset: Sequence[Entry], finished: Entry, settled: Set[int], command: str) -> str:
    """The page.

    Parameters
    ----------
    by_preset : sequence of Entry
        All loans; the default preset among them.
    finished : Entry
        The default preset on finished loans alone.
    settled : set of int
        The finished loans.
    """
    good = next(each for each in by_preset if each.recipe.preset == finished.recipe.preset)
    return f"""# Presets and population

Set `{good.recipe.feature_set}`, {FOLDS}-fold cross-validation, {counted(good.recipe.repeats, "repeat")}, everything
inside the fold. Mean ± standard deviation over folds, 95 % bootstrap interval. Made by
`{command}`.

## What each preset costs and gives

{_presets(by_preset)}

Against `{good.recipe.preset}`, by a corrected resampled t-test over the same folds:

{_against(by_preset, good)}

`fast` has one boosted and one linear model, `good` (the default) adds forests and a second copy of the boosted one,
`best` takes six copies and ten inner folds.

## Loans still being paid back

A running loan counts as good while it is not in debt, and may still default; {_shares(good, settled)}. Both rows are
tested on finished loans only, whose end is settled; the first is trained on all other loans of its fold, the second on
the finished ones of its fold. Their folds differ, so the difference is between two samples, not within pairs.

{_population(good, finished, settled)}

All loans are the default: {_verdict(good, finished, settled)}
"""


def _presets(entries: Sequence[Entry]) -> str:
    def rows() -> Iterator[Sequence[str]]:
        for each in entries:
            effort = EFFORTS[each.recipe.preset]
            took = [f"{mean_of(each, 'fit_seconds'):.1f}", f"{1000 * mean_of(each, 'row_seconds'):.0f}"]
            figures = [spread_figure(each, name) for name in ("roc_auc", "pr_auc", "brier", "log_loss")]
            size = f"{mean_of(each, 'size') / 1e6:.1f}"
            yield [f"`{each.recipe.preset}`", str(effort.bag_folds), *took, size, *figures]

    head = ["preset", "inner folds", "training, s", "one row, ms", "size, MB", "ROC AUC", "PR AUC", "Brier", "log-loss"]
    return markdown_table(head, rows())


def _against(entries: Sequence[Entry], good: Entry) -> str:
    def rows() -> Iterator[Sequence[str]]:
        for each in entries:
            if each is not good:
                found = (difference(each, good, name) for name in ("roc_auc", "log_loss"))
                yield [f"`{each.recipe.preset}`", *map(difference_words, found)]

    return markdown_table(["preset", "ROC AUC", "log-loss"], rows())


def _population(good: Entry, finished: Entry, settled: Set[int]) -> str:
    def rows() -> Iterator[Sequence[str]]:
        for words, records in (("all", _only(good.records, settled)), ("finished", finished.records)):
            judged = judge(records, good.judged.costs)
            trained = np.mean([len(each.inner_truth) for each in records])
            figures = [judged.metrics[name] for name in ("roc_auc", "pr_auc", "brier")]
            shown = [f"{each.value:.3f} ({each.low:.3f} to {each.high:.3f})" for each in figures]
            yield [words, f"{trained:.0f}", *shown, money(judged.cost["the model"])]

    head = ["trained on", "loans", "ROC AUC", "PR AUC", "Brier", "cost, CZK per loan"]
    return markdown_table(head, rows())


def _only(records: Sequence[FoldRecord], loans: Set[int]) -> list[FoldRecord]:
    """The records with only these test loans; a fold that has no loan of either end is left out."""
    kept = []
    for each in records:
        places = [place for place, loan in enumerate(each.loans) if loan in loans]
        part = {
            name: tuple(getattr(each, name)[place] for place in places)
            for name in ("loans", "truth", "amount", "raw", "probability")
        }
        if len(set(part["truth"])) == 2:
            kept.append(each.model_copy(update=part))
    return kept


def _shares(good: Entry, settled: Set[int]) -> str:
    loans = {loan for each in good.records for loan in each.loans}
    return f"of the {len(loans)} loans {len(loans & settled)} are finished"


def _verdict(good: Entry, finished: Entry, settled: Set[int]) -> str:
    every, settled_only = (
        judge(records, good.judged.costs).metrics["roc_auc"]
        for records in (_only(good.records, settled), finished.records)
    )
    gap = every.value - settled_only.value
    word = "higher" if gap > 0 else "lower"
    apart = "" if every.low > settled_only.high or settled_only.low > every.high else ", within each other's intervals"
    return (
        f"on finished loans the ROC AUC is {abs(gap):.3f} {word} with them{apart}, and the form is asked about loans "
        "that are about to run, not about finished ones."
    )
