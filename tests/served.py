"""``payoff serve`` in processes of its own."""

import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from web import ANSWERS, key_in

from payoff.lake import DirectoryLake, write_json
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


def publish_as(lake: DirectoryLake, made: Any, version: str, origin: Any) -> None:
    """Publish the trained model under another name."""
    for key in origin.keys(f"models/{made.version}/"):
        lake.write(key.replace(made.version, version), origin.read(key))
    described = json.loads(lake.read(f"models/{version}/metadata.json")) | {"version": version}
    write_json(lake, f"models/{version}/metadata.json", described)


@contextmanager
def serving(
    folder: Path, lake: Path, *, ends: int | None = 0, command: Sequence[str] = SERVE, **variables: str
) -> Iterator[Served]:
    """Serve until the block ends; ``ends`` is what the process is then to end with, None for whatever."""
    database = variables.get("PAYOFF_DATABASE_URL", f"sqlite:///{folder}/payoff.sqlite")
    own = {"PAYOFF_LAKE_URI": str(lake), "PAYOFF_VAR_DIR": str(folder / "var"), "PAYOFF_DATABASE_URL": database}
    log = folder / "server.log"
    with (
        log.open("w") as errors,
        subprocess.Popen(
            command, env=os.environ | own | variables, stdout=subprocess.PIPE, stderr=errors, text=True
        ) as process,
    ):
        try:
            assert process.stdout
            ready = re.search(r"http://\S+", process.stdout.readline())
            assert ready, log.read_text()
            yield Served(ready.group(), process, log, database)
            process.send_signal(signal.SIGTERM)
            ended = process.wait(40)
            assert ends is None or ended == ends
        finally:
            process.kill()
