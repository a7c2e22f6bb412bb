"""Trainings logged to a real MLflow server."""

import os
import socket
import subprocess
import sys
import time
import uuid

import pytest
from servers import free_port
from web import metadata

from payoff.errors import SettingsError, TrackingError
from payoff.metadata import Figure
from payoff.settings import ROOT
from training.tracking import EXPERIMENT, log_training

TRAINED = metadata().model_copy(
    update={
        "metrics": {
            "roc_auc": Figure(value=0.9, low=0.86, high=0.94),
            "brier_score": Figure(value=0.07, low=0.05, high=0.09),
        },
        "versions": {"python": "3.11.7", "autogluon.tabular": "1.6.3", "xgboost-cpu": "3.3.0"},
    }
)
ARTEFACTS = {
    "card.md": "# Kniha půjček\n".encode(),
    "metadata.json": b"{}",
    "predictor/models/Trees/model.pkl": bytes(range(256)) * 4096,
    "predictor/version.txt": b"",
}


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch):
    """What the developer has set for their own server is not for these."""
    for name in [name for name in os.environ if name.startswith("MLFLOW_")]:
        monkeypatch.delenv(name)


@pytest.fixture
def server(mlflow_server, monkeypatch):
    """The server, named by the environment."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", mlflow_server.uri)
    return mlflow_server


@pytest.fixture
def client(server):
    from mlflow import MlflowClient

    return MlflowClient(tracking_uri=server.uri)


@pytest.fixture
def experiment(monkeypatch):
    """The name of an experiment that nobody used yet, named by the environment."""
    name = f"test-{uuid.uuid4().hex[:12]}"
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", name)
    return name


def only_run(client, experiment):
    (run,) = client.search_runs([client.get_experiment_by_name(experiment).experiment_id])
    return run


def artefacts_of(client, run_id, path=None):
    for item in client.list_artifacts(run_id, path):
        yield from artefacts_of(client, run_id, item.path) if item.is_dir else [item.path]


@pytest.mark.parametrize("uri", [None, ""])
def test_without_a_server_nothing_happens_and_mlflow_need_not_be_there(uri, monkeypatch):
    if uri is not None:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    monkeypatch.setitem(sys.modules, "mlflow", None)
    assert log_training(TRAINED, ARTEFACTS) is None


def test_a_server_without_the_extra_is_an_error_that_names_it(monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:1")
    monkeypatch.setitem(sys.modules, "mlflow", None)
    with pytest.raises(SettingsError, match=r"pip install 'payoff\[mlflow\]'.*unset"):
        log_training(TRAINED, ARTEFACTS)


def test_a_training_is_one_finished_run_with_all_that_is_known(server, client, experiment):
    page = log_training(TRAINED, ARTEFACTS)
    run = only_run(client, experiment)
    assert page == f"{server.uri}/#/experiments/{run.info.experiment_id}/runs/{run.info.run_id}"
    assert (run.info.run_name, run.info.status) == (TRAINED.version, "FINISHED")
    assert run.data.params == {
        "feature_set": "form",
        "preset": "good",
        "population": "all",
        "definitions": TRAINED.definitions,
        "calibration_error": "0.02",
        "count_features": str(len(TRAINED.features)),
        "data_run": TRAINED.data_run,
        "seed": "1",
        "train_loans": "328",
        "test_loans": "354",
        "test_defaulted": "21",
        "threshold": "0.2",
        "best_model": "StandIn",
        "version_python": "3.11.7",
        "version_autogluon.tabular": "1.6.3",
        "version_xgboost-cpu": "3.3.0",
    }
    assert run.data.metrics == {
        "roc_auc": 0.9,
        "roc_auc_low": 0.86,
        "roc_auc_high": 0.94,
        "brier_score": 0.07,
        "brier_score_low": 0.05,
        "brier_score_high": 0.09,
    }
    assert run.data.tags["model_version"] == TRAINED.version
    assert run.data.tags["trained_at"] == "2026-01-05T09:30:00+00:00"


def test_every_artefact_is_stored_under_its_path_as_it_was(server, client, experiment):
    log_training(TRAINED, ARTEFACTS)
    run = only_run(client, experiment).info
    assert sorted(artefacts_of(client, run.run_id)) == sorted(ARTEFACTS)
    folder = server.artefacts / run.experiment_id / run.run_id / "artifacts"
    assert {name: (folder / name).read_bytes() for name in ARTEFACTS} == ARTEFACTS


def test_trainings_gather_in_one_experiment_unless_another_is_named(client):
    pages = [log_training(metadata(f"2026-01-0{day}T09-30-00"), {}) for day in (5, 6)]
    found = client.get_experiment_by_name(EXPERIMENT)
    assert EXPERIMENT == "payoff"
    assert all(f"/experiments/{found.experiment_id}/" in page for page in pages)
    assert len(client.search_runs([found.experiment_id])) == 2


def test_a_server_that_cannot_store_an_artefact_leaves_a_failed_run(server, client, experiment):
    identity = client.create_experiment(experiment)
    server.artefacts.mkdir(exist_ok=True)
    (server.artefacts / identity).write_text("a file where the folder of the experiment should be")
    with pytest.raises(TrackingError, match=r"was not logged.*published all the same"):
        log_training(TRAINED, ARTEFACTS)
    run = only_run(client, experiment)
    assert run.info.status == "FAILED"
    assert run.info.end_time
    assert run.data.metrics["roc_auc"] == 0.9


def test_a_bucket_that_cannot_be_written_leaves_a_failed_run(client, experiment, moto_s3, monkeypatch):
    monkeypatch.setenv("MLFLOW_S3_ENDPOINT_URL", moto_s3.endpoint_url)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", moto_s3.access_key)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", moto_s3.secret_key)
    client.create_experiment(experiment, artifact_location=f"s3://{experiment}/artefacts")
    with pytest.raises(TrackingError, match="NoSuchBucket"):
        log_training(TRAINED, ARTEFACTS)
    assert only_run(client, experiment).info.status == "FAILED"


def test_an_interrupted_upload_leaves_a_failed_run(client, experiment):
    class Interrupted(dict):
        def items(self):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        log_training(TRAINED, Interrupted())
    assert only_run(client, experiment).info.status == "FAILED"


def test_a_server_that_is_not_there_is_given_up_within_seconds_and_no_password_shown(monkeypatch):
    port = free_port()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://someone:hush@127.0.0.1:{port}/")
    begun = time.monotonic()
    with pytest.raises(TrackingError, match=rf"http://127.0.0.1:{port}/: .*refused.*MLFLOW_TRACKING_URI") as caught:
        log_training(TRAINED, ARTEFACTS)
    # With MLflow's own settings it takes four minutes; the import of MLflow is the most of these.
    assert time.monotonic() - begun < 30
    assert "hush" not in str(caught.value)


def test_a_server_that_does_not_answer_is_given_up_as_soon_as_the_user_says(monkeypatch):
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "1")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{silent.getsockname()[1]}")
        with pytest.raises(TrackingError, match="timed out"):
            log_training(TRAINED, ARTEFACTS)
        # Whoever waits longer than the user wants, or tries again, knocks a second time.
        silent.accept()[0].close()
        silent.settimeout(0)
        with pytest.raises(BlockingIOError):
            silent.accept()


@pytest.mark.parametrize("uri", ["sqlite:///{}/runs.db", "file://{}/runs", "gopher://x", "http://[x"])
def test_what_is_no_server_is_an_error_that_names_the_variable(uri, tmp_path, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri.format(tmp_path))
    with pytest.raises(TrackingError, match="Check MLFLOW_TRACKING_URI"):
        log_training(TRAINED, ARTEFACTS)


def test_a_directory_of_runs_works_where_mlflow_allows_it(tmp_path, monkeypatch, experiment):
    from mlflow import MlflowClient

    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"file://{tmp_path}/runs")
    run_id = log_training(TRAINED, ARTEFACTS)
    client = MlflowClient(tracking_uri=f"file://{tmp_path}/runs")
    assert client.get_run(run_id).info.status == "FINISHED"
    assert sorted(artefacts_of(client, run_id)) == sorted(ARTEFACTS)


def test_nothing_is_printed_and_the_environment_stays_as_it_was(server, experiment, capfd):
    before = dict(os.environ)
    log_training(TRAINED, ARTEFACTS)
    assert dict(os.environ) == before
    assert capfd.readouterr() == ("", "")


#: Refuses, and names, every address but that of this machine.
_GUARDED = """
import sys
def guard(event, arguments):
    if event in {"socket.connect", "socket.getaddrinfo"}:
        host = arguments[1][0] if event == "socket.connect" else arguments[0]
        if host != "127.0.0.1":
            print("asked for", host, flush=True)
            raise OSError("not from here")
sys.addaudithook(guard)
sys.path.insert(0, "tests")
from web import metadata
from training.tracking import log_training
print(log_training(metadata(), {"card.md": b"# Card"}))
from mlflow.telemetry import get_telemetry_client
assert get_telemetry_client() is None
"""


def test_no_other_machine_is_spoken_to(server, experiment):
    # MLflow reports no use from tests and integration servers, which it knows by such variables.
    plain = {name: os.environ[name] for name in ("PATH", "HOME", "PYTHONPATH") if name in os.environ}
    named = {"MLFLOW_TRACKING_URI": server.uri, "MLFLOW_EXPERIMENT_NAME": experiment}
    command = [sys.executable, "-c", _GUARDED]
    done = subprocess.run(command, cwd=ROOT, env=plain | named, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(server.uri)
    assert len(done.stdout.splitlines()) == 1
