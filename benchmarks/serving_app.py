"""The app as in production, in processes of its own, and what they hold and keep."""

import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from measuring import ROOT, CannotMeasure, here

LOAD = Path(__file__).resolve().parent / "load"
WORKERS, THREADS = 2, 32
_PATIENCE_SECONDS = 60


@dataclass(frozen=True)
class Running:
    """A server that answers.

    Attributes
    ----------
    database : Path, optional
        Where it keeps its predictions.
    first_seconds : float
        From its start to its first answer.
    """

    address: str
    process: int
    first_seconds: float
    database: Path | None = None

    def memory_mb(self) -> tuple[float, float]:
        """Of the master and its workers: with shared pages counted once (PSS), and as often as they are shared."""
        held = [_memory(each) for each in (self.process, *_children(self.process))]
        return sum(pss for pss, _ in held) / 1e6, sum(rss for _, rss in held) / 1e6

    def stored(self) -> set[int]:
        """The numbers of the predictions in the history."""
        with sqlite3.connect(f"file:{self.database}?mode=ro", uri=True) as connection:
            return {number for (number,) in connection.execute("select id from predictions")}


@contextmanager
def serving(directory: Path, settings: Mapping[str, str], ask: urllib.request.Request) -> Iterator[Running]:
    """``payoff serve`` on a free port, from its start to its first answer to ``ask``, whose host is replaced."""
    port, database = free_port(), directory / "payoff.sqlite"
    variables = here(
        PAYOFF_DATABASE_URL=f"sqlite:///{database}", PAYOFF_WORKERS=str(WORKERS), PAYOFF_PORT=str(port),
        PAYOFF_API_RATE="100000000/hour", PAYOFF_FORM_RATE="100000000/hour", **settings,
    )  # fmt: skip
    command = [sys.executable, "-c", "from payoff.cli import main; main()", "serve"]
    with _process(command, variables, directory / "log.txt") as process:
        first = _first_answer(process, f"http://127.0.0.1:{port}", ask)
        yield Running(f"http://127.0.0.1:{port}", process.pid, first, database)


@contextmanager
def bare(directory: Path, ask: urllib.request.Request) -> Iterator[Running]:
    """A bare Flask route under gunicorn, with as many processes and threads."""
    port = free_port()
    command = [
        sys.executable, "-m", "gunicorn", "--workers", str(WORKERS), "--threads", str(THREADS), "--keep-alive", "65",
        "--bind", f"127.0.0.1:{port}", "--chdir", str(LOAD), "--log-level", "warning", "bare:app",
    ]  # fmt: skip
    with _process(command, here(), directory / "bare.txt") as process:
        first = _first_answer(process, f"http://127.0.0.1:{port}", ask)
        yield Running(f"http://127.0.0.1:{port}", process.pid, first)


def free_port() -> int:
    """A port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def load(running: Running, script: str, clients: int, seconds: int, variables: Mapping[str, str]) -> dict[str, float]:
    """What wrk found: requests, seconds, latencies in ms, refused and broken."""
    command = ["wrk", "--threads", "1", "--connections", str(clients), "--duration", f"{seconds}s", "--timeout", "30s"]
    done = subprocess.run(
        [*command, "--script", str(LOAD / script), running.address],
        env=os.environ | dict(variables), capture_output=True, text=True,
    )  # fmt: skip
    lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
    if done.returncode or not lines:
        raise CannotMeasure(f"wrk: {(done.stderr or done.stdout).strip()[-300:]}")
    found: dict[str, float] = json.loads(lines[-1])
    return found


@contextmanager
def _process(command: list[str], variables: dict[str, str], log: Path) -> Iterator["subprocess.Popen[bytes]"]:
    with log.open("wb") as written:
        process = subprocess.Popen(command, env=variables, stdout=written, stderr=written, cwd=ROOT)
        try:
            yield process
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(60)


def _first_answer(process: "subprocess.Popen[bytes]", address: str, ask: urllib.request.Request) -> float:
    started = time.perf_counter()
    asked = urllib.request.Request(address + ask.selector, ask.data, dict(ask.headers))
    while time.perf_counter() < started + _PATIENCE_SECONDS:
        if process.poll() is not None:
            raise CannotMeasure(f"the server ended with {process.returncode}")
        try:
            with urllib.request.urlopen(asked, timeout=30) as answer:
                answer.read()
            return time.perf_counter() - started
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.01)
    raise CannotMeasure(f"no answer within {_PATIENCE_SECONDS} s")


def _children(process: int) -> list[int]:
    tasks = Path(f"/proc/{process}/task/{process}/children")
    return [int(each) for each in tasks.read_text(encoding="ascii").split()]


def _memory(process: int) -> tuple[int, int]:
    lines = Path(f"/proc/{process}/smaps_rollup").read_text(encoding="ascii").splitlines()
    held = {line.split(":")[0]: int(line.split()[1]) * 1024 for line in lines[1:]}
    return held["Pss"], held["Rss"]
