"""How long the bank's largest table takes into MariaDB, and how much memory: LOAD DATA and multi-row INSERT.

Rows are generated in the shape of the published transactions: as many, as wide, with as many missing values. Each load
runs in a process of its own against a private server. Writes benchmarks/bulk_load.md. Linux only: memory is read from
/proc.

    python benchmarks/bulk_load.py
"""

import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import click
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from measuring import Spread, forget_peak, here, private_mariadb, versions
from peers.common import peak_bytes

from payoff import schema
from payoff.warehouse import Warehouse, create_table, mariadb, rebuild_warehouse

PAGE = Path(__file__).with_suffix(".md")
SEED = 20261121
ROWS = 1_056_320
ACCOUNTS = 4_500
TABLE = "raw_trans"
#: As MariaDB has them by default, not as tests set them: durable commits and a buffer of 128 MB.
SERVER = ("--innodb-flush-log-at-trx-commit=1", "--innodb-buffer-pool-size=128M", "--innodb-log-file-size=96M")


@dataclass(frozen=True)
class Case:
    """A load to measure."""

    way: str
    rows: int


def transactions(rows: int) -> pa.Table:
    """``rows`` transactions; missing values, lengths and amounts as often and as great as in the published ones."""
    chance = np.random.default_rng(SEED)

    def one_of(values: list[str | None], shares: list[float]) -> pa.Array:
        return pa.array(values).take(pa.array(chance.choice(len(values), rows, p=shares)))

    def money(least: float, greatest: float) -> pa.Array:
        hundredths = chance.integers(int(least * 100), int(greatest * 100), rows)
        return pa.array(hundredths / 100).cast(pa.decimal128(14, 2))

    def or_none(column: pa.Array, share: float) -> pa.Array:
        return pc.if_else(pa.array(chance.random(rows) < share), pa.scalar(None, pa.string()), column)

    days = np.datetime64("1993-01-01") + chance.integers(0, 2191, rows)
    columns = {
        "trans_id": np.arange(1, rows + 1, dtype=np.int32),
        "account_id": chance.integers(1, ACCOUNTS + 1, rows).astype(np.int32),
        "date": days.astype("datetime64[D]"),
        "type": one_of(["PRIJEM", "VYDAJ", "VYBER"], [0.384, 0.600, 0.016]),
        "operation": one_of(
            ["VYBER", "PREVOD NA UCET", "VKLAD", "PREVOD Z UCTU", "VYBER KARTOU", None],
            [0.412, 0.197, 0.148, 0.062, 0.008, 0.173],
        ),
        "amount": money(1, 87_400),
        "balance": money(-41_000, 209_000),
        "k_symbol": one_of(["UROK", "SLUZBY", "SIPO", "DUCHOD", "POJISTNE", "UVER", None],
                           [0.173, 0.148, 0.112, 0.029, 0.017, 0.013, 0.508]),
        "bank": or_none(one_of(["QR", "YZ", "AB", "ST", "UV"], [0.2] * 5), 0.74),
        "account": or_none(pa.array(chance.integers(10**6, 10**8, rows)).cast(pa.string()), 0.72),
    }  # fmt: skip
    return pa.table(columns).cast(schema.table_spec(TABLE).arrow)


@contextmanager
def loading(url: str, way: str) -> Iterator[Warehouse]:
    """The warehouse being rebuilt, with the rows that the transactions refer to."""
    if way == "INSERT":
        mariadb._allows_bulk = lambda _: False
    district = schema.table_spec("raw_district").arrow
    one = {field.name: "x" if pa.types.is_string(field.type) else 1 for field in district}
    account = {"district_id": 1, "frequency": "POPLATEK MESICNE", "date": np.datetime64("1993-01-01").item()}
    accounts = [account | {"account_id": number} for number in range(1, ACCOUNTS + 1)]
    with rebuild_warehouse(url) as warehouse:
        for table, rows in (("raw_district", [one]), ("raw_account", accounts)):
            create_table(warehouse, table)
            warehouse.insert(table, pa.Table.from_pylist(rows, schema=schema.table_spec(table).arrow))
        create_table(warehouse, TABLE)
        yield warehouse


def measure(case: Case, url: str) -> dict[str, Any]:
    """Load once in this process."""
    rows = transactions(case.rows)
    with loading(url, case.way) as warehouse:
        forget_peak(os.getpid())
        before = peak_bytes("self")
        start, busy = time.perf_counter(), time.process_time()
        warehouse.insert(TABLE, rows)
        seconds, busy = time.perf_counter() - start, time.process_time() - busy
        peak = peak_bytes("self")
        told = warehouse.query(f"select count(*) as n, sum(amount) as amount, count(bank) as banks from {TABLE}")
        (found,) = told.to_pylist()
    wanted = {"n": rows.num_rows, "amount": pc.sum(rows["amount"]).as_py(), "banks": pc.count(rows["bank"]).as_py()}
    if found != wanted:
        raise SystemExit(f"loaded {found}, not {wanted}")
    return {"seconds": seconds, "busy": busy, "before": before, "peak": peak, "table": rows.nbytes}


def in_own_process(case: Case) -> dict[str, Any]:
    """What ``measure`` tells when a fresh process does it, against a fresh server."""
    with tempfile.TemporaryDirectory(prefix="payoff-") as directory, private_mariadb(Path(directory), *SERVER) as (
        url, server,
    ):  # fmt: skip
        command = [sys.executable, __file__, "--one", json.dumps(asdict(case)), "--url", url]
        done = subprocess.run(command, env=here(), stdout=subprocess.PIPE, text=True, check=True)
        told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        told["server"] = peak_bytes(server)
    print(f"{case.way} {case.rows:,}: {told['seconds']:.1f} s", flush=True)
    return told


def page(found: dict[Case, list[dict[str, Any]]], loads: tuple[float, float]) -> str:
    """The page as Markdown."""
    lines = "\n".join(_line(case, runs) for case, runs in found.items())
    seconds = {
        case.way: Spread.of([run["seconds"] for run in runs]) for case, runs in found.items() if case.rows == ROWS
    }
    old, new = seconds["INSERT"], seconds["LOAD DATA"]
    held = found[Case("LOAD DATA", ROWS)][0]["table"] / 1e6
    told = ", ".join(versions(sys.executable, ["pyarrow", "pymysql", "sqlalchemy"]))
    return f"""# Loading MariaDB in bulk

The {ROWS:,} rows of the bank's transactions, generated in their shape, into `{TABLE}` with its keys, its index and its
checks, through `MariaDBWarehouse.insert`: from an Arrow table in memory to the committed rows. *LOAD DATA* is how every
load works; *INSERT*, with 5,000 rows at a time, is how it worked before, and works where the server's `local_infile` is
off. Each load in a process of its own against a fresh server on the same machine. Made by
`python benchmarks/bulk_load.py`.

| | rows | seconds, the middle | least to greatest | rows a second | of a core, s | memory, MB | server, MB |
|---|---|---|---|---|---|---|---|
{lines}

For all rows LOAD DATA is {old.middle / new.middle:.1f} times as fast as INSERT, by the middles, and
{old.least / new.least:.1f} times by the quickest of each.

*of a core*: what the loading process computed. *memory*: the most that it held more than before the load, which is
beside the table itself ({held:.0f} MB for all rows). *server*: the most that the server held.

The server runs with what MariaDB itself sets, and no binary log:
`{" ".join(SERVER)}`.
`local_infile` must be on, which it is by default, on RDS as well.

Python {platform.python_version()}, {len(os.sched_getaffinity(0))} cores for server and load together; {told}. The
load average was {loads[0]:.1f} before the start and {loads[1]:.1f} at the end. The measurement itself makes up to 2 of
it: what is above that was other work on the same cores.
"""


def _line(case: Case, runs: list[dict[str, Any]]) -> str:
    seconds = Spread.of([run["seconds"] for run in runs])
    more = max(run["peak"] - run["before"] for run in runs)
    cells = [
        case.way, f"{case.rows:,}", f"{seconds.middle:.1f}", f"{seconds.least:.1f} to {seconds.greatest:.1f}",
        f"{case.rows / seconds.middle:,.0f}", f"{max(run['busy'] for run in runs):.1f}", f"{more / 1e6:.0f}",
        f"{max(run['server'] for run in runs) / 1e6:.0f}",
    ]  # fmt: skip
    return f"| {' | '.join(cells)} |"


@click.command()
@click.option("--repeats", default=3, show_default=True, type=click.IntRange(min=1), help="Loads of each kind.")
@click.option("--one", hidden=True)
@click.option("--url", hidden=True)
def main(repeats: int, one: str | None, url: str | None) -> None:
    """Measure both ways, and write benchmarks/bulk_load.md."""
    if one and url:
        print(json.dumps(measure(Case(**json.loads(one)), url)))
        return
    before = os.getloadavg()[0]
    cases = [Case("LOAD DATA", ROWS // 4), Case("LOAD DATA", ROWS), Case("INSERT", ROWS)]
    # In turn, so that other work on these cores meets all of them alike.
    found: dict[Case, list[dict[str, Any]]] = {case: [] for case in cases}
    for case in cases * repeats:
        found[case].append(in_own_process(case))
    text = page(found, (before, os.getloadavg()[0]))
    PAGE.write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
