"""How far long work is: a bar on a terminal, lines in a log, and how long the rest of an evaluation will take."""

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from payoff.reporting import console

if TYPE_CHECKING:
    from training.evaluation.nested import Step

#: Called after each part: what it was of, how many parts are done, of how many, the seconds it took, and whether it was
#: only read back from an earlier run.
Tell = Callable[[str, int, int, float, bool], None]


@contextmanager
def telling() -> Iterator[Tell]:
    """Tell of each part as it is done."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    began, trained = time.perf_counter(), 0
    with Progress(
        *columns, TextColumn("{task.fields[left]}"), console=console, transient=True, disable=not console.is_terminal
    ) as progress:
        task = progress.add_task("", total=None, left="")

        def tell(what: str, done: int, total: int, seconds: float, resumed: bool) -> None:
            nonlocal trained
            trained += not resumed
            left = _left(time.perf_counter() - began, trained, total - done)
            progress.update(task, description=what, total=total, completed=done, left=left)
            if not console.is_terminal:
                took = "read back" if resumed else f"{seconds:.0f} s"
                console.print(f"{what}: {done} of {total}, {took}{left and ', ' + left}", markup=False)

        yield tell


def steps(what: str, found: "Iterable[Step]") -> "Iterator[Step]":
    """Pass on each fold of an evaluation, telling of it."""
    with telling() as tell:
        for step in found:
            tell(what, step.done, step.total, step.record.fit_seconds, step.resumed)
            yield step


@contextmanager
def watching() -> Iterator[Callable[[str, int | None], None]]:
    """Tell how far something is that others do: a bar on a terminal, in a log a line at each change."""
    last: list[str] = []
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("", total=100)

        def watch(what: str, percent: int | None) -> None:
            said = what if percent is None else f"{what}, {percent} %"
            progress.update(task, description=said, total=None if percent is None else 100, completed=percent or 0)
            if not console.is_terminal and [said] != last:
                console.print(said, markup=False)
                last[:] = [said]

        yield watch


def _left(seconds: float, trained: int, remaining: int) -> str:
    """How long the remaining parts will take, by those trained so far; parts read back take no time."""
    if not trained or not remaining:
        return ""
    minutes, rest = divmod(round(seconds / trained * remaining), 60)
    return f"about {minutes} min {rest:02d} s left"
