from itertools import pairwise

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from scipy import stats
from sklearn import metrics

from training.evaluation.figures import evaluate, majority_baseline, payoff_bands
from training.evaluation.metrics import NAMES, weighted_metrics

FROM_SKLEARN = {
    "accuracy": lambda truth, p, said: metrics.accuracy_score(truth, said),
    "balanced_accuracy": lambda truth, p, said: metrics.balanced_accuracy_score(truth, said),
    "mcc": lambda truth, p, said: metrics.matthews_corrcoef(truth, said),
    "roc_auc": lambda truth, p, said: metrics.roc_auc_score(truth, p),
    "f1": lambda truth, p, said: metrics.f1_score(truth, said, zero_division=0.0),
    "precision": lambda truth, p, said: metrics.precision_score(truth, said, zero_division=0.0),
    "recall": lambda truth, p, said: metrics.recall_score(truth, said, zero_division=0.0),
    "pr_auc": lambda truth, p, said: metrics.average_precision_score(truth, p),
    # The p-value is not asked for; its exact calculation gives up, with a warning, on some samples with ties.
    "ks": lambda truth, p, said: stats.ks_2samp(p[truth == 1], p[truth == 0], method="asymp").statistic,
    "brier": lambda truth, p, said: metrics.brier_score_loss(truth, p),
    "log_loss": lambda truth, p, said: metrics.log_loss(truth, p, labels=[0, 1]),
}

loans = st.lists(
    st.tuples(st.integers(0, 1), st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.5000001, 0.9, 1.0]), st.integers(1, 4)),
    min_size=4,
    max_size=40,
).filter(lambda rows: len({row[0] for row in rows}) == 2)


@given(loans)
@example([(1, 0.0, 1)] * 4 + [(1, 0.1, 1)] + [(0, 0.0, 1)] * 5)
def test_every_metric_is_scikit_learns_on_resampled_loans(rows):
    truth, probability, drawn = (np.array(column) for column in zip(*rows, strict=True))
    said = (probability >= 0.5).astype(int)
    ours = weighted_metrics(truth, probability, said, np.vstack([np.ones(len(rows)), drawn]))
    for position, times in enumerate([np.ones(len(rows), dtype=int), drawn]):
        resampled = [np.repeat(column, times) for column in (truth, probability, said)]
        for name, theirs in FROM_SKLEARN.items():
            assert ours[name][position] == pytest.approx(theirs(*resampled), abs=1e-9), name
    assert tuple(ours) == NAMES == tuple(FROM_SKLEARN)


def sample(size: int = 300) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(7)
    probability = rng.beta(1, 6, size)
    return (rng.random(size) < probability).astype(int), probability


def test_an_interval_holds_its_figure_and_the_same_seed_gives_the_same():
    truth, probability = sample()
    figures = evaluate(truth, probability, 0.2, seed=1)
    assert figures == evaluate(truth, probability, 0.2, seed=1)
    assert figures != evaluate(truth, probability, 0.2, seed=2)
    assert all(figure.low <= figure.value <= figure.high and figure.low < figure.high for figure in figures.values())


def test_intervals_shrink_as_loans_are_added():
    few, many = (evaluate(*sample(size), 0.2, seed=1)["roc_auc"] for size in (100, 3_000))
    assert many.high - many.low < (few.high - few.low) / 2


def test_the_interval_of_a_mean_has_the_width_that_theory_gives():
    truth, probability = sample(2_000)
    figure = evaluate(truth, probability, 0.2, seed=1)["brier"]
    errors = (probability - truth) ** 2
    assert figure.high - figure.low == pytest.approx(2 * 1.96 * errors.std() / np.sqrt(errors.size), rel=0.1)


def test_the_majority_baseline_finds_no_default_and_is_right_as_often_as_loans_are_paid():
    truth, _ = sample()
    figures = majority_baseline(truth, truth, seed=1)
    assert figures["accuracy"].value == pytest.approx(1 - truth.mean())
    assert figures["recall"].value == figures["mcc"].value == 0
    assert figures["roc_auc"].value == 0.5


def test_bands_hold_every_loan_once_and_say_how_it_ended():
    truth = np.array([1, 1, 0, 0, 1, 0, 0])
    probability = np.array([1.0, 0.6, 0.5, 0.3, 0.05, 0.04, 0.0])
    bands = payoff_bands(truth, probability)
    assert [(band.low, band.high, band.loans, band.paid_off) for band in bands] == [
        (0.0, 0.5, 2, 0),
        (0.5, 0.8, 2, 2),
        (0.95, 0.98, 2, 1),
        (0.98, 1.0, 1, 1),
    ]


def test_many_loans_fill_every_band_and_none_twice():
    truth, probability = sample(3_000)
    bands = payoff_bands(truth, probability)
    assert all(one.high == other.low for one, other in pairwise(bands))
    assert sum(band.loans for band in bands) == truth.size
    assert sum(band.paid_off for band in bands) == (truth == 0).sum()
