"""The reproduction as a page: one table, and sentences that follow from it."""

import textwrap
from collections import Counter
from collections.abc import Iterator

from payoff.metadata import Figure
from training.evaluation import published
from training.evaluation.original_findings import kept_of, known, sentences
from training.evaluation.original_recipe import MODELS
from training.evaluation.original_results import (
    DRAWN,
    FORM,
    FULL,
    ONE_ROW,
    OWN,
    RUNNING,
    TOGETHER,
    Reproduction,
    Result,
)
from training.evaluation.original_rows import OWN_SEED
from training.evaluation.original_trials import METRICS

_HEAD = ("accuracy", "balanced accuracy", "MCC", "ROC AUC", "F1", "precision", "recall")
_WORDS = {
    "NN_TORCH": "a neural network of torch", "CAT": "CatBoost", "FASTAI": "a neural network of fastai",
    "RF": "two random forests", "XT": "two forests of extra trees", "KNN": "two models of nearest neighbours",
}  # fmt: skip


def as_page(found: Reproduction, *, command: str) -> str:
    """The page.

    Parameters
    ----------
    command : str
        What made it.
    """
    return f"""# What the original's figures were

{_wrapped(_what(found, command))}

{_table(found)}

Over several splits: the mean, and in brackets the 2.5th to the 97.5th percentile. Of a single split: accuracy with
Wilson's 95 % interval, ROC AUC with Hanley and McNeil's (Radiology 143, 1982). *Known* are test rows whose loan is
among the training rows too.

## What that says

{chr(10).join(_wrapped(f"- {sentence}") for sentence in sentences(found))}

## What ran

{_wrapped(_what_ran(found))}

## What is as in the original, and what is not

{_wrapped(_as_there(found))}

Not as there: sex, age and card are those of the owner in every row of a loan, where it had each person's own; age is to
the day, not by calendar years; a card counts only if it was issued before the grant; transactions of that very day do
not count; AutoGluon is newer. One row per loan has the set `seed`: the same columns, point-in-time, except that sex and
the undated standing orders are still among them.
"""


def _what(found: Reproduction, command: str) -> str:
    figures = published.FIGURES
    return (
        f"Payoff began from the [Loan Prediction App]({published.SOURCE}), which published an accuracy of "
        f"{figures['accuracy']:.3f} and a ROC AUC of {figures['roc_auc']:.3f} on {published.TEST_ROWS} test rows. Here "
        "its training runs again: on its rows and its own split, on other splits, and then with its choices undone one "
        f"after the other. {found.loans} finished loans, {found.loan_defaults} of them defaulted, make {found.rows} "
        f"rows with {found.row_defaults} defaults, because it had a row for each person who may use the account. A "
        f"default is the positive class, as it was there. Made by `{command}`."
    )


def _as_there(found: Reproduction) -> str:
    return (
        f"As there: finished loans joined to every disposition, in that order; shuffled with its seed, {OWN_SEED} (for "
        f"the other splits {found.seed} and the next ones), and cut after 70 %, not stratified; its model list and "
        "preset, and AutoGluon's choice by accuracy; its metrics. Two slips are kept on its rows: transactions are "
        "counted once for each person, and the age of the account is a category, because it was read back as text."
    )


def _table(found: Reproduction) -> str:
    lines = [("trained and tested", "rows", "known", *_HEAD), ("---",) * (3 + len(_HEAD))]
    rows = f"{published.TRAIN_ROWS} / {published.TEST_ROWS}"
    lines.append(("as published", rows, "", *_cells(published.figures())))
    for words, result in _listed(found):
        lines.append((words, _rows(result), f"{known(result):.0%}", *_cells(result.figures())))
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _listed(found: Reproduction) -> Iterator[tuple[str, Result]]:
    results = found.results
    yield "its rows and its own split, trained again", results[OWN]
    yield "always “paid off” there", results[OWN].always_paid_off()
    yield "its rows, other random splits", results[DRAWN]
    yield "always “paid off” there", results[DRAWN].always_paid_off()
    yield "its rows, those of a loan kept together", results[TOGETHER]
    yield "one row per loan, `seed`", results[ONE_ROW]
    yield "always “paid off” there", results[ONE_ROW].always_paid_off()
    yield "the same splits, Payoff on `form`", results[FORM]
    yield "the same splits, Payoff on `full`", results[FULL]
    yield "the same, running loans train too", results[RUNNING]


def _what_ran(found: Reproduction) -> str:
    left_out = ", ".join(_WORDS[name] for name in MODELS if name not in found.models)
    missing = f" Left out, because not installed or not asked for: {left_out}." if left_out else ""
    theirs = [trial for name in (OWN, DRAWN, TOGETHER, ONE_ROW) for trial in found.results[name].trials]
    kept = Counter(kept_of(trial.kept) for trial in theirs)
    counted = ", ".join(f"{name} {times}" for name, times in kept.most_common())
    ours = " As CatBoost is installed, Payoff's own training has it too." if "CAT" in found.models else ""
    return (
        f"Of its model list: {', '.join(_WORDS[name] for name in found.models)}.{missing} AutoGluon keeps what is most "
        f"accurate on a fifth of the training rows; what it kept, in {len(theirs)} trainings: {counted}.{ours}"
    )


def _rows(result: Result) -> str:
    """Of training and test, the fewest and the most where splits differ."""
    train, test = {each.train for each in result.trials}, {len(each.truth) for each in result.trials}
    return " / ".join("–".join(map(str, sorted({min(sizes), max(sizes)}))) for sizes in (train, test))


def _cells(figures: dict[str, Figure]) -> list[str]:
    return [_cell(figures[name]) for name in METRICS]


def _cell(figure: Figure) -> str:
    return f"{figure.value:.3f}" + (f" ({figure.low:.3f} to {figure.high:.3f})" if figure.low < figure.high else "")


def _wrapped(text: str) -> str:
    """Wrapped as the rest of the page; lines after a bullet's first are indented."""
    indent = "  " if text.startswith("- ") else ""
    return textwrap.fill(text, 120, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)
