"""The plots of benchmarks/serving.md."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("svg")
from matplotlib import pyplot as plt
from matplotlib.axes import Axes

# The same plot is the same file.
mpl.rcParams["svg.hashsalt"] = "payoff"
mpl.rcParams["svg.fonttype"] = "none"


def draw_throughput(path: Path, loads: Mapping[str, Sequence[Any]]) -> None:
    """Answers a second by clients, both on logarithmic scales."""
    with _plot(path) as axes:
        for name, each in loads.items():
            axes.plot([load.clients for load in each], [load.each_second for load in each], marker="o", label=name)
        _by_clients(axes, [load.clients for load in next(iter(loads.values()))])
        axes.set_yscale("log")
        axes.set_ylabel("answers a second")
        axes.legend(frameon=False, fontsize=8)


def draw_latency(path: Path, loads: Sequence[Any]) -> None:
    """Percentiles of the latency by clients, in ms."""
    with _plot(path) as axes:
        for name in ("p50", "p95", "p99"):
            axes.plot([load.clients for load in loads], [getattr(load, name) for load in loads], marker="o", label=name)
        _by_clients(axes, [load.clients for load in loads])
        axes.set_ylabel("ms")
        axes.set_ylim(bottom=0)
        axes.legend(frameon=False)


def draw_soak(path: Path, held: Sequence[tuple[float, float]]) -> None:
    """Memory in the course of time."""
    with _plot(path) as axes:
        axes.plot([seconds / 60 for seconds, _ in held], [mb for _, mb in held])
        axes.set_xlabel("minutes")
        axes.set_ylabel("MB, shared pages counted once")
        axes.set_ylim(bottom=0)


@contextmanager
def _plot(path: Path) -> Iterator[Axes]:
    figure, axes = plt.subplots(figsize=(7, 4), layout="constrained")
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(alpha=0.3)
    yield axes
    figure.savefig(path, metadata={"Date": None})
    plt.close(figure)


def _by_clients(axes: Axes, clients: Sequence[int]) -> None:
    axes.set_xscale("log", base=2)
    axes.set_xticks(clients, [str(each) for each in clients])
    axes.set_xlabel("clients at the same time")
