"""What the command line tells people: a line a stage, a spinner on a terminal, tables of figures."""

import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

if TYPE_CHECKING:  # the model module brings pandas, which most commands do not need
    from payoff.metadata import Figure, Metadata
    from payoff.registry import Change

#: Tables keep their columns in logs and pipes, which have no width of their own.
console = Console(highlight=False, width=None if sys.stdout.isatty() else 140)


class Stages:
    """Prints one line at the end of each stage, with the seconds since the one before, and all of them at the end."""

    def __init__(self) -> None:
        self._began = self._last = time.perf_counter()

    def __call__(self, stage: str, did: str) -> None:
        now = time.perf_counter()
        console.print(f"{stage:<10} {did:<72} {now - self._last:6.1f} s", markup=False, soft_wrap=True)
        self._last = now

    def total(self) -> None:
        """Print the time since the first stage began."""
        self._last = self._began
        self("total", "")


@contextmanager
def busy(message: str) -> Iterator[None]:
    """A spinner with the elapsed time while a stage runs, on a terminal only."""
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        progress.add_task(message)
        yield


def print_figures(models: "Sequence[Metadata]") -> None:
    """Held-out figures side by side, beside always saying that the loan is paid off."""
    first = models[0]
    console.print(
        f"\nOn {first.test_loans} loans that took no part in training ({first.test_defaulted} defaulted); "
        "95 % bootstrap intervals.",
        markup=False,
    )
    table = Table("figure", *(described.feature_set for described in models), "always paid off")
    for name in first.metrics:
        table.add_row(name, *(figure(described.metrics[name]) for described in models), figure(first.baseline[name]))
    console.print(table)


def print_change(change: "Change") -> None:
    """Which version serves now, and what it replaced."""
    replaced = f"; it replaces {change.replaced}" if change.replaced else ""
    console.print(f"{change.version} is the champion of {change.feature_set} now{replaced}", markup=False)
    if change.log_loss:
        console.print(
            f"log-loss against it on {change.compared_loans} loans that neither was trained on: "
            f"{figure(change.log_loss, '+')}",
            markup=False,
        )
    for fault in change.forced:
        console.print(f"forced, although {fault}", markup=False)


def figure(measured: "Figure", sign: str = "") -> str:
    """A figure with its interval; ``sign="+"`` for differences."""
    return f"{measured.value:{sign}.3f} ({measured.low:{sign}.3f} to {measured.high:{sign}.3f})"
