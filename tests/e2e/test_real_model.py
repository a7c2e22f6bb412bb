"""The real thing: the command serves the trained model, and form, API and batch give the same number."""

import json
import os
import re
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from bank import answers_of_loans
from playwright.sync_api import Page, expect
from web import fill, key_in

from payoff import runs
from payoff.model import load_model
from payoff.registry import champion
from webapp.storage import Database

PAYOFF = [sys.executable, "-c", "from payoff.cli import main; main()"]


@pytest.fixture(scope="module")
def environment(real_settings, trained) -> dict[str, str]:
    own = {
        "PAYOFF_LAKE_URI": real_settings.lake_uri,
        "PAYOFF_VAR_DIR": str(real_settings.var_dir),
        "PAYOFF_DATABASE_URL": f"sqlite:///{real_settings.var_dir}/payoff.sqlite",
    }
    return os.environ | own


@pytest.fixture(scope="module")
def served(environment) -> Iterator[str]:
    command = [*PAYOFF, "serve", "--port", "0"]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        ready = re.search(r"http://\S+", process.stdout.readline())
        yield ready.group().rstrip("/")
        process.send_signal(signal.SIGTERM)
        assert process.wait(40) == 0


@pytest.fixture(scope="module")
def key(served, environment) -> str:
    return key_in(Database(environment["PAYOFF_DATABASE_URL"]), "viewer")


def ask(address: str, key: str, answers: dict[str, Any]) -> dict[str, Any]:
    body = json.dumps(answers).encode()
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {key}"}
    request = urllib.request.Request(f"{address}/api/v1/predict", body, headers)
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


@pytest.fixture(scope="module")
def batch(real_lake, trained, tmp_path_factory) -> np.ndarray:
    """Probability of payoff of every loan, all scored at once from the feature table."""
    table = runs.read_features(real_lake, runs.current_run(real_lake), "form").to_pandas()
    return 1 - load_model(real_lake, trained.version, tmp_path_factory.mktemp("models")).default_probabilities(table)


def test_the_served_app_is_ready_with_the_promoted_model(served, real_lake):
    with urllib.request.urlopen(f"{served}/readyz", timeout=30) as answer:
        assert json.load(answer) == {"status": "ready", "model_version": champion(real_lake)}


def test_the_api_gives_the_number_of_the_batch(served, key, real_lake, trained, batch):
    loans = answers_of_loans(real_lake)
    for position in range(0, len(loans), 23):
        answered = ask(served, key, loans[position])
        assert answered["payoff_probability"] == pytest.approx(batch[position], rel=1e-9)
        default = 1 - batch[position] >= trained.threshold
        assert answered["prediction"] == ("default" if default else "paid_off")


def test_the_command_line_gives_the_number_of_the_batch(environment, real_lake, batch, tmp_path):
    (tmp_path / "loans.json").write_text(json.dumps(answers_of_loans(real_lake)[:20]))
    command = [*PAYOFF, "predict", str(tmp_path / "loans.json")]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    said = [json.loads(line)["payoff_probability"] for line in ended.stdout.splitlines()]
    np.testing.assert_allclose(said, batch[:20], rtol=1e-9)


@pytest.mark.parametrize("screen", ["phone", "desktop"])
@pytest.mark.parametrize("end", ["safest", "riskiest"])
def test_a_person_reads_the_number_of_the_batch(request, served, real_lake, batch, screen, end):
    page: Page = request.getfixturevalue(screen)
    position = int(batch.argmax() if end == "safest" else batch.argmin())
    page.goto(served)
    fill(page, answers_of_loans(real_lake)[position])
    page.get_by_role("button", name=re.compile("predict", re.IGNORECASE)).click()
    verdict = "Likely to be paid off" if end == "safest" else "Payoff is doubtful"
    expect(page.get_by_role("heading", level=1)).to_have_text(verdict)
    shown = page.locator("data").first.get_attribute("value")
    assert float(shown) == pytest.approx(batch[position], rel=1e-9)


def test_a_model_trained_elsewhere_is_served_from_s3(s3, real_lake, trained, tmp_path: Path):
    import boto3

    client = boto3.session.Session().client("s3", endpoint_url=s3.endpoint_url)
    for key in [*real_lake.keys(f"models/{trained.version}/"), "models/champion.json"]:
        data = real_lake.read(key) if "champion" not in key else json.dumps({"form": trained.version}).encode()
        client.put_object(Bucket=s3.bucket, Key=f"lake/{key}", Body=data)
    client.close()
    own = {"PAYOFF_LAKE_URI": s3.uri, "PAYOFF_S3_ENDPOINT_URL": s3.endpoint_url, "PAYOFF_VAR_DIR": str(tmp_path)}
    (tmp_path / "loan.json").write_text(json.dumps(answers_of_loans(real_lake)[0]))
    command = [*PAYOFF, "predict", str(tmp_path / "loan.json")]
    ended = subprocess.run(command, env=os.environ | own, capture_output=True, text=True, check=True)
    assert json.loads(ended.stdout)["model_version"] == trained.version
