"""What is counted and timed; docs/operations.md tells what each figure means.

Every metric has a label: one without would take its place when it is declared, before ``together`` has said whether
several processes count as one. What a label may be is limited, and never what somebody has sent.
"""

import time
from collections.abc import Iterator
from functools import cache

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

REGISTRY = CollectorRegistry()

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.25, 0.5, 1, 2.5, 5, 10)
_SIZES = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512)

_REQUESTS = Counter(
    "payoff_http_requests", "Requests answered.", ("method", "endpoint", "status"), registry=REGISTRY
)  # fmt: skip
_REQUEST_SECONDS = Histogram(
    "payoff_http_request_seconds", "From a request to its answer.", ("endpoint",), registry=REGISTRY, buckets=_SECONDS
)
_IN_PROGRESS = Gauge(
    "payoff_http_requests_in_progress", "Requests that are being answered.", ("endpoint",),
    registry=REGISTRY, multiprocess_mode="livesum",
)  # fmt: skip
_PREDICTIONS = Counter(
    "payoff_predictions", "Predictions answered.", ("source", "feature_set", "verdict"), registry=REGISTRY
)
_GATHERED_SIZE = Histogram(
    "payoff_gathered_size", "How many waited together and were served as one.", ("stage",),
    registry=REGISTRY, buckets=_SIZES,
)  # fmt: skip
_GATHERED_SECONDS = Histogram(
    "payoff_gathered_seconds", "What serving them took: the model's time, the commit's.", ("stage",),
    registry=REGISTRY, buckets=_SECONDS,
)  # fmt: skip
_WAITING = Gauge(
    "payoff_gathered_waiting", "How many wait for the next lot.", ("stage",),
    registry=REGISTRY, multiprocess_mode="livesum",
)  # fmt: skip
_REFUSED = Counter("payoff_refused", "Loans that were turned away unpredicted.", ("reason",), registry=REGISTRY)
_CACHE_ANSWERS = Counter(
    "payoff_cache_answers", "Predictions that were looked for among those made before.", ("hit",), registry=REGISTRY
)
_DRIFT_PSI = Gauge(
    "payoff_drift_psi", "Population stability index of the newest predictions against training.",
    ("feature_set", "of"), registry=REGISTRY, multiprocess_mode="mostrecent",
)  # fmt: skip
_DRIFT_PREDICTIONS = Gauge(
    "payoff_drift_predictions", "Predictions that the drift was computed from.", ("feature_set",),
    registry=REGISTRY, multiprocess_mode="mostrecent",
)  # fmt: skip
_DRIFT_TIMESTAMP = Gauge(
    "payoff_drift_timestamp_seconds", "When the drift was computed.", ("feature_set",),
    registry=REGISTRY, multiprocess_mode="max",
)  # fmt: skip

# Finding the series of given labels takes longer than counting.
_requests, _request_seconds = cache(_REQUESTS.labels), cache(_REQUEST_SECONDS.labels)
_in_progress, _waiting = cache(_IN_PROGRESS.labels), cache(_WAITING.labels)
_predictions, _cache_answers = cache(_PREDICTIONS.labels), cache(_CACHE_ANSWERS.labels)
_refused = cache(_REFUSED.labels)
_gathered_size, _gathered_seconds = cache(_GATHERED_SIZE.labels), cache(_GATHERED_SECONDS.labels)


def entered(endpoint: str) -> None:
    """A request came in."""
    _in_progress(endpoint).inc()


def left(endpoint: str) -> None:
    """It was answered, or given up."""
    _in_progress(endpoint).dec()


def requested(method: str, endpoint: str, status: int, seconds: float) -> None:
    """A request was answered within so many ``seconds``."""
    _requests(method, endpoint, status).inc()
    _request_seconds(endpoint).observe(seconds)


def predicted(source: str, feature_set: str, verdict: str) -> None:
    """A loan was predicted, and the answer stored."""
    _predictions(source, feature_set, verdict).inc()


def gathered(stage: str, size: int, seconds: float) -> None:
    """At ``stage`` (``predict`` or ``store``) ``size`` that had waited together were served within ``seconds``."""
    _gathered_size(stage).observe(size)
    _gathered_seconds(stage).observe(seconds)


def waiting(stage: str, number: int) -> None:
    """So many wait at ``stage`` (``lot``) now, in this process."""
    _waiting(stage).set(number)


def refused(reason: str) -> None:
    """A loan was turned away, because the queue was ``full`` or for another of a few reasons."""
    _refused(reason).inc()


def cached(hit: bool) -> None:
    """A prediction was looked for among those made before."""
    _cache_answers("yes" if hit else "no").inc()


def drifted(feature_set: str, predictions: int, psi: dict[str, float]) -> None:
    """The drift of a feature set was computed: ``psi`` of its ``score`` and of its ``worst_feature``, NaN if untold."""
    for name, value in psi.items():
        _DRIFT_PSI.labels(feature_set, name).set(value)
    _DRIFT_PREDICTIONS.labels(feature_set).set(predictions)
    _DRIFT_TIMESTAMP.labels(feature_set).set_to_current_time()


def served(feature_set: str, version: str | None, role: str) -> None:
    """The version that this process answers with as ``champion`` or ``challenger``, if any; said as often as liked."""
    if version is None:
        SERVED.held.pop((feature_set, role), None)
    elif SERVED.held.get((feature_set, role), ("",))[0] != version:
        SERVED.held[feature_set, role] = (version, time.time())


class _Served(Collector):
    """The models of the process that is asked; all follow the same champion within seconds.

    Not a gauge of its own for each process: a version that is served no more would stay in its file.
    """

    def __init__(self) -> None:
        self.held: dict[tuple[str, str], tuple[str, float]] = {}

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """The versions, and since when."""
        info = GaugeMetricFamily(
            "payoff_model_info", "1 for each version that answers.", labels=("feature_set", "version", "role")
        )
        loaded = GaugeMetricFamily(
            "payoff_model_loaded_timestamp_seconds", "Since when that version answers.", labels=("feature_set", "role")
        )
        for (feature_set, role), (version, since) in sorted(self.held.items()):
            info.add_metric((feature_set, version, role), 1)
            loaded.add_metric((feature_set, role), since)
        yield from (info, loaded)


SERVED = _Served()
