"""What follows from the reproduction, in sentences with its numbers."""

from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np

from training.evaluation import published
from training.evaluation.original_results import DRAWN, FORM, FULL, ONE_ROW, OWN, TOGETHER, Reproduction, Result, alone
from training.evaluation.original_trials import THRESHOLD


def sentences(found: Reproduction) -> Iterator[str]:
    """Each finding as a paragraph."""
    yield _accuracy()
    yield _auc()
    yield _own(found)
    yield _alone(found)
    yield _other_splits(found)
    yield _repeats(found)
    yield _one_row(found)
    yield _ours(found)


def _accuracy() -> str:
    counts, interval = published.implied(), published.figures()["accuracy"]
    paid = counts.rows - counts.defaults
    compared = "exactly as often" if counts.right == paid else f"{paid} times"
    return (
        f"**The accuracy.** Its precision and recall leave one reading: of {counts.rows} test rows {counts.defaults} "
        f"were defaults; the model found {counts.found} and raised {counts.false_alarms} false alarm. It was right for "
        f"{counts.right} rows; always saying “paid off” is right {compared}. Of so few rows, {interval.value:.3f} may "
        f"stand for anything from {interval.low:.3f} to {interval.high:.3f}."
    )


def _auc() -> str:
    counts, interval = published.implied(), published.figures()["roc_auc"]
    coin = "included" if interval.low <= 0.5 <= interval.high else "not included"
    return (
        f"**The ROC AUC.** With {counts.defaults} defaults, {interval.value:.3f} may stand for anything from "
        f"{interval.low:.3f} to {interval.high:.3f}, a coin's 0.5 {coin}."
    )


def _own(found: Reproduction) -> str:
    (trial,) = found.results[OWN].trials
    figures, implied = trial.figures(), published.implied().defaults
    defaults = sum(trial.truth)
    same = f"the {implied} that its figures imply" if defaults == implied else f"where its figures imply {implied}"
    return (
        f"**Its split.** The published shuffle puts {defaults} defaults among the test rows, {same}. {trial.known} of "
        f"the {len(trial.truth)} test rows are of a loan that trains too. Trained again, accuracy is "
        f"{figures['accuracy']:.3f} and ROC AUC {figures['roc_auc']:.3f}: AutoGluon kept "
        f"{kept_of(trial.kept)}; then it kept {published.KEPT}."
    )


def _alone(found: Reproduction) -> str:
    trials = [trial for kind in found.models for trial in found.results[alone(kind)].trials]
    right = Counter(sum(np.equal(trial.said, trial.truth)) for trial in trials)
    most, often = right.most_common(1)[0]
    areas = [trial.figures()["roc_auc"] for trial in trials]
    published_too = ", as published" if most == published.implied().right else ""
    return (
        f"**The model.** With one kind of model at a time, {often} of {len(trials)} kinds are right for {most} rows "
        f"there{published_too}, while their ROC AUCs go from {min(areas):.3f} to {max(areas):.3f}."
    )


def _other_splits(found: Reproduction) -> str:
    drawn = found.results[DRAWN]
    area, accuracy = drawn.by_split("roc_auc"), drawn.by_split("accuracy")
    better = int((accuracy > drawn.always_paid_off().by_split("accuracy")).sum())
    silent = sum(not any(trial.said) for trial in drawn.trials)
    return (
        f"**The draw.** On the other splits, {area.size} of them, the same training has a ROC AUC from "
        f"{area.min():.3f} to {area.max():.3f} and an accuracy from {accuracy.min():.3f} to {accuracy.max():.3f}. It "
        f"was right more often than always “paid off” on {better} of them, and predicted no default at all on {silent}."
    )


def _repeats(found: Reproduction) -> str:
    repeated, defaulted = found.rows - found.loans, found.row_defaults - found.loan_defaults
    before, after = 1 - found.loan_defaults / found.loans, 1 - found.row_defaults / found.rows
    apart, together = found.results[DRAWN], found.results[TOGETHER]
    return (
        f"**The repeated rows.** {repeated} rows repeat a loan, {defaulted or 'none'} of them a default, which raises "
        f"the share that was paid off from {before:.1%} to {after:.1%}. On a random split {known(apart):.0%} of the "
        f"test rows are of a loan that trains too. With loans kept together the ROC AUC is "
        f"{_mean(together, 'roc_auc')} instead of {_mean(apart, 'roc_auc')}, the accuracy "
        f"{_mean(together, 'accuracy')} instead of {_mean(apart, 'accuracy')}."
    )


def _one_row(found: Reproduction) -> str:
    result = found.results[ONE_ROW]
    return (
        f"**One row per loan.** The same training on point-in-time features has a ROC AUC of "
        f"{_mean(result, 'roc_auc')} and an accuracy of {_mean(result, 'accuracy')}; always “paid off” has "
        f"{_mean(result.always_paid_off(), 'accuracy')}."
    )


def _ours(found: Reproduction) -> str:
    theirs, form, full = (found.results[name] for name in (ONE_ROW, FORM, FULL))
    better = int((full.by_split("roc_auc") > theirs.by_split("roc_auc")).sum())
    return (
        f"**Payoff.** On the same splits its own training has a ROC AUC of {_mean(form, 'roc_auc')} on `form` and "
        f"{_mean(full, 'roc_auc')} on `full`, the latter above the original's training on {better} of "
        f"{len(full.trials)}. It says default from a probability of {THRESHOLD:.3f} on, where granting breaks even, "
        f"not from one half: on `full` it finds {_share(full, 'recall')} of the defaults, the original's training "
        f"{_share(theirs, 'recall')}. Accuracy, {_mean(full, 'accuracy')}, is not what that threshold is for."
    )


def kept_of(models: Sequence[str]) -> str:
    """Without the ensemble that weighs them, which AutoGluon always keeps."""
    return " and ".join(name for name in models if not name.startswith("WeightedEnsemble")) or "none"


def known(result: Result) -> float:
    """Of the test rows, the share whose loan is among the training rows too."""
    return float(np.mean([trial.known / len(trial.truth) for trial in result.trials]))


def _mean(result: Result, metric: str) -> str:
    return f"{result.by_split(metric).mean():.3f}"


def _share(result: Result, metric: str) -> str:
    return f"{result.by_split(metric).mean():.0%}"
