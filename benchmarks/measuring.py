"""Programs measured as processes of their own: how they are run, what they run in, and the servers they need."""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from peers.common import peak_bytes

ROOT = Path(__file__).resolve().parents[1]
PEERS = Path(__file__).resolve().parent / "peers"
#: A network of the program's own, which nothing can reach, and an end for whatever it started.
ALONE = ["unshare", "--map-root-user", "--net", "--pid", "--fork", "--kill-child", "--mount-proc"]


class CannotMeasure(Exception):
    """A contender does not run here; the message says why."""


@dataclass(frozen=True)
class Contender:
    """One program to measure.

    Attributes
    ----------
    command : list of str
        It ends by printing a line of JSON with ``features``, ``seconds`` and ``peak_bytes``.
    server : int, optional
        The number of a running process that works for it, whose memory counts too.
    """

    name: str
    command: list[str]
    server: int | None = None


@dataclass(frozen=True)
class Run:
    """One measurement: seconds of the computation and of the whole process, and the most memory held."""

    features: int
    seconds: float
    process_seconds: float
    peak_bytes: int


@dataclass(frozen=True)
class Spread:
    """The middle of several figures, with the least and the greatest."""

    middle: float
    least: float
    greatest: float

    @classmethod
    def of(cls, figures: Sequence[float]) -> "Spread":
        return cls(median(figures), min(figures), max(figures))


def run(contender: Contender) -> Run:
    """Run it once.

    Raises
    ------
    CannotMeasure
        It failed, or did not tell what it measured.
    """
    if contender.server is not None:
        forget_peak(contender.server)
    start = time.perf_counter()
    done = subprocess.run(contender.command, env=here(), capture_output=True, text=True)
    process_seconds = time.perf_counter() - start
    lines = done.stdout.splitlines()
    if done.returncode or not lines:
        said = (done.stderr or done.stdout).strip().splitlines()
        raise CannotMeasure(said[-1] if said else f"it ended with {done.returncode} and said nothing")
    told = json.loads(lines[-1])
    of_server = peak_bytes(contender.server) if contender.server is not None else 0
    return Run(told["features"], told["seconds"], process_seconds, told["peak_bytes"] + of_server)


def here(**variables: str) -> dict[str, str]:
    """The environment of a process that is to run this checkout of Payoff, whichever is installed."""
    return {**os.environ, "PYTHONPATH": str(ROOT), **variables}


def forget_peak(process: int) -> None:
    """Let a process's highest memory be counted anew from now; where that is not allowed it stays since its start."""
    with suppress(OSError):
        Path(f"/proc/{process}/clear_refs").write_text("5", encoding="ascii")


def environment(tool: str, directory: Path) -> Path:
    """The Python of a virtual environment that holds what peers/<tool>.txt pins, made unless it is there.

    Raises
    ------
    CannotMeasure
        It cannot be installed.
    """
    requirements = PEERS / f"{tool}.txt"
    home, python, made = directory / tool, directory / tool / "bin" / "python", directory / tool / "made.txt"
    if made.exists() and made.read_bytes() == requirements.read_bytes():
        return python
    print(f"installing {tool} into {home}", flush=True)
    shutil.rmtree(home, ignore_errors=True)
    install = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--require-hashes"]
    for command in ([sys.executable, "-m", "venv", str(home)], [*install, "--requirement", str(requirements)]):
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            raise CannotMeasure(f"{tool} cannot be installed: {done.stderr.strip().splitlines()[-1:]}")
    shutil.copyfile(requirements, made)
    return python


def versions(python: Path | str, packages: Sequence[str]) -> list[str]:
    """``name version`` of installed packages, as the environment of ``python`` has them."""
    code = "import sys, importlib.metadata as m; print(*(f'{p} {m.version(p)}' for p in sys.argv[1:]), sep='\\n')"
    done = subprocess.run([str(python), "-c", code, *packages], check=True, capture_output=True, text=True)
    return done.stdout.splitlines()


@contextmanager
def private_mariadb(directory: Path, *options: str) -> Iterator[tuple[str, int]]:
    """The URL of an empty database on a private server with ``options`` of its own, and the server's process.

    Raises
    ------
    CannotMeasure
        MariaDB is not installed, or does not start.
    """
    sys.path.append(str(ROOT / "tests"))
    from servers import PartMissing, running_mariadb

    with ExitStack() as stack:
        try:
            server = stack.enter_context(running_mariadb(directory, *options))
        except (PartMissing, RuntimeError, subprocess.CalledProcessError) as reason:
            raise CannotMeasure(str(reason)) from reason
        yield server.create_database("speed"), int((directory / "pid").read_text(encoding="ascii"))


def fill_warehouse(url: str, directory: Path) -> None:
    """Run the ETL into the warehouse at ``url``; its lake goes to ``directory``.

    Raises
    ------
    CannotMeasure
        It failed.
    """
    payoff = [sys.executable, "-c", "from payoff.cli import main; main()", "etl"]
    variables = here(PAYOFF_WAREHOUSE_URL=url, PAYOFF_LAKE_URI=str(directory / "lake"))
    done = subprocess.run(payoff, env=variables, capture_output=True, text=True)
    if done.returncode:
        raise CannotMeasure(f"payoff etl failed: {done.stderr.strip().splitlines()[-1:]}")
