"""The dashboard's charts as geometry: which days have a place, what stands on what, where words go."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import pytest
from flask import Flask

from webapp.charts import height_of
from webapp.staff import figures
from webapp.storage.statistics import BINS, Day, Overview
from webapp.wording import short_day

FIRST = datetime(2026, 3, 1, tzinfo=UTC)
QUIET = Day(date(2026, 3, 1), 4, 3, 0.7)
BUSY = Day(date(2026, 3, 3), 10, 6, 0.6)
FOUND = Overview(
    since=FIRST, until=FIRST + timedelta(days=3), predictions=14, granted=9, mean_probability=0.63, days=(QUIET, BUSY),
    histogram=(0,) * (BINS - 1) + (14,), latency={}, sources={"form": 14}, models={"one": 14}, outcomes=None,
)  # fmt: skip


@pytest.fixture(autouse=True)
def _asked(app: Flask) -> Iterator[None]:
    with app.test_request_context():
        yield


def test_every_day_of_the_window_has_its_place_and_no_other_day() -> None:
    days = list(figures._every_day(FOUND))
    assert days == [(date(2026, 3, 1), QUIET), (date(2026, 3, 2), None), (date(2026, 3, 3), BUSY)]


def test_refused_loans_stand_on_granted_ones_up_to_all_of_the_day() -> None:
    counts, _shares, _scores = figures.charts_of(FOUND, None)
    tops = {(bar.tone, bar.y) for bar in counts.bars}
    assert tops == {(tone, height_of(number, 10)) for tone, number in
                    (("granted", 3), ("refused", 4), ("granted", 6), ("refused", 10))}  # fmt: skip


@pytest.mark.parametrize(("days", "named"), [(1, [1]), (4, [1, 2, 3, 4]), (8, [2, 4, 6, 8]), (30, [5, 13, 21, 29])])
def test_four_days_at_most_are_named_in_the_middle_of_their_stretches(days: int, named: list[int]) -> None:
    ticks = figures._day_ticks([date(2026, 3, day) for day in range(1, days + 1)])
    assert [tick.label for tick in ticks] == [short_day(date(2026, 3, day)) for day in named]


@pytest.mark.parametrize(("threshold", "anchor"), [(0.2, "start"), (0.5, "start"), (0.8, "end")])
def test_the_words_of_the_threshold_stand_on_the_side_with_room_for_them(threshold: float, anchor: str) -> None:
    mark = figures._mark(threshold)
    assert mark is not None
    assert mark.anchor == anchor
