"""How far a long evaluation is."""

import time
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from payoff.reporting import console

if TYPE_CHECKING:
    from training.evaluation.nested import Step


def steps(what: str, found: "Iterable[Step]") -> "Iterator[Step]":
    """Pass each step on, telling how far it is and how long the rest will take: a bar on a terminal, else lines."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[left]}"),
    )
    began, trained = time.perf_counter(), 0
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task(what, total=None, left="")
        for step in found:
            trained += not step.resumed
            left = _left(time.perf_counter() - began, trained, step.total - step.done)
            progress.update(task, total=step.total, completed=step.done, left=left)
            if not console.is_terminal:
                done = "read back" if step.resumed else f"{step.record.fit_seconds:.0f} s"
                console.print(f"{what}: fold {step.done} of {step.total}, {done}{left and ', ' + left}", markup=False)
            yield step


def _left(seconds: float, trained: int, remaining: int) -> str:
    """How long the remaining folds will take, by those trained so far; folds read back take no time."""
    if not trained or not remaining:
        return ""
    minutes, rest = divmod(round(seconds / trained * remaining), 60)
    return f"about {minutes} min {rest:02d} s left"
