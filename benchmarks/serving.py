"""How many predictions the app answers in a second, how fast, and whether each is in the history.

Serves the promoted model (`payoff run --no-serve` makes one) as in production, with two worker processes, and has wrk
(Debian: wrk) ask over loopback, on the same cores; beside it a bare Flask route, and the app that works on each
question alone. Writes benchmarks/serving.md and its plots.
"""

import json
import os
import platform
import re
import sys
import tempfile
import threading
import time
import urllib.parse
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import click
from measuring import ROOT, CannotMeasure, versions
from serving_app import WORKERS, Running, bare, load, serving
from serving_plots import draw_latency, draw_soak, draw_throughput

from features.questions import QUESTIONS
from payoff.metadata import Metadata

PAGE = Path(__file__).with_suffix(".md")
CLIENTS = (1, 8, 32, 128)
_PACKAGES = ("gunicorn", "flask", "lightgbm")
SHORT, WHOLE = "/api/v1/predict?reasons=no", "/api/v1/predict"
NAMES = {
    "bare": "bare Flask route",
    "api": "API, without reasons",
    "alone": "the same, each worked on alone",
    "same": "API, always the same application",
    "reasons": "API, with reasons",
    "form": "form, page and all",
}


@dataclass(frozen=True)
class Load:
    """What wrk found with so many clients; latencies in ms."""

    clients: int
    requests: int
    seconds: float
    p50: float
    p95: float
    p99: float
    refused: int
    broken: int

    @property
    def each_second(self) -> float:
        return (self.requests - self.refused) / self.seconds


@dataclass
class Case:
    """One kind of question at every number of clients, and what the server held afterwards (PSS and RSS, MB)."""

    first_seconds: float
    loads: list[Load] = field(default_factory=list)
    memory_mb: tuple[float, float] = (0.0, 0.0)
    answered: int = 0
    lost: int = 0


@dataclass(frozen=True)
class Soak:
    """What wrk found, memory in the course of it (seconds, PSS in MB), and how many answers were lost."""

    load: Load
    held: list[tuple[float, float]]
    lost: int


@dataclass(frozen=True)
class Asking:
    """How the app is asked: a filled-in form as JSON, and the key of a program."""

    body: str
    key: str

    def request(self, path: str) -> urllib.request.Request:
        headers = {"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"}
        return urllib.request.Request(f"http://localhost{path}", self.body.encode(), headers)


def measured(running: Running, script: str, seconds: int, variables: Mapping[str, str], numbers: Path) -> Case:
    """Ask with each number of clients, and look each answer up in the history."""
    case = Case(running.first_seconds)
    seen: list[str] = []
    for clients in CLIENTS:
        given = variables | {"NUMBERS": str(numbers)}
        case.loads.append(Load(clients, **load(running, script, clients, seconds, given)))
        if numbers.exists():
            seen += numbers.read_text(encoding="ascii").split()
            numbers.unlink()
        click.echo(
            f"  {clients:4} clients: {case.loads[-1].each_second:8,.0f} a second, p99 {case.loads[-1].p99:.1f} ms"
        )
    case.memory_mb = running.memory_mb()
    if running.database and seen:
        case.answered = len(seen)
        case.lost = len(seen) - len(running.stored() & {int(number) for number in seen})
    return case


def soaked(running: Running, seconds: int, rate: float, variables: Mapping[str, str], numbers: Path) -> Soak:
    """Ask ``rate`` times a second for long, with more clients than that takes, while the figures are looked at."""
    clients, over = 64, threading.Event()
    held: list[tuple[float, float]] = []
    started = time.monotonic()

    def watch() -> None:
        while not over.wait(5):
            with urllib.request.urlopen(f"{running.address}/metrics") as figures:
                figures.read()
            held.append((time.monotonic() - started, running.memory_mb()[0]))

    watching = threading.Thread(target=watch)
    watching.start()
    paced = {"RATE": str(rate), "NUMBERS": str(numbers)}
    try:
        found = Load(clients, **load(running, "predict.lua", clients, seconds, variables | paced))
    finally:
        over.set()
        watching.join()
    seen = {int(number) for number in numbers.read_text(encoding="ascii").split()}
    return Soak(found, held, len(seen - running.stored()))


def filled_in(metadata: Metadata) -> dict[str, str | float]:
    """The form of a loan in the middle of the training loans."""
    days = {"granted_on": "1997-01-01", "opened_on": "1995-01-01", "owner_born_on": "1957-01-01"}
    given: dict[str, str | float] = {}
    for each in QUESTIONS:
        if each.kind in {"money", "count"}:
            given[each.name] = round(metadata.spreads[each.name].median)
        elif each.kind == "choice":
            given[each.name] = each.choices[0][0]
        else:
            given[each.name] = days.get(each.name, metadata.districts[0].name)
    return given


def prepared(lake: str, directory: Path) -> tuple[Asking, dict[str, str]]:
    """An empty history with a program's key, and the settings that serve the champion of ``lake``."""
    from payoff.lake import open_lake
    from payoff.settings import load_settings
    from webapp.serving import LakeModels
    from webapp.storage import Database
    from webapp.storage.users import add_key, add_user

    settings = load_settings(lake_uri=lake, var_dir=directory)
    metadata = LakeModels(open_lake(settings), directory / "models").current().metadata
    held = Database(f"sqlite:///{directory}/payoff.sqlite")
    held.migrate()
    with held.session() as session:
        user = add_user(session, "benchmark", "viewer", "no password that anybody types", "benchmark")
        session.flush()
        key = add_key(session, user, "benchmark", "benchmark").text
    held.engine.dispose()
    settings_given = {"PAYOFF_LAKE_URI": lake, "PAYOFF_VAR_DIR": str(directory)}
    return Asking(json.dumps(filled_in(metadata)), key), settings_given


def form_variables(running: Running, asking: Asking) -> dict[str, str]:
    """The form's token, its cookie and its inputs."""
    with urllib.request.urlopen(f"{running.address}/") as page:
        token = re.search(r'name="csrf_token" value="([^"]+)"', page.read().decode())
        cookie = page.headers["Set-Cookie"].split(";")[0]
    if not token:
        raise CannotMeasure("the form has no token")
    return {"COOKIE": cookie, "BODY": urllib.parse.urlencode(json.loads(asking.body) | {"csrf_token": token[1]})}


@click.command()
@click.option("--lake", default=str(ROOT / "var" / "lake"), show_default=True, help="Where the champion is.")
@click.option("--seconds", default=10, show_default=True, help="How long each number of clients asks.")
@click.option("--soak", default=600, show_default=True, help="Seconds at half of the most; 0 leaves it out.")
def main(lake: str, seconds: int, soak: int) -> None:
    """Measure the app that serves LAKE's champion, and write benchmarks/serving.md and its plots."""
    with tempfile.TemporaryDirectory(prefix="payoff-serving-") as folder:
        cases, long = measure(lake, Path(folder), seconds, soak)
    draw_throughput(PAGE.with_name("serving-throughput.svg"), {NAMES[name]: case.loads for name, case in cases.items()})
    draw_latency(PAGE.with_name("serving-latency.svg"), cases["api"].loads)
    if long:
        draw_soak(PAGE.with_name("serving-soak.svg"), long.held)
    PAGE.write_text(page(cases, long, seconds), encoding="utf-8")
    click.echo(PAGE.read_text(encoding="utf-8"))


def measure(lake: str, directory: Path, seconds: int, soak: int) -> tuple[dict[str, Case], Soak | None]:
    """Everything, one server after the other."""
    numbers, cases = directory / "numbers.txt", {}
    asking, settings = prepared(lake, directory)
    variables, first = {"KEY": asking.key, "BODY": asking.body}, asking.request(SHORT)
    click.echo(NAMES["bare"])
    with bare(directory, asking.request(WHOLE)) as running:
        cases["bare"] = measured(running, "predict.lua", seconds, variables | {"ASKED": WHOLE}, numbers)
    questions = {
        "api": (settings, {"ASKED": SHORT}),
        "alone": (settings | {"PAYOFF_GATHER": "1"}, {"ASKED": SHORT}),
        "same": (settings, {"ASKED": SHORT, "SAME": "1"}),
        "reasons": (settings, {"ASKED": WHOLE}),
    }
    for name, (how, asked) in questions.items():
        click.echo(NAMES[name])
        with serving(directory, how, first) as running:
            cases[name] = measured(running, "predict.lua", seconds, variables | asked, numbers)
    click.echo(NAMES["form"])
    with serving(directory, settings, first) as running:
        cases["form"] = measured(running, "form.lua", seconds, form_variables(running, asking), numbers)
    if not soak:
        return cases, None
    rate = max(each.each_second for each in cases["api"].loads) / 2
    click.echo(f"soak: {rate:,.0f} a second for {soak} s")
    with serving(directory, settings, first) as running:
        return cases, soaked(running, soak, rate, variables | {"ASKED": SHORT}, numbers)


def page(cases: Mapping[str, Case], long: Soak | None, seconds: int) -> str:
    """The figures in words."""
    rows = [
        f"| {NAMES[name]} | {each.clients} | {each.each_second:,.0f} | {each.p50:.1f} | {each.p95:.1f} "
        f"| {each.p99:.1f} | {each.refused + each.broken} |"
        for name, case in cases.items()
        for each in case.loads
    ]
    at_32 = {name: next(each.each_second for each in case.loads if each.clients == 32) for name, case in cases.items()}
    api = cases["api"]
    kept = [
        f"{NAMES[name]}: {case.answered:,} answers, {case.lost} of them not in the history"
        for name, case in cases.items()
        if case.answered
    ]
    memory = [
        f"| {NAMES[name]} | {case.memory_mb[0]:,.0f} | {case.memory_mb[1]:,.0f} |" for name, case in cases.items()
    ]
    how = (
        f"`python benchmarks/serving.py`: `payoff serve` with {WORKERS} processes and SQLite, asked by wrk over "
        f"loopback, {seconds} s each, all on the same {_cores()} cores; Python {platform.python_version()}, "
        f"{', '.join(versions(sys.executable, _PACKAGES))}. Applications differ from each other, but for one row that "
        "says so. Latencies in ms; an error is an answer other than 200, or none."
    )
    beside = (
        f"At 32 clients the API gives {at_32['api'] / at_32['bare']:.0%} of the bare route's throughput, and "
        f"{at_32['api'] / at_32['alone']:.1f} times that of the app that works on each question alone. The first "
        f"answer came {api.first_seconds:.1f} s after the start."
    )
    table = "| asked | clients | a second | p50 | p95 | p99 | errors |\n|---|--:|--:|--:|--:|--:|--:|\n" + "\n".join(
        rows
    )
    held_words = "**Memory** of master and workers after the load, MB; shared pages counted once, and for each process:"
    parts = [
        "# Serving at speed",
        how,
        table,
        beside,
        "![Throughput by clients](serving-throughput.svg)\n\n![Latency of the API](serving-latency.svg)",
        "**Kept.** Each answer's number was looked up in the history afterwards. " + "; ".join(kept) + ".",
        held_words + "\n\n| asked | once | each |\n|---|--:|--:|\n" + "\n".join(memory),
    ]
    if long:
        found, held = long.load, [mb for _, mb in long.held]
        parts.append(
            f"**Soak** at half of the most, /metrics read every 5 s: {found.each_second:,.0f} a second for "
            f"{found.seconds / 60:.0f} minutes, p50 {found.p50:.1f}, "
            f"p99 {found.p99:.1f} ms, {found.refused + found.broken} errors, {long.lost} lost; memory "
            f"{held[len(held) // 10]:,.0f} MB after a tenth of the time, {held[-1]:,.0f} MB at the end, "
            f"{max(held):,.0f} MB at most.\n\n![Memory during the soak](serving-soak.svg)"
        )
    return "\n\n".join(parts) + "\n"


def _cores() -> int:
    return len(os.sched_getaffinity(0))


if __name__ == "__main__":
    main()
