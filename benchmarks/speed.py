"""How long the feature table of all loans takes, ours and by other tools, measured in one run.

Reads the marts of the current run of the lake (`payoff etl` makes them) and writes benchmarks/speed.md.
"""

import os
import platform
import signal
import sys
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import click
import pyarrow as pa
import pyarrow.parquet as pq
from measuring import (
    ALONE,
    PEERS,
    CannotMeasure,
    Contender,
    Run,
    Spread,
    environment,
    fill_warehouse,
    private_mariadb,
    run,
    versions,
)
from peers.common import COLUMNS

from payoff import runs
from payoff.errors import PayoffError
from payoff.lake import Lake, open_lake
from payoff.settings import load_settings
from payoff.warehouse import open_warehouse

OURS, ON_MARIADB, FLOOR = "Payoff on DuckDB", "Payoff on MariaDB", "plain DuckDB, reading only"


@dataclass(frozen=True)
class Tool:
    """Another program: its script, the ways to run that by their names, the packages to tell the versions of."""

    name: str
    script: str
    ways: dict[str, str]
    packages: list[str]


TOOLS = {
    "featuretools": Tool(
        "featuretools",
        "featuretools_peer.py",
        {"cutoff times": "", "rows cut first": "--cut-first"},
        ["featuretools", "woodwork", "pandas"],
    ),
    "getml": Tool(
        "getML",
        "getml_peer.py",
        {"joins with memory": "", "rows cut first": "--cut-first", "no conditions": "--unconditioned"},
        ["getml"],
    ),
}
PROGRAMS = ("duckdb", "mariadb", "floor", *TOOLS)
OUR_PACKAGES = ["duckdb", "sqlglot", "pandas", "pyarrow"]
PAGE = Path(__file__).with_suffix(".md")


@dataclass
class Field:
    """Those who run, what they are made of, and those who cannot, with the reason."""

    contenders: list[Contender] = field(default_factory=list)
    versions: list[str] = field(default_factory=list)
    missing: dict[str, str] = field(default_factory=dict)


def hand_over(lake: Lake, directory: Path) -> None:
    """Write the inputs of the other tools: the columns that they use, decimals as floats and dates as timestamps."""
    for mart, columns in COLUMNS.items():
        table = runs.read_mart(lake, runs.current_run(lake), mart).select(columns)
        pq.write_table(table.cast(pa.schema([_plain(each) for each in table.schema])), directory / f"{mart}.parquet")


def _plain(column: pa.Field) -> pa.Field:
    if pa.types.is_decimal(column.type):
        return column.with_type(pa.float64())
    return column.with_type(pa.timestamp("us")) if pa.types.is_date(column.type) else column


def on_duckdb() -> Contender:
    """Ours over the lake."""
    return Contender(OURS, [sys.executable, str(PEERS / "payoff_features.py")])


def floor(lake: Lake, directory: Path) -> Contender:
    """What is below any feature: the same part files, read by the same engine. Copied, as a lake may be remote."""
    marts = runs.manifest(lake, runs.current_run(lake))["marts"]
    for mart in COLUMNS:
        (directory / mart).mkdir()
        for number, part in enumerate(marts[mart]["parts"]):
            (directory / mart / f"{number}.parquet").write_bytes(lake.read(part["key"]))
    return Contender(
        FLOOR, [sys.executable, str(PEERS / "plain_duckdb.py"), *(f"{directory / mart}/*.parquet" for mart in COLUMNS)]
    )


def on_mariadb(url: str | None, stack: ExitStack) -> tuple[list[Contender], list[str]]:
    """Ours on MariaDB, at ``url`` or on a private server that is filled first; and the server's version."""
    server = None
    if url is None:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        url, server = stack.enter_context(private_mariadb(directory))
        print("filling a private MariaDB", flush=True)
        fill_warehouse(url, directory)
    with open_warehouse(url) as warehouse:
        version = warehouse.query("select version() as version")["version"][0].as_py().split("-")[0]
    return [Contender(ON_MARIADB, [sys.executable, str(PEERS / "payoff_features.py"), url], server)], [
        f"MariaDB {version}"
    ]


def by_tool(key: str, inputs: Path, environments: Path) -> tuple[list[Contender], list[str]]:
    """A tool in each way it is run, and its versions."""
    tool, python = TOOLS[key], environment(key, environments)
    # getML's engine listens on every address; it is given a network of its own.
    command = [*(ALONE if key == "getml" else []), str(python), str(PEERS / tool.script), str(inputs)]
    found = [Contender(f"{tool.name}, {way}", [*command, *flag.split()]) for way, flag in tool.ways.items()]
    told = [f"its {name}" if name.startswith("pandas") else name for name in versions(python, tool.packages)]
    return found, told


def gathered(only: tuple[str, ...], url: str | None, stack: ExitStack) -> Field:
    """Everyone who takes part, in the order of the table."""
    settings = load_settings()
    lake, found = open_lake(settings), Field([on_duckdb()], versions(sys.executable, OUR_PACKAGES))
    scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(ignore_cleanup_errors=True)))
    hand_over(lake, scratch)
    makers: dict[str, Callable[[], tuple[list[Contender], list[str]]]] = {
        "mariadb": lambda: on_mariadb(url, stack),
        **{tool: partial(by_tool, tool, scratch, settings.var_dir.resolve() / "benchmarks") for tool in TOOLS},
        "floor": lambda: ([floor(lake, scratch)], []),
    }
    for name, make in makers.items():
        if name in only:
            try:
                contenders, made_of = make()
                found.contenders += contenders
                found.versions += made_of
            except (CannotMeasure, PayoffError) as reason:
                print(f"{name} is left out: {reason}", flush=True)
                found.missing[name] = str(reason)
    return found


def measured(found: Field, repeats: int, once_over: float) -> dict[str, list[Run]]:
    """Every contender's runs, in rounds, so that what else the machine does falls on all of them alike."""
    results: dict[str, list[Run]] = {contender.name: [] for contender in found.contenders}
    for repeat in range(repeats):
        for contender in found.contenders:
            before = results[contender.name]
            if contender.name in found.missing or (before and before[0].process_seconds > once_over):
                continue
            try:
                before.append(run(contender))
            except CannotMeasure as reason:
                found.missing[contender.name] = str(reason)
                print(f"round {repeat + 1}: {contender.name} failed: {reason}", flush=True)
                continue
            last = before[-1]
            print(
                f"round {repeat + 1}: {contender.name}: {last.features} features, {last.seconds:.2f} s, "
                f"whole process {last.process_seconds:.2f} s, {last.peak_bytes / 1e6:.0f} MB",
                flush=True,
            )
    return {name: all_runs for name, all_runs in results.items() if all_runs}


def row(name: str, all_runs: list[Run], base: list[Run]) -> str:
    """One line of the table; ``base`` is what the ratios are to."""
    seconds = Spread.of([each.seconds for each in all_runs])
    process = Spread.of([each.process_seconds for each in all_runs])
    memory = Spread.of([each.peak_bytes / 1e6 for each in all_runs])
    features = all_runs[-1].features
    ratios = [seconds.middle / Spread.of([each.seconds for each in base]).middle]
    ratios.append(process.middle / Spread.of([each.process_seconds for each in base]).middle)
    cells = [name, f"{features:,}", _shown(seconds, ".2f"), _shown(process, ".2f"), _shown(memory, ".0f")]
    cells += [f"{ratio:.2f}" for ratio in ratios]
    # The floor computes no features, so the time of one would say nothing.
    cells += ["" if name == FLOOR else f"{1000 * seconds.middle / features:.1f}", str(len(all_runs))]
    return f"| {' | '.join(cells)} |"


def _shown(spread: Spread, form: str) -> str:
    return f"{spread.middle:{form}} ({spread.least:{form}}–{spread.greatest:{form}})"


def page(results: dict[str, list[Run]], found: Field, arguments: str, busy: float) -> str:
    """The page as Markdown."""
    rows = "\n".join(row(name, all_runs, results[OURS]) for name, all_runs in results.items())
    missing = "".join(f"\nNot measured: {name}, because {reason}\n" for name, reason in found.missing.items())
    cores = len(os.sched_getaffinity(0))
    return f"""# How long the feature table takes

The features of 682 loans from the 54,694 transactions before them, over windows of 30, 60, 90, 180 and 365 days and
all of the history, under 12 conditions or more. Each run is a fresh process; the contenders take turns. Middle of the
runs (least–greatest). Made by `python benchmarks/speed.py{arguments}`.

| | features | computing, s | whole process, s | memory, MB | computing, × | process, × | ms a feature | runs |
|---|---|---|---|---|---|---|---|---|
{rows}
{missing}
- *computing*: from inputs in memory (on MariaDB: in the server) to the feature table in memory, with whatever the tool
  needs to find its features and their SQL. The floor's includes reading the Parquet files. × is to ours on DuckDB.
- *whole process*: with starting Python, imports, reading the inputs, and for getML starting its engine. MariaDB runs
  and is filled before.
- *memory*: the most that was resident, the process's and its servers' added up. The private MariaDB has the tests'
  buffer pool of 64 MB; of one given by its URL only the client is counted.
- The features are alike, not the same. Ours also has ratios to the instalment and to income, shares, balances under a
  condition, six more conditions and figures by month.
  featuretools has no standard deviation under a condition, but every column there, and medians and distinct counts in
  every window. getML has time differences as a column too, and with memory also the bounds of every window,
  which make most of its features; without conditions it does a small part of the work.
- *rows cut first*: each window is a table cut beforehand, which spares featuretools the cutoffs (682 of them, one after
  the other). It is possible because the transactions were already cut at each loan's grant.
- featuretools runs in one process; the others use all cores. getML keeps every candidate, so nothing is selected.
- A contender with fewer runs than the others took too long to be repeated; its ratio is an order of magnitude.

Python {platform.python_version()}, {cores} cores, load {busy:.1f} before the start;
{", ".join(found.versions)}.
"""


@click.command()
@click.option("--repeats", default=3, show_default=True, type=click.IntRange(1), help="Rounds.")
@click.option(
    "--once-over", default=600.0, show_default=True, help="Seconds of a first run above which there is no second."
)
@click.option(
    "--only", multiple=True, type=click.Choice(PROGRAMS), help="Measure these and duckdb; repeatable. By default, all."
)
@click.option(
    "--mariadb-url",
    help="A warehouse that `payoff etl` has filled: mysql+pymysql://USER:PASSWORD@HOST/DATABASE. By default a private "
    "server is started, filled and ended.",
)
def main(repeats: int, once_over: float, only: tuple[str, ...], mariadb_url: str | None) -> None:
    r"""Measure the building of the full feature table, ours and others', and write benchmarks/speed.md.

    Run `payoff etl` before. The other tools are installed at first into var/benchmarks, each in an environment of its
    own, as pinned in benchmarks/peers. Linux only: memory is read from /proc.

    \b
        python benchmarks/speed.py
        python benchmarks/speed.py --only floor --only getml --repeats 5
    """
    arguments = f" --repeats {repeats} --once-over {once_over:g}" + "".join(f" --only {name}" for name in only)
    # So that servers and programs end with this one however it is ended.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    busy = os.getloadavg()[0]
    with ExitStack() as stack:
        found = gathered(only or PROGRAMS, mariadb_url, stack)
        results = measured(found, repeats, once_over)
    if OURS not in results:
        raise SystemExit(f"ours did not run, so there is nothing to compare with: {found.missing.get(OURS)}")
    text = page(results, found, arguments, busy)
    PAGE.write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
