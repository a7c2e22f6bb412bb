"""Things break under load: what was answered is in the history, the rest got an error, and soon it goes on."""

import http.client
import json
import os
import resource
import signal
import socket
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from served import SERVE, Served, publish_as, serving
from servers import switched_mariadb
from sqlalchemy import select
from web import ANSWERS, key_in

from payoff.lake import DirectoryLake, write_json
from payoff.registry import CHAMPION
from webapp.storage import Database
from webapp.storage.tables import StoredPrediction

CLIENTS = 8
RECOVERY_SECONDS = 5
TESTS = Path(__file__).resolve().parents[1]


class Load:
    """Clients that ask one after the other, each again and again, and remember what they were answered."""

    def __init__(self, served: Served, key: str) -> None:
        self._address, self._key = urlsplit(served.address), key
        self.answered: dict[int, str] = {}
        self.versions: list[str] = []
        self.refused: list[int | str] = []
        self._over = threading.Event()
        self._threads = [threading.Thread(target=self._ask, args=(client,)) for client in range(CLIENTS)]

    def __enter__(self) -> "Load":
        for thread in self._threads:
            thread.start()
        self.until_answered(50)
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()

    def until_answered(self, many: int, within: float = 30) -> float:
        """Seconds until so many more are answered."""
        began, wanted = time.monotonic(), len(self.versions) + many
        while len(self.versions) < wanted:
            assert time.monotonic() < began + within, f"{len(self.versions)} of {wanted} answered: {self.refused[-3:]}"
            time.sleep(0.01)
        return time.monotonic() - began

    def _ask(self, client: int) -> None:
        asked, connection = 0, self._connection()
        while not self._over.is_set():
            asked += 1
            application = f"{client}-{asked}"
            try:
                status, answer = self._answer(connection, application, asked)
            except (OSError, http.client.HTTPException) as error:
                self.refused.append(repr(error))
                connection.close()
                connection = self._connection()
                time.sleep(0.02)
                continue
            if status == 200:
                self.answered[answer["number"]] = application
                self.versions.append(answer["model_version"])
            else:
                self.refused.append(status)
                time.sleep(0.02)
        connection.close()

    def _connection(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection(str(self._address.hostname), self._address.port, timeout=30)

    def _answer(self, connection: http.client.HTTPConnection, application: str, asked: int) -> tuple[int, Any]:
        loan = ANSWERS | {"application": application, "loan_amount_czk": 60_000 + 12 * asked}
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {self._key}"}
        connection.request("POST", "/api/v1/predict?reasons=no", json.dumps(loan), headers)
        answer = connection.getresponse()
        body = answer.read()
        return answer.status, json.loads(body)


@contextmanager
def loaded(
    folder: Path, lake: DirectoryLake, *, ends: int | None = 0, command: Sequence[str] = SERVE, **variables: str
) -> Iterator[tuple[Served, Load]]:
    """A server with its load; at the end, whatever happened, each answer is in the history."""
    rates = {"PAYOFF_API_RATE": "1000000/minute"}
    with serving(
        folder, Path(lake.uri.removeprefix("file://")), ends=ends, command=command, **rates, **variables
    ) as served:
        with Load(served, key_in(Database(served.database), "viewer")) as load:
            yield served, load
        kept = stored(served.database)
    assert load.answered.items() <= kept.items()


def stored(database: str) -> dict[int, str]:
    held = Database(database)
    with held.session() as session:
        rows = session.execute(select(StoredPrediction.id, StoredPrediction.application))
        found = {row.id: row.application for row in rows}
    held.engine.dispose()
    return found


def test_a_worker_that_is_killed_is_replaced(real_lake: DirectoryLake, trained: Any, tmp_path: Path) -> None:
    with loaded(tmp_path, real_lake) as (served, load):
        first, other = served.workers()
        os.kill(first, signal.SIGKILL)
        assert load.until_answered(100) < RECOVERY_SECONDS
        while len(served.workers()) < 2:
            time.sleep(0.05)
        assert first not in served.workers()
        assert load.until_answered(100) < RECOVERY_SECONDS
        assert other in served.workers()


def test_what_was_answered_outlives_the_master(real_lake: DirectoryLake, trained: Any, tmp_path: Path) -> None:
    with loaded(tmp_path, real_lake, ends=None) as (served, load):
        workers = served.workers()
        served.process.kill()
        deadline = time.monotonic() + 30
        while any(Path(f"/proc/{worker}").exists() for worker in workers):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        given = len(load.answered)
    began = time.monotonic()
    with serving(tmp_path, Path(real_lake.uri.removeprefix("file://"))) as again:
        assert again.ready()[0] == 200
        assert time.monotonic() - began < RECOVERY_SECONDS
        assert len(stored(again.database)) >= given


@pytest.mark.parametrize("how", ["stop", "kill"])
def test_predictions_wait_for_a_database_that_comes_back(
    real_lake: DirectoryLake, trained: Any, tmp_path: Path, how: str
) -> None:
    (tmp_path / "mariadb").mkdir()
    # What is committed is on the disk, as it is by default.
    with switched_mariadb(tmp_path / "mariadb", "--innodb-flush-log-at-trx-commit=1") as switch:
        url = switch.server.create_database("payoff")
        with loaded(tmp_path, real_lake, PAYOFF_DATABASE_URL=url) as (_, load):
            getattr(switch, how)()
            time.sleep(1)
            given = len(load.answered)
            switch.start()
            assert load.until_answered(100) < RECOVERY_SECONDS
            assert len(load.answered) > given
            # They waited: who was asked while the database was away was not sent off for it.
            assert load.refused.count(503) <= CLIENTS


def test_a_full_disk_refuses_and_hurts_nobody(real_lake: DirectoryLake, trained: Any, tmp_path: Path) -> None:
    with loaded(tmp_path, real_lake) as (served, load):
        files = [path.stat().st_size for path in tmp_path.glob("payoff.sqlite*")]
        allowed = {each: resource.prlimit(each, resource.RLIMIT_FSIZE) for each in served.workers()}
        for worker, (_, most) in allowed.items():
            # No file of theirs may grow beyond this: what a full disk is to the database.
            resource.prlimit(worker, resource.RLIMIT_FSIZE, (max(files) + 200_000, most))
        deadline = time.monotonic() + 30
        while 503 not in load.refused:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        for worker, limits in allowed.items():
            resource.prlimit(worker, resource.RLIMIT_FSIZE, limits)
        assert load.until_answered(100) < RECOVERY_SECONDS
        assert set(served.workers()) == set(allowed)


def test_a_clock_that_is_moved_changes_nothing(real_lake: DirectoryLake, trained: Any, tmp_path: Path) -> None:
    clock, written = tmp_path / "clock", tmp_path / "written"
    clock.write_text("0")
    command = [sys.executable, str(TESTS / "moved_clock.py"), str(clock), "serve", "--port", "0"]
    with loaded(tmp_path, real_lake, command=command) as (_, load):
        for days in (-2, 3, -1):
            written.write_text(str(days * 86_400))
            written.replace(clock)
            time.sleep(0.2)
            assert load.until_answered(100) < RECOVERY_SECONDS
        assert load.refused == []


def test_clients_that_never_finish_their_requests_hold_up_nobody(
    real_lake: DirectoryLake, trained: Any, tmp_path: Path
) -> None:
    head = b"POST /api/v1/predict?reasons=no HTTP/1.1\r\nHost: x\r\n"
    halves = (head, head + b"Content-Length: 900\r\nContent-Type: application/json\r\n\r\n{")
    with loaded(tmp_path, real_lake) as (served, load), ExitStack() as slow:
        address = urlsplit(served.address)
        for number in range(500):
            client = slow.enter_context(socket.create_connection((str(address.hostname), address.port or 0)))
            client.sendall(halves[number % 2])
        assert load.until_answered(200) < RECOVERY_SECONDS
        assert load.refused == []


def test_a_promotion_drops_no_request(real_lake: DirectoryLake, trained: Any, tmp_path: Path) -> None:
    lake = DirectoryLake(tmp_path / "lake")
    for version in ("one", "two"):
        publish_as(lake, trained, version, real_lake)
    write_json(lake, CHAMPION, {"form": "one"})
    with loaded(tmp_path, lake) as (_, load):
        write_json(lake, CHAMPION, {"form": "two"})
        deadline = time.monotonic() + 30
        # The clients are connected to either worker.
        while set(load.versions[-200:]) != {"two"}:
            assert time.monotonic() < deadline
            time.sleep(0.05)
    assert set(load.versions) == {"one", "two"}
    assert load.refused == []
