"""What is counted, who may read it, and that reading it disturbs nobody."""

import math
import os
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from predicted import keep, keep_features, predictions, records, table, trained_on
from prometheus_client import Counter, Gauge, Histogram
from prometheus_client.openmetrics.parser import text_string_to_metric_families as open_metrics
from scraped import Figures, figures
from web import Served, StandIn, app_with, database_of, metadata, settings

from payoff.errors import StorageError
from webapp import create_app
from webapp.observing import looking, metrics, together
from webapp.observing.processes import Processes
from webapp.security import HEADERS

ELSEWHERE = {"REMOTE_ADDR": "192.0.2.7"}


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.fixture(autouse=True)
def afresh() -> None:
    """Nothing of what another test was served or has seen drift."""
    for gauge in (metrics._DRIFT_PSI, metrics._DRIFT_PREDICTIONS, metrics._DRIFT_TIMESTAMP):
        gauge.clear()
    metrics.SERVED.held.clear()


def scraped(client: FlaskClient) -> Figures:
    answer = client.get("/metrics")
    assert answer.status_code == 200
    return figures(answer.text)


def test_every_metric_has_a_label_and_so_no_value_before_processes_part() -> None:
    declared = [each for each in vars(metrics).values() if isinstance(each, Counter | Gauge | Histogram)]
    assert len(declared) > 10
    assert [each._name for each in declared if not each._labelnames] == []


def test_a_request_is_counted_once_and_timed(client: FlaskClient) -> None:
    before = scraped(client)
    assert client.get("/healthz").status_code == 200
    after = scraped(client)
    one = {"method": "GET", "endpoint": "health.alive", "status": "200"}
    assert after("payoff_http_requests_total", **one) - before("payoff_http_requests_total", **one) == 1
    for part in ("count", "sum", "bucket"):
        name = f"payoff_http_request_seconds_{part}"
        assert after(name, endpoint="health.alive") > before(name, endpoint="health.alive"), name


def test_what_senders_make_up_adds_no_series(client: FlaskClient) -> None:
    for number in range(3):
        client.get(f"/nowhere/{number}")
        client.open("/", method=f"WORD{number}")
    text = client.get("/metrics").text
    assert "nowhere" not in text
    assert "WORD" not in text
    assert 'endpoint="none",method="GET",status="404"' in text
    assert 'endpoint="none",method="other",status="405"' in text


def test_a_request_that_fails_is_counted_and_is_in_progress_no_more(app: Flask) -> None:
    app.testing = app.config["PROPAGATE_EXCEPTIONS"] = False
    app.add_url_rule("/broken", "broken", lambda: 1 / 0)
    client = app.test_client()
    before = scraped(client)("payoff_http_requests_total", endpoint="broken", status="500")
    assert client.get("/broken").status_code == 500
    after = scraped(client)
    assert after("payoff_http_requests_total", endpoint="broken", status="500") == before + 1
    assert after("payoff_http_requests_in_progress", endpoint="broken") == 0
    assert after("payoff_http_requests_in_progress", endpoint="observed.metrics") == 1


def test_what_happens_to_a_prediction_is_counted_by_its_kind(client: FlaskClient) -> None:
    before = scraped(client)
    metrics.predicted("api", "form", "default")
    metrics.cached(True)
    metrics.cached(False)
    metrics.refused("full")
    metrics.gathered("predict", 12, 0.04)
    metrics.waiting("store", 7)
    after = scraped(client)

    def added(name: str, **labels: str) -> float:
        return after(name, **labels) - before(name, **labels)

    assert added("payoff_predictions_total", source="api", feature_set="form", verdict="default") == 1
    assert added("payoff_cache_answers_total", hit="yes") == added("payoff_cache_answers_total", hit="no") == 1
    assert added("payoff_refused_total", reason="full") == 1
    assert added("payoff_gathered_size_sum", stage="predict") == 12
    assert added("payoff_gathered_seconds_sum", stage="predict") == pytest.approx(0.04)
    assert added("payoff_gathered_seconds_count", stage="predict") == 1
    assert after("payoff_gathered_waiting", stage="store") == 7


def test_a_version_that_is_served_no_more_is_told_no_more(client: FlaskClient) -> None:
    metrics.served("seed", "one", "champion")
    metrics.served("seed", "one", "challenger")
    since = metrics.SERVED.held["seed", "champion"][1]
    metrics.served("seed", "one", "champion")
    assert metrics.SERVED.held["seed", "champion"][1] == since
    metrics.served("seed", "two", "champion")
    metrics.served("seed", None, "challenger")
    metrics.served("seed", None, "challenger")
    now = scraped(client)
    assert now("payoff_model_info", feature_set="seed", version="two", role="champion") == 1
    assert now("payoff_model_info", feature_set="seed") == 1
    assert now("payoff_model_loaded_timestamp_seconds", feature_set="seed") == pytest.approx(time.time(), abs=60)


def test_the_models_that_answer_are_told(tmp_path: Path) -> None:
    models = Served(StandIn(metadata("one")), challenger=StandIn(metadata("two")))
    for mode, told in (("off", 1), ("shadow", 2)):
        client = create_app(settings(tmp_path / mode, challenger=mode), models=models).test_client()
        now = scraped(client)
        assert now("payoff_model_info", feature_set="form", version="one", role="champion") == 1
        assert now("payoff_model_info") == told


def test_prometheus_text_and_open_metrics_are_both_spoken(client: FlaskClient) -> None:
    assert client.get("/metrics").content_type.startswith("text/plain; version=0.0.4")
    answer = client.get("/metrics", headers={"Accept": "application/openmetrics-text;version=1.0.0,text/plain;q=0.5"})
    assert answer.content_type.startswith("application/openmetrics-text; version=1.0.0")
    assert "payoff_http_requests" in {family.name for family in open_metrics(answer.text)}


def test_the_page_is_kept_by_nobody_sets_no_cookie_and_counts_in_no_rate(client: FlaskClient) -> None:
    answer = client.get("/metrics")
    assert answer.headers["Cache-Control"] == "no-store"
    assert HEADERS.items() <= dict(answer.headers).items()
    assert "Set-Cookie" not in answer.headers
    assert "RateLimit-Limit" not in answer.headers


@pytest.mark.parametrize("address", ["127.0.0.1", "127.8.8.8", "::1", "::ffff:127.0.0.1"])
def test_without_a_token_this_machine_may_read(client: FlaskClient, address: str) -> None:
    assert client.get("/metrics", environ_base={"REMOTE_ADDR": address}).status_code == 200


@pytest.mark.parametrize("address", ["192.0.2.7", "10.0.0.1", "::ffff:192.0.2.7", "2001:db8::1", "", "localhost"])
def test_without_a_token_others_find_no_such_page(client: FlaskClient, address: str) -> None:
    assert client.get("/metrics", environ_base={"REMOTE_ADDR": address}).status_code == 404


@pytest.mark.parametrize("proxies", [0, 1])
@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded"])
def test_what_a_proxy_hands_on_does_not_come_from_this_machine(tmp_path: Path, proxies: int, header: str) -> None:
    client = app_with(tmp_path, trusted_proxies=proxies).test_client()
    assert client.get("/metrics", headers={header: "127.0.0.1"}).status_code == 404


def test_with_a_token_who_sends_it_may_read_wherever_it_comes_from(tmp_path: Path) -> None:
    client = app_with(tmp_path, metrics_token="tøken").test_client()
    for sent in ({}, {"Authorization": "Bearer other"}, {"Authorization": "Bearer"}, {"Authorization": "Basic dDp0"}):
        answer = client.get("/metrics", headers=sent)
        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")
        assert "payoff_" not in answer.text
    client = app_with(tmp_path, metrics_token="token").test_client()
    told = client.get("/metrics", headers={"Authorization": "Bearer token"}, environ_base=ELSEWHERE)
    assert told.status_code == 200


def test_an_empty_token_is_none(tmp_path: Path) -> None:
    client = app_with(tmp_path, metrics_token="").test_client()
    assert client.get("/metrics", headers={"Authorization": "Bearer "}, environ_base=ELSEWHERE).status_code == 404
    assert client.get("/metrics").status_code == 200


def test_the_token_is_shown_nowhere(tmp_path: Path) -> None:
    assert "s3cret" not in repr(settings(tmp_path, metrics_token="s3cret"))


def drifting(directory: Path, number: int) -> Flask:
    """An app with so many predictions of this hour, whose amounts drifted."""
    app = create_app(settings(directory), models=Served(StandIn(trained_on(table(500), metadata("one")))))
    asked = table(number, seed=1)
    asked["loan_amount_czk"] += 30
    now = datetime.now(UTC)
    rows = predictions(number).assign(version="one", made_at=[now - timedelta(seconds=n) for n in range(number)])
    with database_of(app).session() as session:
        keep_features(session, keep(session, rows), records(asked))
    return app


def drift_of(app: Flask) -> Figures:
    looking.Lookout(app)._look()
    return scraped(app.test_client())


def test_drift_is_told_of_the_worst_feature(tmp_path: Path) -> None:
    found = drift_of(drifting(tmp_path, 200))
    assert found("payoff_drift_predictions", feature_set="form") == 200
    assert found("payoff_drift_psi", feature_set="form", of="worst_feature") > 1
    assert math.isnan(found("payoff_drift_psi", feature_set="form", of="score"))


def test_of_few_predictions_no_drift_is_told(tmp_path: Path) -> None:
    found = drift_of(drifting(tmp_path, 20))
    assert found("payoff_drift_predictions", feature_set="form") == 20
    assert math.isnan(found("payoff_drift_psi", feature_set="form", of="worst_feature"))


def test_drift_is_computed_once_a_minute_however_often_it_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = drifting(tmp_path, 60)
    computed: list[object] = []
    found = looking.set_drift
    monkeypatch.setattr(looking, "set_drift", lambda *given: (computed.append(given), found(*given))[1])
    for _ in range(3):
        looking.Lookout(app)._look()
    assert len(computed) == 1
    monkeypatch.setattr(looking, "DRIFT_SECONDS", 0)
    looking.Lookout(app)._look()
    assert len(computed) == 2


class Stuck(Served):
    """A place that takes its time to say which model it has."""

    def __init__(self) -> None:
        super().__init__(StandIn())
        self.asked, self.free = 0, threading.Event()

    def current(self, feature_set: str = "form") -> StandIn:
        self.asked += 1
        self.free.wait(30)
        return super().current(feature_set)


def test_a_scrape_does_not_wait_for_what_takes_long(tmp_path: Path) -> None:
    models = Stuck()
    client = create_app(settings(tmp_path), models=models).test_client()
    began = time.perf_counter()
    for _ in range(2):
        assert scraped(client)("payoff_model_info") == 0
    assert time.perf_counter() - began < 5
    assert models.asked == 1
    models.free.set()
    for _ in range(100):
        if scraped(client)("payoff_drift_timestamp_seconds", feature_set="form"):
            break
        time.sleep(0.05)
    assert scraped(client)("payoff_model_info", version=metadata().version) == 1


def test_without_the_database_the_rest_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    app = app_with(tmp_path)

    def gone() -> None:
        raise StorageError("the database is gone")

    monkeypatch.setattr(database_of(app), "session", gone)
    found = drift_of(app)
    assert found("payoff_model_info") == 1
    assert found("payoff_drift_timestamp_seconds") == 0
    assert "the database is gone" in caplog.text


def test_where_no_thread_may_live_on_nobody_looks(tmp_path: Path) -> None:
    client = create_app(settings(tmp_path), models=Served(StandIn()), works_batches=False).test_client()
    assert scraped(client)("payoff_model_info") == 0


def test_each_process_has_its_memory_and_its_computing_time(client: FlaskClient) -> None:
    now, own = scraped(client), {"pid": str(os.getpid()), "role": "worker"}
    shared, resident = (now(f"payoff_process_{of}_memory_bytes", **own) for of in ("proportional", "resident"))
    assert 10e6 < shared <= resident
    assert now("payoff_process_cpu_seconds_total", **own) == pytest.approx(time.process_time(), rel=0.5)


def test_workers_find_each_other_through_their_master(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "getppid", os.getpid)
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        resident, *_ = Processes(together=True).collect()
        child.communicate(b"\n")
    told = [(each.labels["pid"], each.labels["role"]) for each in resident.samples]
    assert told[0] == (str(os.getpid()), "master")
    assert (str(child.pid), "worker") in told


def test_a_process_that_has_ended_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as ended:
        pass
    found = Processes(together=False)
    monkeypatch.setattr(found, "_processes", lambda: [(ended.pid, "worker")])
    assert [family.samples for family in found.collect()] == [[], [], []]


def test_what_processes_count_together_leaves_nothing_behind() -> None:
    with together.counted_together():
        place = Path(os.environ[together.VARIABLE])
        assert place.is_dir()
        place.rmdir()
        together.take_part()
        assert place.is_dir()
        together.forget(1)
    assert not place.exists()
    assert together.VARIABLE not in os.environ
    together.take_part()
    together.forget(1)
