"""An export by snapshot beside one by query, on the original files: whether they are the same, and what they take.

    python benchmarks/snapshot_export.py DIRECTORY [ROWS ...]

DIRECTORY holds the original .asc files. They go into a private MariaDB; what its marts hold is written to SeaweedFS as
AWS writes a snapshot export (tests/planted.py), and exported from there with moto in the place of RDS. For each of ROWS
another export follows, whose transaction mart has so many invented rows. AWS's own time is not in it: moto ends a
snapshot and an export at once. Writes benchmarks/snapshot_export.md.
"""

import os
import platform
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from measuring import ROOT, here, private_mariadb, versions

from payoff import runs, schema
from payoff.lake import Lake, open_lake
from payoff.lake.bucket import S3Lake
from payoff.settings import load_settings
from payoff.warehouse import open_warehouse

PAGE = Path(__file__).with_suffix(".md")
# The program, which leaves a word on its memory in the file that its first argument names.
PAYOFF = """
import atexit, pathlib, sys
from payoff.cli import main
from peers.common import peak_bytes
told = pathlib.Path(sys.argv.pop(1))
atexit.register(lambda: told.write_text(str(peak_bytes("self"))))
main()
"""


@dataclass(frozen=True)
class Took:
    """What a command took."""

    seconds: float
    megabytes: int


def payoff(variables: dict[str, str], *arguments: str) -> Took:
    """Run the program to its end."""
    with tempfile.TemporaryDirectory() as directory:
        told, found = Path(directory) / "peak", here(**variables)
        found["PYTHONPATH"] += os.pathsep + str(ROOT / "benchmarks")
        start = time.perf_counter()
        subprocess.run([sys.executable, "-c", PAYOFF, str(told), *arguments], env=found, check=True)
        return Took(time.perf_counter() - start, int(told.read_text(encoding="ascii")) // 1_000_000)


def read(url: str, table: str) -> pa.Table:
    """A table of the warehouse as any client would read it."""
    with open_warehouse(url) as warehouse:
        found = warehouse.query(f"select * from {table}")
    return found.cast(schema.table_spec(table).arrow)


def invented(rows: int) -> pa.Table:
    """A transaction mart of so many rows."""
    numbers, chance = np.arange(rows), np.random.default_rng(1)
    money = pa.array(chance.integers(1, 100_000, rows)).cast(pa.decimal128(21, 2)).cast(pa.decimal128(14, 2))
    columns: dict[str, Any] = {
        "loan_id": numbers // 80, "transaction_id": numbers, "account_id": numbers // 80,
        "booked_on": chance.integers(8400, 10500, rows).astype("int32"), "days_before": chance.integers(1, 700, rows),
        "direction": ["debit"] * rows, "operation": ["cash_withdrawal"] * rows, "purpose": ["household"] * rows,
        "amount_czk": money, "signed_amount_czk": money, "balance_czk": money,
    }  # fmt: skip
    fields = schema.table_spec("loan_transactions").arrow
    return pa.table([pa.array(columns[field.name]).cast(field.type) for field in fields], schema=fields)


def same(lake: Lake, one: str, other: str) -> list[str]:
    """The marts whose files are the same bytes in both runs."""
    manifests = [runs.manifest(lake, run)["marts"] for run in (one, other)]
    sums = [{mart: [part["sha256"] for part in of["parts"]] for mart, of in marts.items()} for marts in manifests]
    return [mart for mart in schema.marts() if sums[0][mart] == sums[1][mart]]


TEMPLATE = """# Export by query and by snapshot

Written by `python benchmarks/snapshot_export.py DIRECTORY ROWS`. Python {python}, {cores} cores, {packages}. One run
each, as processes of their own, from MariaDB or SeaweedFS to SeaweedFS on the same machine. AWS's time for the
snapshot and its export is not in it.

From the original files, with {rows:,} rows in all marts: {equal} of {marts} marts are the same Parquet files in both
runs, byte for byte.

| export | rows of the transaction mart | seconds | peak memory |
|---|---|---|---|
{lines}
"""


def page(equal: list[str], rows: int, took: dict[str, tuple[int, Took]]) -> str:
    """The page."""
    lines = [f"| {what} | {of:,} | {each.seconds:.1f} | {each.megabytes:,} MB |" for what, (of, each) in took.items()]
    return TEMPLATE.format(
        python=platform.python_version(), cores=os.cpu_count(), rows=rows, equal=len(equal), marts=len(schema.marts()),
        packages=", ".join(versions(sys.executable, ["duckdb", "pyarrow", "boto3"])), lines="\n".join(lines),
    )  # fmt: skip


def main() -> None:
    """Measure and write the page."""
    sys.path.append(str(ROOT / "tests"))
    import boto3
    from planted import plant
    from servers import running_moto, running_seaweed

    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        for part in ("mariadb", "weed"):
            (directory / part).mkdir()
        url, _ = stack.enter_context(private_mariadb(directory / "mariadb"))
        rds, s3 = stack.enter_context(running_moto()), stack.enter_context(running_seaweed(directory / "weed"))
        bucket = s3.create_bucket("bank-export")
        variables = {
            "AWS_ACCESS_KEY_ID": s3.access_key, "AWS_SECRET_ACCESS_KEY": s3.secret_key,
            "AWS_DEFAULT_REGION": "us-east-1", "AWS_ENDPOINT_URL": rds.endpoint_url,
            "PAYOFF_S3_ENDPOINT_URL": s3.endpoint_url, "PAYOFF_WAREHOUSE_URL": url, "PAYOFF_LAKE_URI": f"{bucket}/lake",
            "PAYOFF_VAR_DIR": str(directory / "var"), "PAYOFF_EXPORT_INSTANCE": "bank",
            "PAYOFF_EXPORT_ROLE_ARN": "arn:aws:iam::123456789012:role/export", "PAYOFF_EXPORT_KMS_KEY": "alias/bank",
            "PAYOFF_EXPORT_URI": f"{bucket}/exports",
        }  # fmt: skip
        os.environ |= variables
        boto3.client("rds").create_db_instance(
            DBInstanceIdentifier="bank", DBInstanceClass="db.t4g.micro", Engine="mariadb", EngineVersion="11.4.4",
            AllocatedStorage=20, MasterUsername="admin", MasterUserPassword="secret-enough",
        )  # fmt: skip
        lake, place = open_lake(load_settings()), S3Lake("bank-export", "exports", s3.endpoint_url)
        payoff(variables, "etl", "--source", sys.argv[1])
        by_query = payoff(variables, "etl", "export")
        queried = runs.current_run(lake)
        tables = {name: read(url, name) for name in (*schema.marts(), "origin")}
        transactions = tables["loan_transactions"].num_rows
        took = {"by query": (transactions, by_query)}
        equal: list[str] = []
        for number, rows in enumerate([0, *map(int, sys.argv[2:])]):
            more = {"loan_transactions": invented(rows)} if rows else {}
            plant(place, f"export-{number}", tables | more, url.rpartition("/")[2], pieces=12, group=100_000)
            measured = payoff(variables, "etl", "export", "--via", "snapshot", "--snapshot", f"export-{number}")
            took["by snapshot" if not rows else f"by snapshot, {rows:,} invented"] = (rows or transactions, measured)
            equal = equal or same(lake, queried, runs.current_run(lake))
        total = sum(tables[mart].num_rows for mart in schema.marts())
        PAGE.write_text(page(equal, total, took), encoding="utf-8")
        print(PAGE.read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
