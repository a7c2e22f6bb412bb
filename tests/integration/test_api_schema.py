"""schemathesis over the whole document, against the running app: it and the code say the same."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from live import serving
from published import publish
from web import Served, StandIn, api_key, metadata, settings

from features.lookup import Application
from payoff.errors import InvalidAnswers
from payoff.lake import DirectoryLake, open_lake
from webapp import create_app
from webapp.answering import Answered, answer_form
from webapp.api import document, scoring
from webapp.storage.history import Circumstances

CONFIGURATION = Path(__file__).with_name("schemathesis.toml")
ACCOUNTS = 11_382


@dataclass(frozen=True)
class Running:
    """Where the app is, and a key of an officer."""

    address: str
    key: str


def looked_up(application: Application, how: Circumstances) -> Answered:
    """What an account's past would be in a bank where all accounts are alike."""
    if application.account_id > ACCOUNTS:
        raise InvalidAnswers({"account_id": "is not known"})
    terms = {
        "loan_amount_czk": float(application.amount_czk),
        "loan_duration_months": application.duration_months,
        "granted_on": "1997-05-10",
    }
    loan = {name: value for name, value in document.EXAMPLES["Loan"].items() if name != "application"}
    return answer_form(loan | terms, how)


@pytest.fixture
def running(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Running]:
    monkeypatch.setattr(scoring, "answer_account", looked_up)
    monkeypatch.setattr(scoring, "current_model", lambda feature_set="form": StandIn())
    made = settings(tmp_path)
    lake = open_lake(made)
    assert isinstance(lake, DirectoryLake)
    for version in ("2026-01-05T09-30-00", "2026-02-05T09-30-00"):
        publish(lake, version)
    app = create_app(made, models=Served(StandIn(metadata())))
    with serving(app) as address:
        yield Running(address, api_key(app, "officer"))


def test_document_and_code_agree_on_every_request_that_schemathesis_thinks_of(running: Running, tmp_path: Path) -> None:
    program = Path(sys.executable).with_name("schemathesis")
    command = [program, "--config-file", CONFIGURATION, "run", f"{running.address}/api/v1/openapi.json",
               "--header", f"Authorization: Bearer {running.key}", "--max-examples", "25",
               "--generation-deterministic", "--request-timeout", "60", "--no-color"]  # fmt: skip
    # From an own directory: it keeps notes where it runs. How long an answer takes is not what is asked here.
    ended = subprocess.run(command, cwd=tmp_path, env=os.environ, capture_output=True, text=True, timeout=900)
    assert ended.returncode == 0, ended.stdout[-8000:] + ended.stderr
    assert re.search(r"Tested: (\d+)", ended.stdout)[1] == str(len(list(document.operations(document.document()))))
    assert int(re.search(r"(\d+) generated", ended.stdout)[1]) > 1_000
