"""What a server of several processes tells of itself, and that it serves where nothing can be told."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from scraped import Figures, figures
from servers import free_port

ROOT = Path(__file__).resolve().parents[2]
START = "import sys; from payoff.cli import main; sys.argv = ['payoff', 'serve']; main()"
HEALTH = {"endpoint": "health.alive", "status": "200"}


@contextmanager
def served(directory: Path, log: Path, **settings: str) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """A real `payoff serve` without a model, which says all it has to say to ``log``; the process and its address."""
    port = free_port()
    own = {"VAR_DIR": f"{directory}/var", "LAKE_URI": f"{directory}/lake", "WORKERS": "2", "PORT": str(port)}
    own |= {"DATABASE_URL": f"sqlite:///{directory}/payoff.sqlite"} | settings
    environment = os.environ | {f"PAYOFF_{name}": value for name, value in own.items()}
    with (
        log.open("ab", buffering=0) as output,
        subprocess.Popen([sys.executable, "-c", START], cwd=ROOT, env=environment, stdout=output, stderr=output) as run,
    ):
        try:
            wait_for(f"http://127.0.0.1:{port}/healthz")
            yield run, f"http://127.0.0.1:{port}"
        finally:
            run.send_signal(signal.SIGTERM)
            run.wait(40)


def wait_for(address: str) -> None:
    for _ in range(600):
        try:
            with urlopen(address, timeout=5):
                return
        except (URLError, ConnectionError, TimeoutError):
            time.sleep(0.05)
    raise AssertionError(f"{address} did not answer")


def read(address: str) -> str:
    with urlopen(address, timeout=10) as answer:
        return str(answer.read().decode())


def scraped(address: str) -> Figures:
    return figures(read(f"{address}/metrics"))


def workers(run: subprocess.Popen[bytes]) -> list[int]:
    return [int(pid) for pid in Path(f"/proc/{run.pid}/task/{run.pid}/children").read_text().split()]


def lines(log: Path) -> list[dict[str, object]]:
    """The objects of a log, without what libraries print by themselves."""
    return [json.loads(line) for line in log.read_text().splitlines() if line.startswith("{")]


def test_the_workers_count_as_one_and_what_a_dead_one_counted_stays(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with served(tmp_path, log, LOG_FORMAT="json", METRICS_TOKEN="") as (run, address):
        while len({line["process"] for line in lines(log) if line.get("path") == "/healthz"}) < 2:
            read(f"{address}/healthz")
        answered = sum(line.get("path") == "/healthz" for line in lines(log))
        assert scraped(address)("payoff_http_requests_total", **HEALTH) == answered
        assert scraped(address)("payoff_http_request_seconds_count", endpoint="health.alive") == answered

        (place,) = set(re.findall(r"\S+/payoff-metrics-\w+", Path(f"/proc/{workers(run)[0]}/maps").read_text()))
        dead = workers(run)[0]
        os.kill(dead, signal.SIGKILL)
        for _ in range(200):
            now = scraped(address)
            alive = [pid for pid in workers(run) if now("payoff_process_resident_memory_bytes", pid=str(pid)) > 0]
            if dead not in alive and len(alive) == 2:
                break
            time.sleep(0.05)
        assert len(alive) == 2
        assert scraped(address)("payoff_http_requests_total", **HEALTH) == answered
        # The scrape itself, and nothing that died with the worker.
        assert scraped(address)("payoff_http_requests_in_progress") == 1
        assert Path(place).is_dir()
    assert not Path(place).exists()
    (said,) = [line for line in lines(log) if line["logger"] == "gunicorn.error" and str(dead) in str(line["message"])]
    assert said["level"] == "error"


def test_a_log_that_cannot_be_written_costs_no_answer(tmp_path: Path) -> None:
    with served(tmp_path, Path("/dev/full"), LOG_FORMAT="json") as (run, address):
        for _ in range(50):
            assert read(f"{address}/healthz")
        assert scraped(address)("payoff_http_requests_total", **HEALTH) >= 50
        os.kill(workers(run)[0], signal.SIGKILL)
        for _ in range(20):
            wait_for(f"{address}/healthz")
    # Python's own status where it could not empty the output at its end.
    assert run.returncode in (0, 120)
