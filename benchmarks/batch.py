"""How long a batch takes from the file to the stored predictions, and how much memory.

Needs the lake with promoted models of the sets `form` and `full` and the warehouse (`payoff run` makes them); what it
stores goes to a directory of its own, which it removes. Writes benchmarks/batch.md. Linux only: memory is read from
/proc.

    python benchmarks/batch.py
    python benchmarks/batch.py --rows 100000 --accounts 5000
"""

import csv
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from io import StringIO
from pathlib import Path
from typing import Any

import click
import numpy as np
from measuring import ROOT, forget_peak, here, versions
from peers.common import peak_bytes
from sqlalchemy import func, select

from features.leaks import granted
from features.lookup import Application
from payoff.lake import DirectoryLake, Lake, open_lake
from payoff.settings import Settings, load_settings
from payoff.warehouse import open_warehouse
from webapp.batch import runner, scoring
from webapp.batch.files import BatchFiles, sheet_of, starts_of
from webapp.batch.receiving import Sent, received
from webapp.batch.runner import Runner
from webapp.serving import LakeModels
from webapp.storage import Database
from webapp.storage.tables import Batch, StoredPrediction

PAGE = Path(__file__).with_suffix(".md")
SEED = 20261121
#: What is wrong with the bad rows, in turn; every hundredth row is bad.
FAULTS: tuple[dict[str, str], ...] = (
    {"loan_amount_czk": "a lot"}, {"granted_on": "5.7.1997"}, {"district": "=HYPERLINK(0)"},
    {"loan_duration_months": "", "card_type": "platinum"},
)  # fmt: skip
OF_ACCOUNTS: tuple[dict[str, str], ...] = (
    {"account_id": "999999999"}, {"granted_on": "1990-01-01"}, {"loan_amount_czk": "-1"},
)  # fmt: skip
_EVERY = 100


@dataclass(frozen=True)
class Case:
    """A batch to measure."""

    name: str
    kind: str
    rows: int
    explain_all: bool = False


def form_rows(lake: Lake, count: int) -> list[dict[str, str]]:
    """What the form would have been told of the bank's loans, each again and again with another amount."""
    sys.path.append(str(ROOT / "tests"))
    from bank import answers_of_loans

    loans, chance = answers_of_loans(lake), np.random.default_rng(SEED)
    drawn = (loans[place] for place in chance.integers(len(loans), size=count))
    return [_varied({name: str(value) for name, value in loan.items()}, chance) for loan in drawn]


def account_rows(settings: Settings, count: int) -> list[dict[str, str]]:
    """The accounts of the bank's loans, on the days of their grants, with other amounts."""
    with open_warehouse(settings.reading_url, settings.mariadb_ca) as warehouse:
        loans = granted(warehouse).applications
    chance = np.random.default_rng(SEED)
    drawn = (loans[place] for place in chance.integers(len(loans), size=count))
    return [_varied(_of_account(loan), chance) for loan in drawn]


def _of_account(loan: Application) -> dict[str, str]:
    return {
        "account_id": str(loan.account_id),
        "loan_amount_czk": str(loan.amount_czk),
        "loan_duration_months": str(loan.duration_months),
        "granted_on": loan.granted_on.isoformat(),
    }


def _varied(row: dict[str, str], chance: np.random.Generator) -> dict[str, str]:
    amount = float(row["loan_amount_czk"]) * chance.uniform(0.5, 1.5)
    return row | {"loan_amount_czk": str(round(max(amount, 1_000)))}


def as_csv(rows: list[dict[str, str]], faults: tuple[dict[str, str], ...]) -> bytes:
    """The file, with one row in a hundred spoilt."""
    for number, place in enumerate(range(_EVERY // 2, len(rows), _EVERY)):
        rows[place] = rows[place] | faults[number % len(faults)]
    text = StringIO()
    writer = csv.DictWriter(text, fieldnames=list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


class Clock:
    """Adds up what functions take that it stands in for."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = defaultdict(float)

    def of(self, what: str, owner: Any, name: str) -> None:
        """Measure ``owner.name`` under ``what``, which no other measured function calls."""
        function: Callable[..., Any] = getattr(owner, name)

        def timed(*args: Any, **kwargs: Any) -> Any:
            start = time.perf_counter()
            try:
                return function(*args, **kwargs)
            finally:
                self.seconds[what] += time.perf_counter() - start

        setattr(owner, name, timed)


def measure(case: Case) -> dict[str, Any]:
    """Run one batch in this process; what it took, and what came of it."""
    settings, clock = load_settings(), Clock()
    models = LakeModels(open_lake(settings), settings.var_dir / "models")
    models.current(scoring.SETS[case.kind])
    if case.kind == "form":
        data = as_csv(form_rows(open_lake(settings), case.rows), FAULTS)
    else:
        data = as_csv(account_rows(settings, case.rows), OF_ACCOUNTS)
    for what, owner, name in (
        ("checking the rows", scoring, "_checked"), ("looking accounts up", scoring, "look_up"),
        ("features of the answers", scoring, "form_features"), ("scoring", scoring, "judged"),
        ("reasons", scoring, "_explanations"), ("writing", runner, "result_rows"), ("writing", runner, "bad_rows"),
        ("storing the predictions", runner, "advance"), ("storing the files", BatchFiles, "keep"),
    ):  # fmt: skip
        clock.of(what, owner, name)
    with tempfile.TemporaryDirectory() as scratch:
        database, lake = Database(f"sqlite:///{scratch}/payoff.sqlite"), DirectoryLake(Path(scratch) / "lake")
        database.migrate()
        forget_peak(os.getpid())
        before = peak_bytes("self")
        start, busy = time.perf_counter(), time.process_time()
        received(database, lake, models, Sent(data, "loans.csv", case.explain_all), sender="benchmark")
        clock.seconds["looking at the file"] = time.perf_counter() - start
        Runner(settings, database, lake, models, lambda _: nullcontext()).run_next()
        seconds, busy = time.perf_counter() - start, time.process_time() - busy
        told = outcome(database, lake)
        database.engine.dispose()
    clock.seconds["the rest"] = seconds - sum(clock.seconds.values())
    measured = {"bytes": len(data), "seconds": seconds, "busy": busy, "before": before, "peak": peak_bytes("self")}
    return measured | told | {"parts": dict(clock.seconds)}


def outcome(database: Database, lake: Lake) -> dict[str, Any]:
    """What the batch came to: counted in the database, and in the files."""
    with database.session() as session:
        batch = session.scalars(select(Batch)).one()
        stored = session.scalar(select(func.count()).select_from(StoredPrediction))
        refused = session.scalar(select(func.count()).where(StoredPrediction.verdict == "default"))
    if batch.status != "done" or stored != batch.rows - batch.bad:
        raise SystemExit(f"{batch.status}: {batch.failure}; {stored} predictions of {batch.rows} rows, {batch.bad} bad")
    files, sheet, starts = BatchFiles(lake, batch.options["folder"]), sheet_of(batch), starts_of(batch)
    bad = b"".join(files.bad(sheet, starts)).decode("utf-8-sig")
    rows = list(csv.DictReader(StringIO(bad)))
    shown = [[row["line"], row["errors"]] for row in rows[: len(FAULTS)]]
    return {
        "bad": batch.bad, "bad_in_report": len(rows), "bad_shown": shown, "refused": refused,
        "result_bytes": sum(map(len, files.result(sheet, starts))),
    }  # fmt: skip


def page(results: list[tuple[Case, dict[str, Any]]], arguments: str, busy: float) -> str:
    """The page as Markdown."""
    table = "\n".join(_line(case, found) for case, found in results)
    parts = "\n\n".join(_parts(case, found) for case, found in results)
    bad = "\n".join(_bad(case, found) for case, found in results if not case.explain_all)
    told = ", ".join(versions(sys.executable, ["autogluon.tabular", "pydantic", "sqlalchemy", "duckdb", "pandas"]))
    return f"""# How long a batch takes

From the bytes of the file to the stored predictions and the finished result, on SQLite and a lake in a directory, with
the promoted models. The rows are the bank's own loans, drawn again and again with amounts of 50 to 150 %; one row in a
hundred is spoilt. Each batch in a process of its own, the model loaded before. Made by
`python benchmarks/batch.py{arguments}`.

| | rows | bad | doubtful | file, MB | result, MB | seconds | of a core, s | rows a second | memory, MB | before, MB |
|---|---|---|---|---|---|---|---|---|---|---|
{table}

*of a core*: what the process computed, added up over the cores; where that is far less than *seconds*, it had to wait.
*memory* is the most that was resident; *before* is what Python, the model and the file itself held when the batch came.
*doubtful*: predicted to default, so given with up to four reasons; with *reasons for all*, every row has them.

## Where the time goes

{parts}

## The rows that came back

Each bad row is in the result with its errors, and in a file of its own:

{bad}

Python {platform.python_version()}, {len(os.sched_getaffinity(0))} cores, load {busy:.1f} before the start; {told}.
"""


def _line(case: Case, found: dict[str, Any]) -> str:
    cells = [
        case.name, f"{case.rows:,}", f"{found['bad']:,}", f"{found['refused']:,}", f"{found['bytes'] / 1e6:.1f}",
        f"{found['result_bytes'] / 1e6:.1f}", f"{found['seconds']:.1f}", f"{found['busy']:.1f}",
        f"{case.rows / found['seconds']:,.0f}", f"{found['peak'] / 1e6:.0f}", f"{found['before'] / 1e6:.0f}",
    ]  # fmt: skip
    return f"| {' | '.join(cells)} |"


def _parts(case: Case, found: dict[str, Any]) -> str:
    parts = sorted(found["parts"].items(), key=lambda part: -part[1])
    lines = "\n".join(f"| {what} | {spent:.1f} | {spent / found['seconds']:.0%} |" for what, spent in parts)
    return f"| {case.name} | seconds | share |\n|---|---|---|\n{lines}"


def _bad(case: Case, found: dict[str, Any]) -> str:
    shown = "\n".join(f"  - line {line}: {errors}" for line, errors in found["bad_shown"])
    return f"- {case.name}: {found['bad_in_report']:,} of {found['bad']:,}, the first of them\n{shown}"


def in_own_process(case: Case) -> dict[str, Any]:
    """What ``measure`` tells when a fresh process does it."""
    command = [sys.executable, __file__, "--one", json.dumps(asdict(case))]
    done = subprocess.run(command, env=here(), stdout=subprocess.PIPE, text=True, check=True)
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    print(f"{case.name}: {case.rows / told['seconds']:,.0f} rows a second, {told['peak'] / 1e6:.0f} MB", flush=True)
    return told


@click.command()
@click.option("--rows", default=100_000, show_default=True, type=click.IntRange(1_000, 200_000), help="Of form fields.")
@click.option("--accounts", default=5_000, show_default=True, type=click.IntRange(1_000, 200_000), help="Accounts.")
@click.option("--one", hidden=True)
def main(rows: int, accounts: int, one: str | None) -> None:
    """Measure batches of form fields and of accounts, and write benchmarks/batch.md."""
    if one:
        print(json.dumps(measure(Case(**json.loads(one)))))
        return
    busy = os.getloadavg()[0]
    cases = [
        Case("form fields", "form", rows),
        Case("form fields, reasons for all", "form", rows // 10, explain_all=True),
        Case("accounts", "accounts", accounts),
    ]
    text = page([(case, in_own_process(case)) for case in cases], f" --rows {rows} --accounts {accounts}", busy)
    PAGE.write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
