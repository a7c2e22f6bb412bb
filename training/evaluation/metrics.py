"""Classification metrics over many resamples at once.

A resample is a row of weights: how often each loan was drawn. All metrics take the same weights, so a bootstrap of
thousands is a handful of matrix products instead of thousands of calls; on weights of one they are scikit-learn's
figures, which the tests hold them to.
"""

import numpy as np

Array = np.ndarray

#: Probabilities are held this far from 0 and 1 in the logarithm, as scikit-learn does for float64.
_EPSILON = np.finfo(np.float64).eps

NAMES = (
    "accuracy", "balanced_accuracy", "mcc", "roc_auc", "f1", "precision", "recall", "pr_auc", "ks", "brier", "log_loss",
)  # fmt: skip


def weighted_metrics(truth: Array, probability: Array, said: Array, weights: Array) -> dict[str, Array]:
    """Every metric in ``NAMES`` for every row of ``weights``.

    Parameters
    ----------
    truth : int array, shape (loans,)
        1 where the loan defaulted.
    probability : float array, shape (loans,)
        Probability of default.
    said : int array, shape (loans,)
        1 where default was predicted.
    weights : float array, shape (resamples, loans)

    Returns
    -------
    dict of name to float array, shape (resamples,)
        A ratio without any case in its denominator is 0.
    """
    by_class = _class_metrics(truth, said, weights)
    by_rank = _rank_metrics(truth, probability, weights)
    total = weights.sum(axis=1)
    clipped = np.clip(probability, _EPSILON, 1 - _EPSILON)
    surprise = -np.where(truth == 1, np.log(clipped), np.log1p(-clipped))
    errors = {
        "brier": _ratio(weights @ (probability - truth) ** 2, total),
        "log_loss": _ratio(weights @ surprise, total),
    }
    found = by_class | by_rank | errors
    return {name: found[name] for name in NAMES}


def _class_metrics(truth: Array, said: Array, weights: Array) -> dict[str, Array]:
    true_positive = weights @ (truth * said)
    false_positive = weights @ ((1 - truth) * said)
    false_negative = weights @ (truth * (1 - said))
    true_negative = weights @ ((1 - truth) * (1 - said))
    positive, negative = true_positive + false_negative, true_negative + false_positive
    said_positive, said_negative = true_positive + false_positive, true_negative + false_negative
    recall = _ratio(true_positive, positive)
    covariance = true_positive * true_negative - false_positive * false_negative
    return {
        "accuracy": _ratio(true_positive + true_negative, positive + negative),
        "balanced_accuracy": (recall + _ratio(true_negative, negative)) / 2,
        # Matthews, Biochimica et Biophysica Acta 405 (1975) 442.
        "mcc": _ratio(covariance, np.sqrt(positive * negative * said_positive * said_negative)),
        "f1": _ratio(2 * true_positive, positive + said_positive),
        "precision": _ratio(true_positive, said_positive),
        "recall": recall,
    }


def _rank_metrics(truth: Array, probability: Array, weights: Array) -> dict[str, Array]:
    """ROC AUC as the share of (defaulted, paid) pairs in the right order, ties half; PR AUC as average precision.

    KS is the largest distance between the shares of defaulted and of paid loans above any threshold (Kolmogorov and
    Smirnov).
    """
    order = np.argsort(-probability, kind="stable")
    ranked = probability[order]
    last_of_tie = np.append(np.flatnonzero(np.diff(ranked)), ranked.size - 1)
    caught = np.cumsum(weights[:, order] * truth[order], axis=1)[:, last_of_tie]
    alarms = np.cumsum(weights[:, order] * (1 - truth[order]), axis=1)[:, last_of_tie]
    new_caught = np.diff(caught, axis=1, prepend=0)
    new_alarms = np.diff(alarms, axis=1, prepend=0)
    positive, negative = caught[:, -1], alarms[:, -1]
    # Each paid loan meets the defaulted ones ranked above it, and half of those it is tied with.
    pairs = (new_alarms * (caught - new_caught / 2)).sum(axis=1)
    precision = _ratio(caught, caught + alarms)
    return {
        "roc_auc": _ratio(pairs, positive * negative),
        "pr_auc": _ratio((new_caught * precision).sum(axis=1), positive),
        "ks": np.abs(_ratio(caught, positive[:, None]) - _ratio(alarms, negative[:, None])).max(axis=1),
    }


def _ratio(part: Array, whole: Array) -> Array:
    out = np.zeros(np.broadcast_shapes(part.shape, whole.shape))
    ratio: Array = np.divide(part, whole, out=out, where=whole != 0)
    return ratio
