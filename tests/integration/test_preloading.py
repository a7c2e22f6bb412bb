"""``payoff serve`` with a trained model: loaded once before the processes part, and followed when it changes."""

import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from web import ANSWERS, key_in

from payoff.lake import DirectoryLake, write_json
from payoff.registry import CHAMPION
from webapp.storage import Database

SERVE = [sys.executable, "-m", "payoff.cli", "serve", "--port", "0"]


@dataclass
class Served:
    """A server, and where its log goes."""

    address: str
    process: subprocess.Popen[str]
    log: Path
    database: str

    def ready(self) -> tuple[int, Any]:
        """Status of ``/readyz``, and the version that it names."""
        status, answer = self.ask("/readyz")
        return status, answer.get("model_version")

    def ask(self, path: str, body: bytes | None = None, **headers: str) -> tuple[int, Any]:
        request = urllib.request.Request(f"{self.address}{path}", body, headers)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.load(error)

    def predict(self) -> tuple[int, Any]:
        key = key_in(Database(self.database), "viewer")
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {key}"}
        return self.ask("/api/v1/predict", json.dumps(ANSWERS).encode(), **headers)

    def workers(self) -> list[int]:
        process = self.process.pid
        return [int(each) for each in Path(f"/proc/{process}/task/{process}/children").read_text().split()]

    def until(self, status: int, version: str | None) -> None:
        """Wait until every worker says so: whichever of them answers, several times in a row."""
        agreed, deadline = 0, time.monotonic() + 40
        while agreed < 20:
            agreed = agreed + 1 if self.ready() == (status, version) else 0
            assert time.monotonic() < deadline, (self.ready(), self.log.read_text())
            time.sleep(0.05)


@contextmanager
def serving(folder: Path, lake: Path) -> Iterator[Served]:
    database = f"sqlite:///{folder}/payoff.sqlite"
    own = {"PAYOFF_LAKE_URI": str(lake), "PAYOFF_VAR_DIR": str(folder / "var"), "PAYOFF_DATABASE_URL": database}
    log = folder / "server.log"
    with (
        log.open("w") as errors,
        subprocess.Popen(SERVE, env=os.environ | own, stdout=subprocess.PIPE, stderr=errors, text=True) as process,
    ):
        try:
            assert process.stdout
            ready = re.search(r"http://\S+", process.stdout.readline())
            assert ready, log.read_text()
            yield Served(ready.group(), process, log, database)
            process.send_signal(signal.SIGTERM)
            assert process.wait(40) == 0
        finally:
            process.kill()


def put(lake: DirectoryLake, made: Any, version: str, origin: Any) -> None:
    """Publish the trained model under another name."""
    for key in origin.keys(f"models/{made.version}/"):
        lake.write(key.replace(made.version, version), origin.read(key))
    described = json.loads(lake.read(f"models/{version}/metadata.json")) | {"version": version}
    write_json(lake, f"models/{version}/metadata.json", described)


@pytest.fixture
def lake(tmp_path: Path) -> DirectoryLake:
    return DirectoryLake(tmp_path / "lake")


def kilobytes(process: int, kind: str) -> int:
    found = re.search(rf"^{kind}:\s+(\d+) kB", Path(f"/proc/{process}/smaps_rollup").read_text(), re.MULTILINE)
    assert found
    return int(found[1])


def test_processes_share_what_was_loaded_and_each_can_load_another_version(
    lake: DirectoryLake, trained: Any, real_lake: Any, tmp_path: Path
) -> None:
    put(lake, trained, "one", real_lake)
    write_json(lake, CHAMPION, {"form": "one"})
    with serving(tmp_path, tmp_path / "lake") as served:
        # The first answer, not only a later one.
        assert served.ready() == (200, "one")
        status, first = served.predict()
        assert (status, first["model_version"]) == (200, "one")
        served.until(200, "one")
        assert len(served.workers()) == 2
        for worker in served.workers():
            assert kilobytes(worker, "Private_Dirty") < kilobytes(worker, "Rss") / 2
        put(lake, trained, "two", real_lake)
        write_json(lake, CHAMPION, {"form": "two"})
        served.until(200, "two")
        status, second = served.predict()
        assert (status, second["model_version"]) == (200, "two")
        assert second["payoff_probability"] == first["payoff_probability"]


def test_a_server_without_a_model_that_it_can_load_starts_and_takes_the_first_one_there_is(
    lake: DirectoryLake, trained: Any, real_lake: Any, tmp_path: Path
) -> None:
    put(lake, trained, "one", real_lake)
    with serving(tmp_path, tmp_path / "lake") as served:
        served.until(503, None)
        write_json(lake, CHAMPION, {"form": "one"})
        served.until(200, "one")
        assert served.predict()[0] == 200


def test_a_server_whose_only_model_is_damaged_starts_and_says_so(
    lake: DirectoryLake, trained: Any, real_lake: Any, tmp_path: Path
) -> None:
    put(lake, trained, "one", real_lake)
    lake.write("models/one/background.parquet", b"torn")
    write_json(lake, CHAMPION, {"form": "one"})
    with serving(tmp_path, tmp_path / "lake") as served:
        served.until(503, None)
        assert served.ask("/healthz") == (200, {"status": "ok"})
    assert "incomplete or damaged" in served.log.read_text()
