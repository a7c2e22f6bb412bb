"""The bad rows of one table, as many as are kept."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from payoff.errors import BadRow

Positions = npt.NDArray[np.int64]


@dataclass
class Findings:
    """Collects the bad rows of one file. ``limit`` is how many are kept in words; None keeps all."""

    file: str
    limit: int | None
    count: int = 0
    kept: list[BadRow] = field(default_factory=list)

    def add(self, lines: Positions, rows: Positions, reason: Callable[[int], str]) -> None:
        """Add rows that stand in ``lines``; ``reason`` words each from its position."""
        room = len(lines) if self.limit is None else self.limit - len(self.kept)
        self.kept += [
            BadRow(self.file, line, reason(row))
            for line, row in zip(lines[:room].tolist(), rows[:room].tolist(), strict=True)
        ]
        self.count += len(lines)

    def add_rows(self, rows: Iterable[BadRow]) -> None:
        """Add rows that are already worded."""
        found = list(rows)
        self.kept += found if self.limit is None else found[: self.limit - len(self.kept)]
        self.count += len(found)

    def rows(self) -> list[BadRow]:
        """What was kept, by line, and how many more there were."""
        unlisted = self.count - len(self.kept)
        more = [BadRow(self.file, 0, f"bad rows not listed here: {unlisted:,}")] if unlisted else []
        return sorted(self.kept) + more
