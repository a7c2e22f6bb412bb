"""Attempts, and the areas that they are told in."""

from collections.abc import Callable
from dataclasses import dataclass

from attempts.world import World


@dataclass(frozen=True)
class Attempt:
    """Something hostile, and the answer it must get."""

    area: str
    sent: str
    answer: str
    run: Callable[[World], str]
    on_the_wire: bool = False


class Area(list[Attempt]):
    """The attempts of one area, in the order in which they are written; some need a server of their own."""

    def __init__(self, name: str, *, on_the_wire: bool = False) -> None:
        super().__init__()
        self.name, self.on_the_wire = name, on_the_wire

    def attempt(self, sent: str, answer: str) -> Callable[[Callable[[World], str]], None]:
        """Keep a function that makes the attempt and tells what was answered."""

        def keep(run: Callable[[World], str]) -> None:
            self.append(Attempt(self.name, sent, answer, run, self.on_the_wire))

        return keep
