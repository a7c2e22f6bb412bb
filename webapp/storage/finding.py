"""Which index finds what, among a million predictions, and the SQL that says so.

Rows that fit are merged from *runs*, each of which one index holds in order of time: the whole table, or each cell that
can hold what is chosen (``webapp.storage.cells``). A run is read only as far as the page needs, and from the index
alone. What a search fits is in no such order: it is sorted, so it may be only so much. The index is named in the query,
because neither database guesses it well.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from sqlalchemy import TextClause, bindparam, text
from sqlalchemy.orm import Session

from webapp.storage.cells import CELLS, cells
from webapp.storage.tables import Moment

#: What a search may fit at most; it is sorted as a whole.
BROADEST_SEARCH = 100_000
LARGEST_NUMBER = 2**63 - 1
_LARGEST_ACCOUNT = 2**31 - 1
_LAST, _SURROGATES = chr(0x10FFFF), (0xD800, 0xE000)


@dataclass(frozen=True)
class Run:
    """Rows of one index, which gives them in order of time; without an index, the primary key is meant."""

    index: str
    where: tuple[str, ...] = ()

    def __and__(self, where: Sequence[str]) -> "Run":
        return Run(self.index, (*self.where, *where))


@dataclass(frozen=True)
class Lookup:
    """Where to look for what fits.

    Attributes
    ----------
    sorted_runs : tuple of Run
        To be merged in order of time.
    runs : tuple of Run
        The same rows in fewer parts, in any order, to be counted.
    values : dict
        Parameters of their conditions.
    since, until : datetime, optional
        The first moment, and the first that is too late.
    overlapping : bool
        Whether a row may be in several runs.
    """

    sorted_runs: tuple[Run, ...]
    runs: tuple[Run, ...]
    values: dict[str, Any]
    since: datetime | None = None
    until: datetime | None = None
    overlapping: bool = False


@dataclass(frozen=True)
class Chosen:
    """What is looked for: as ``webapp.storage.queries.Filters``, with the model's number."""

    since: date | None
    until: date | None
    verdict: str | None
    lowest: float | None
    highest: float | None
    model_id: int | None
    source: str | None
    search: str

    @property
    def cells(self) -> list[int]:
        """The cells that can hold it; those at the ends of the probabilities hold others, too."""
        return cells(self.source, self.verdict, self.lowest, self.highest)


def lookup(chosen: Chosen) -> Lookup:
    """Where to look for what was chosen."""
    where, values = _conditions(chosen)
    span = _span(chosen)
    wanted = chosen.cells
    if not wanted:
        return Lookup((), (), {})
    model = () if chosen.model_id is None else ("model_id = :model_id",)
    among = (f"cell in ({', '.join(map(str, wanted))})",)
    everywhere = len(wanted) == CELLS
    if chosen.search:
        runs, sought = searched(chosen.search)
        narrowed = tuple(run & (*where, *model, *(() if everywhere else among)) for run in runs)
        return Lookup(narrowed, narrowed, values | sought, *span, overlapping=True)
    if everywhere and not model:
        run = Run("ix_predictions_made_at", where)
        return Lookup((run,), (run,), values, *span)
    index = "ix_predictions_model_id" if model else "ix_predictions_cell"
    one_by_one = tuple(Run(index, (*model, f"cell = {cell}", *where)) for cell in wanted)
    return Lookup(one_by_one, (Run(index, (*model, *among, *where)),), values, *span)


def searched(search: str) -> tuple[list[Run], dict[str, Any]]:
    """Where a text may be found: what references begin with, an account's number, a prediction's number."""
    prefix = ("application >= :prefix", "application < :prefix_end")
    runs = [Run("ix_predictions_application", prefix)]
    values: dict[str, Any] = {"prefix": search, "prefix_end": _after(search)}
    digits = search.isascii() and search.isdigit() and len(search) < 20
    for index, column, largest in (
        ("ix_predictions_account_id", "account_id", _LARGEST_ACCOUNT),
        ("", "id", LARGEST_NUMBER),
    ):
        if digits and int(search) <= largest:
            runs.append(Run(index, (f"{column} = :number",)))
            values["number"] = int(search)
    return runs, values


def numbers(
    session: Session, where: Lookup, beyond: tuple[datetime, int] | None, newest_first: bool, most: int
) -> list[int]:
    """The first ``most`` numbers that fit, newest or oldest first, of those beyond a moment and number."""
    if not where.sorted_runs:
        return []
    way, further = ("desc", "<") if newest_first else ("asc", ">")
    order = f"order by made_at {way}, id {way} limit :most"
    limits = _limits(where, beyond[0] if beyond else None, newest_first)
    values = where.values | limits | {"most": most}
    keyset = _within(limits)
    if beyond:
        keyset += (f"(made_at {further} :at or id {further} :beyond)",)
        values |= {"at": beyond[0], "beyond": beyond[1]}
    hint = _hint(session)
    merged = (" union " if where.overlapping else " union all ").join(
        f"select id, made_at from (select id, made_at from {_from(run & keyset, hint)} {order}) as run"
        for run in where.sorted_runs
    )
    rows = session.execute(_text(f"select id from ({merged}) as merged {order}", values))
    return [row.id for row in rows]


def count(session: Session, where: Lookup, most: int) -> int:
    """How many rows fit; no more than ``most`` are counted."""
    if not where.runs:
        return 0
    limits = _limits(where)
    days = _within(limits)
    hint, values = _hint(session), where.values | limits | {"most": most}
    together = (" union " if where.overlapping else " union all ").join(
        f"select id from (select id from {_from(run & days, hint)} limit :most) as run" for run in where.runs
    )
    counted = f"select count(*) from (select id from ({together}) as fitting limit :most) as counted"
    return int(session.execute(_text(counted, values)).scalar_one())


#: How a moment compares with each limit.
_SIGNS = {"since": ">=", "until": "<", "from_then": ">=", "till_then": "<="}


def _limits(where: Lookup, then: datetime | None = None, newest_first: bool = True) -> dict[str, datetime]:
    """One limit of time at either end and no more: SQLite follows but one of several, which may not be the closest."""
    since, until = where.since, where.until
    limits = {"since": since, "until": until}
    if then and newest_first and (until is None or then < until):
        limits = {"since": since, "till_then": then}
    elif then and not newest_first and (since is None or then > since):
        limits = {"from_then": then, "until": until}
    return {name: moment for name, moment in limits.items() if moment is not None}


def _within(limits: dict[str, datetime]) -> tuple[str, ...]:
    return tuple(f"made_at {_SIGNS[name]} :{name}" for name in limits)


def _span(chosen: Chosen) -> tuple[datetime | None, datetime | None]:
    day_after = chosen.until + timedelta(days=1) if chosen.until and chosen.until < date.max else None
    return _midnight(chosen.since) if chosen.since else None, _midnight(day_after) if day_after else None


def _conditions(chosen: Chosen) -> tuple[tuple[str, ...], dict[str, Any]]:
    """On probabilities, in a column that every index has."""
    found = {"payoff_probability >= :lowest": chosen.lowest, "payoff_probability <= :highest": chosen.highest}
    given = {where: value for where, value in found.items() if value is not None}
    values = {where.partition(":")[2]: value for where, value in given.items()}
    return tuple(given), values | ({} if chosen.model_id is None else {"model_id": chosen.model_id})


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def _after(prefix: str) -> str:
    """The first text behind all that begin with ``prefix``, by code points, as both databases compare here."""
    kept = prefix.rstrip(_LAST)
    if not kept:
        return _LAST * 65
    following = ord(kept[-1]) + 1
    return kept[:-1] + chr(_SURROGATES[1] if following == _SURROGATES[0] else following)


def _from(run: Run, hint: str) -> str:
    named = f"{hint.format(run.index)} " if run.index else ""
    return f"predictions {named}where {' and '.join(run.where) or '1 = 1'}"


def _hint(session: Session) -> str:
    return "indexed by {}" if session.get_bind().dialect.name == "sqlite" else "force index ({})"


def _text(sql: str, values: dict[str, Any]) -> TextClause:
    # Moments are told their type, or they would be written in the driver's way instead of ours.
    given = (
        bindparam(name, value, type_=Moment() if isinstance(value, datetime) else None)
        for name, value in values.items()
    )
    return text(sql).bindparams(*given)
