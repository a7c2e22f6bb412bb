"""Charts as geometry: where bars, lines and ticks stand in a picture that ``charts.html`` draws.

A picture is as wide as a phone's column, so that its letters are as large there as on a desktop.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

WIDTH, HEIGHT = 360, 190
LEFT, RIGHT, TOP, BOTTOM = 44, 350, 12, 162
#: The small picture of shares by bin.
SPARK_WIDTH, SPARK_HEIGHT = 88, 28


@dataclass(frozen=True)
class Tick:
    """A label at a position; ``anchor`` says which end of it stands there."""

    at: float
    label: str
    anchor: str = "middle"


@dataclass(frozen=True)
class Bar:
    """A rectangle; ``tone`` names its colour."""

    x: float
    y: float
    width: float
    height: float
    tone: str


@dataclass(frozen=True)
class Line:
    """Values from left to right, in pieces where some are missing; a piece of one point is a dot."""

    name: str
    tone: str
    pieces: tuple[tuple[tuple[float, float], ...], ...]


@dataclass(frozen=True)
class Table:
    """The same numbers to be read."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Chart:
    """A picture with its words.

    Attributes
    ----------
    says : str
        Its text alternative, with the main numbers.
    key : tuple of (tone, meaning)
        Where there is more than one colour.
    mark : Tick, optional
        A threshold, across the picture.
    """

    title: str
    says: str
    table: Table
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    bars: tuple[Bar, ...] = ()
    lines: tuple[Line, ...] = ()
    key: tuple[tuple[str, str], ...] = ()
    mark: Tick | None = None


@dataclass(frozen=True)
class Spark:
    """Shares by bin: bars for the sample, as one path; a step for each bin's share in training, as another."""

    sample: str
    training: str


def ceiling(largest: float) -> float:
    """The smallest of 1, 2, 5, 10, 20 … that is not below ``largest``."""
    if largest <= 1:
        return 1
    power = 10.0 ** math.floor(math.log10(largest))
    return next(step * power for step in (1, 2, 5, 10) if step * power >= largest)


def height_of(value: float, top: float) -> float:
    """The y of ``value`` where the picture reaches from 0 to ``top``."""
    return round(BOTTOM - (BOTTOM - TOP) * value / top, 2)


def stacks(parts: Sequence[Sequence[float]], tones: Sequence[str], top: float) -> tuple[Bar, ...]:
    """Bars side by side, each of parts that stand on one another, the first lowest."""
    step = (RIGHT - LEFT) / max(len(parts), 1)
    bars = []
    for number, values in enumerate(parts):
        below = 0.0
        for value, tone in zip(values, tones, strict=True):
            y = height_of(below + value, top)
            height = round(height_of(below, top) - y, 2)
            bars.append(Bar(round(LEFT + (number + 0.1) * step, 2), y, round(0.8 * step, 2), height, tone))
            below += value
    return tuple(bar for bar in bars if bar.height > 0)


def line(name: str, tone: str, values: Sequence[float | None], top: float) -> Line:
    """Values over the middles of as many columns; None makes a gap."""
    pieces: list[list[tuple[float, float]]] = [[]]
    for number, value in enumerate(values):
        if value is None:
            pieces.append([])
        else:
            pieces[-1].append((middle(number, len(values)), height_of(value, top)))
    return Line(name, tone, tuple(tuple(piece) for piece in pieces if piece))


def middle(number: int, columns: int) -> float:
    """The x of the middle of a column."""
    return round(LEFT + (number + 0.5) * (RIGHT - LEFT) / columns, 2)


def across(share: float) -> float:
    """The x of a share from 0 to 1."""
    return round(LEFT + share * (RIGHT - LEFT), 2)


def spark(bins: Sequence[tuple[str, float, float]]) -> Spark:
    """The picture of bins, each a name, its share in training and its share in the sample."""
    top = max(max(training, sample) for _, training, sample in bins)
    step = SPARK_WIDTH / len(bins)
    bars, steps = [], []
    for number, (_, training, sample) in enumerate(bins):
        left, width = number * step, 0.8 * step
        height = SPARK_HEIGHT * sample / top
        bars.append(f"M{left:.1f} {SPARK_HEIGHT}v{-height:.1f}h{width:.1f}v{height:.1f}z")
        steps.append(f"M{left:.1f} {SPARK_HEIGHT * (1 - training / top):.1f}h{width:.1f}")
    return Spark("".join(bars), "".join(steps))
