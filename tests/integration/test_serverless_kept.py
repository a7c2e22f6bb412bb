"""A function with its tables in MariaDB and its lake in S3: what it answers is kept first."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from lambda_events import SENDERS, Browser
from lambda_runtime import FunctionError, Runtime, running_runtime
from sqlalchemy import select
from web import ANSWERS, Served, StandIn

from payoff.errors import NoModel
from payoff.lake import DirectoryLake, Lake, open_lake, write_json
from payoff.metadata import Metadata
from payoff.registry import CHAMPION
from payoff.settings import Settings
from webapp.serverless import create_handler
from webapp.storage import Database
from webapp.storage.tables import ModelVersion, StoredPrediction

ROOT = Path(__file__).resolve().parents[2]
SENDER = SENDERS["function URL"]
PATIENCE_SECONDS = 120


def settings(mariadb_url: str, s3, directory: Path) -> Settings:
    return Settings(
        _env_file=None, database_url=mariadb_url, lake_uri=s3.uri, s3_endpoint_url=s3.endpoint_url,
        secret_key="k" * 40, var_dir=directory,
    )  # fmt: skip


def stored(url: str) -> list[str]:
    """The versions that answered, one for each prediction that is kept."""
    held = Database(url)
    with held.session() as session:
        found = list(session.scalars(select(ModelVersion.version).join(StoredPrediction)))
    held.engine.dispose()
    return found


@pytest.mark.parametrize("s3", ["moto"], indirect=True)
def test_two_machines_answer_one_visitor_and_keep_it_in_one_place(mariadb_url: str, s3, tmp_path: Path) -> None:
    one, other = (
        create_handler(settings(mariadb_url, s3, tmp_path / name), models=Served(StandIn()))
        for name in ("one", "other")
    )
    turns = iter([one, other, other, one])
    browser = Browser(lambda event, context: next(turns)(event, context), SENDER)
    assert browser.predict(ANSWERS).status == 200
    assert browser.predict(ANSWERS).status == 200
    assert len(stored(mariadb_url)) == 2
    assert not list(tmp_path.rglob("*"))


@pytest.mark.parametrize("s3", ["moto"], indirect=True)
def test_without_a_model_the_function_starts_and_says_so(mariadb_url: str, s3, tmp_path: Path) -> None:
    served = Served(NoModel("none yet"))
    browser = Browser(create_handler(settings(mariadb_url, s3, tmp_path), models=served), SENDER)
    assert browser.get("/readyz").status == 503
    assert browser.get("/healthz").status == 200
    served.model = StandIn()
    assert browser.get("/readyz").status == 200


def copied(source: Lake, version: str, to: Lake) -> None:
    """One model, and that it is served."""
    for key in source.keys(f"models/{version}/"):
        to.write(key, source.read(key))
    # Not as the source has it: other tests train there, too.
    write_json(to, CHAMPION, {"form": version})


@contextmanager
def function(environment: dict[str, str], runtime: Runtime, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """``payoff lambda`` in a process of its own."""
    start = [sys.executable, "-c", "from payoff.cli import main; main()", "lambda"]
    own = {"AWS_LAMBDA_RUNTIME_API": runtime.address, "PYTHONPATH": str(ROOT)}
    with log.open("wb") as output, subprocess.Popen(
        start, env=os.environ | environment | own, cwd=log.parent, stdout=output, stderr=output
    ) as process:  # fmt: skip
        try:
            yield process
        finally:
            process.kill()


@pytest.mark.parametrize("s3", ["moto"], indirect=True)
def test_the_command_loads_the_model_of_s3_and_answers_one_event_after_the_other(
    mariadb_url: str, s3, tmp_path: Path, real_lake: DirectoryLake, trained: Metadata
) -> None:
    found = settings(mariadb_url, s3, tmp_path / "payoff")
    copied(real_lake, trained.version, open_lake(found))
    environment = {
        "PAYOFF_DATABASE_URL": mariadb_url, "PAYOFF_LAKE_URI": s3.uri, "PAYOFF_S3_ENDPOINT_URL": s3.endpoint_url,
        "PAYOFF_SECRET_KEY": "k" * 40, "PAYOFF_VAR_DIR": str(found.var_dir),
    }  # fmt: skip
    with running_runtime() as runtime, function(environment, runtime, tmp_path / "log"):
        runtime.wait(PATIENCE_SECONDS)
        # Before the first event the model lies on the disk of the machine, under its version.
        assert (found.var_dir / "models" / trained.version / "compiled.json").is_file()
        browser = Browser(runtime.invoke, SENDER)
        assert browser.predict(ANSWERS).status == 200
        with pytest.raises(FunctionError, match="ContractError: the event has the fields key1; expected a request"):
            runtime.invoke({"key1": "value1"})
        assert browser.predict(ANSWERS).status == 200
    assert stored(mariadb_url) == [trained.version] * 2


def test_a_file_as_the_database_ends_the_command_with_words(tmp_path: Path) -> None:
    in_a_file = {"PAYOFF_DATABASE_URL": f"sqlite:///{tmp_path}/payoff.sqlite"}
    with running_runtime() as runtime, function(in_a_file, runtime, tmp_path / "log") as process:
        assert process.wait(PATIENCE_SECONDS) == 1
        assert not runtime.asked.is_set()
    assert "set PAYOFF_DATABASE_URL to a MariaDB" in " ".join((tmp_path / "log").read_text().split())
