"""How long any page of any filter of the history takes, among a million predictions.

    python benchmarks/history.py [--rows 1000000] [--on SQLite] [--on MariaDB]

Fills a new SQLite file and a private MariaDB server, asks for the first, a middle and the last page of every filter,
each several times in one process, and writes benchmarks/history.md.
"""

import os
import platform
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import sqlalchemy
from history_filters import filters
from invented_history import MODELS, fill
from measuring import CannotMeasure, private_mariadb
from sqlalchemy import event, text
from sqlalchemy.orm import Session

from webapp.storage import Database
from webapp.storage.cells import CELLS
from webapp.storage.finding import BROADEST_SEARCH
from webapp.storage.queries import Filters, found, page

PAGE = Path(__file__).with_suffix(".md")
WORST = 10
LIMIT_MS = 200


@dataclass(frozen=True)
class Measured:
    """Milliseconds of one page of one filter: finding its rows, and counting what fits."""

    what: str
    at: str
    fitting: str
    page_ms: float
    count_ms: float
    plan: str

    @property
    def total_ms(self) -> float:
        """What a reader waits for."""
        return self.page_ms + self.count_ms


def measure(database: Database, rows: int, repeats: int) -> list[Measured]:
    """Every filter, its first page, one from the middle of the table and its last."""
    measured = []
    chosen = filters()
    for number, (what, each) in enumerate(chosen.items(), start=1):
        for at, cursor in {"first": {}, "middle": {"before": rows // 2}, "last": {"after": 0}}.items():
            measured.append(_measured(database, what, each, at, cursor, repeats))
        if number % 25 == 0:
            worst = max(each.total_ms for each in measured)
            print(f"{number} of {len(chosen)} filters, worst so far {worst:.0f} ms", flush=True)
    return sorted(measured, key=lambda each: -each.total_ms)


def _measured(
    database: Database, what: str, each: Filters, at: str, cursor: Mapping[str, int], repeats: int
) -> Measured:
    with database.session() as session:
        page_ms = _median_ms(lambda: page(session, each, **cursor), session, repeats)
        count_ms = _median_ms(lambda: found(session, each), session, repeats)
        number, more = found(session, each)
        plan = _plan(database, session, each, cursor)
    return Measured(what, at, f"more than {number:,}" if more else f"{number:,}", page_ms, count_ms, plan)


def _median_ms(ask: Callable[[], object], session: Session, repeats: int) -> float:
    taken = []
    for _ in range(repeats):
        # Or rows that are held already would not be read again.
        session.expunge_all()
        start = time.perf_counter()
        ask()
        taken.append((time.perf_counter() - start) * 1000)
    return statistics.median(taken)


def _plan(database: Database, session: Session, each: Filters, cursor: Mapping[str, int]) -> str:
    """How the database finds the numbers of a page: the indexes it uses, and how many parts are merged."""
    statements: list[tuple[str, Any]] = []

    def keep(_: Any, __: Any, statement: str, parameters: Any, *___: Any) -> None:
        statements.append((statement, parameters))

    event.listen(database.engine, "before_cursor_execute", keep)
    page(session, each, **cursor)
    event.remove(database.engine, "before_cursor_execute", keep)
    sought = [(statement, parameters) for statement, parameters in statements if " as merged" in statement]
    if not sought:
        return "none: no such model"
    statement, parameters = sought[-1]
    prefix = "explain query plan " if session.get_bind().dialect.name == "sqlite" else "explain "
    lines = session.connection().exec_driver_sql(prefix + statement, parameters).mappings().all()
    return "; ".join(_distinct(_step(dict(line)) for line in lines))


def _step(line: Mapping[str, Any]) -> str:
    if "detail" in line:
        return str(line["detail"]) if "predictions" in str(line["detail"]) else ""
    if line["table"] != "predictions":
        return ""
    return f"{line['type']} on {line['key']}, {line['Extra']}"


def _distinct(steps: Iterator[str]) -> Iterator[str]:
    seen: dict[str, int] = {}
    for step in steps:
        if step:
            seen[step] = seen.get(step, 0) + 1
    return (f"{times} × {step}" for step, times in seen.items())


def sizes(database: Database) -> dict[str, float]:
    """Megabytes of the table and of each of its indexes."""
    with database.session() as session:
        if session.get_bind().dialect.name == "sqlite":
            asked = "select name, sum(pgsize) from dbstat where name like '%predictions%' group by name"
        else:
            session.execute(text("analyze table predictions")).all()
            asked = (
                "select index_name, stat_value * @@innodb_page_size from mysql.innodb_index_stats "
                "where database_name = database() and table_name = 'predictions' and stat_name = 'size'"
            )
        held = {name: float(size) / 1e6 for name, size in session.execute(text(asked))}
    return {("predictions" if name == "PRIMARY" else name): size for name, size in held.items()}


def report(name: str, measured: Sequence[Measured], filled: float, held: Mapping[str, float]) -> str:
    """One database's part of the page."""
    over = sum(each.total_ms > LIMIT_MS for each in measured)
    middle = statistics.median(each.total_ms for each in measured)
    summary = (
        f"{len(measured)} pages of {len({each.what for each in measured})} filters; {over} took more than {LIMIT_MS} "
        f"ms. Slowest {measured[0].total_ms:.0f} ms, median {middle:.1f} ms. Filled in {filled:.0f} s."
    )
    worst = [
        f"| {each.what} | {each.at} | {each.fitting} | {each.page_ms:.1f} | {each.count_ms:.1f} | {each.total_ms:.1f} |"
        for each in measured[:WORST]
    ]
    stored = [f"| {each} | {size:.0f} |" for each, size in sorted(held.items(), key=lambda item: -item[1])]
    return "\n".join(
        [
            f"## {name}",
            "",
            summary,
            "",
            "| filter | page | fitting | page, ms | count, ms | both, ms |",
            "|---|---|---|---|---|---|",
            *worst,
            "",
            f"How the numbers of the slowest page's rows are found: `{measured[0].plan}`.",
            "",
            "| table and indexes | MB |",
            "|---|---|",
            *stored,
            f"| all | {sum(held.values()):.0f} |",
            "",
        ]
    )


@contextmanager
def opened(name: str, directory: Path) -> Iterator[tuple[str, Database]]:
    """A new database of that kind, with its version.

    Raises
    ------
    CannotMeasure
        It is not installed, or does not start.
    """
    if name == "SQLite":
        database = Database(f"sqlite:///{directory}/history.sqlite")
        yield sqlite3.sqlite_version, database
        database.engine.dispose()
        return
    with private_mariadb(directory) as (url, _):
        database = Database(url)
        with database.session() as session:
            version = str(session.scalar(text("select version()")))
        yield version, database
        database.engine.dispose()


def told(name: str, rows: int, repeats: int) -> str:
    """Fill, measure and report one database."""
    with tempfile.TemporaryDirectory() as directory, opened(name, Path(directory)) as (version, database):
        database.migrate()
        print(f"filling {name} {version}", flush=True)
        start = time.perf_counter()
        fill(database.engine, rows)
        filled = time.perf_counter() - start
        held = sizes(database)
        return report(f"{name} {version}", measure(database, rows, repeats), filled, held)


INTRODUCTION = """# How long a page of the history takes

Among {rows:,} predictions of two years ({models} model versions; 67 in a hundred rows are of batches, 22 of programs,
8 of the form, 3 of account lookups). The filters are made systematically: each alone, each pair and every larger
combination, once with values that many fit and once with values that few fit; each pair of a common and a rare value;
and some that nothing fits, or only what is old. Of each: the first page, one from the middle of the table, and the
last, as the median of {repeats} in one process, with the count up to 10,000 that stands above it. `middle` begins at
the same prediction for every filter, so few or none may be left of it. Made by `python benchmarks/history.py`.

"""

ENDING = """
## How

Each row has a *cell*: source, verdict and one of 41 bands of probability in one small number. An index that begins
with the cell (or with model and cell) and goes on with the moment holds every cell's rows in order of time; a filter
is a list of cells, at most {cells}, and a page is merged from the first 51 rows of each, read from the index alone. A
limit of probability within a band leaves that band's rows to be passed over, from the index, too. Dates are part of
the order. What a search fits is in no such order, so it is sorted, from an index that holds all filters; a search
that fits more than {broadest:,} predictions is refused with the advice to give more of the reference. Pages begin
where the one before ended (keyset pagination), so the last is as quick as the first. The index is named in the query,
so nothing depends on fresh statistics.

Details, which no list reads, are not filled in. {machine}
"""


@click.command()
@click.option("--rows", default=1_000_000, show_default=True, help="Predictions to fill in.")
@click.option("--repeats", default=5, show_default=True, help="Of each page; the median counts.")
@click.option("--on", multiple=True, type=click.Choice(["SQLite", "MariaDB"]), default=["SQLite", "MariaDB"])
@click.option("--markdown", type=click.Path(dir_okay=False, path_type=Path), default=PAGE, show_default=True)
def main(rows: int, repeats: int, on: Sequence[str], markdown: Path) -> None:
    """Fill, measure, and write the page."""
    parts = []
    for name in on:
        try:
            parts.append(told(name, rows, repeats))
        except CannotMeasure as reason:
            parts.append(f"## {name}\n\nNot measured: {reason}\n")
        print(parts[-1], flush=True)
    machine = f"Python {platform.python_version()}, SQLAlchemy {sqlalchemy.__version__}, {os.cpu_count()} cores"
    machine += f", load {os.getloadavg()[0]:.1f} at the end; MariaDB's buffer pool is 64 MB."
    begun = INTRODUCTION.format(rows=rows, models=len(MODELS), repeats=repeats)
    ending = ENDING.format(cells=CELLS, broadest=BROADEST_SEARCH, machine=machine)
    markdown.write_text(begun + "\n".join(parts) + ending, encoding="utf-8")


if __name__ == "__main__":
    main()
