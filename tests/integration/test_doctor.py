"""`payoff doctor` with everything in place, and with one thing after the other wrong."""

import json
import shutil
import socket
import threading
from collections import namedtuple
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from servers import free_port

from payoff.doctor import PARTS, examine
from payoff.doctor.finding import Finding
from webapp.storage import Database

Usage = namedtuple("Usage", "total used free")


@pytest.fixture
def healthy(real, real_settings, tmp_path, monkeypatch):
    """The real bank with a model, in an environment of its own; its lake may be damaged."""
    monkeypatch.delenv("PAYOFF_TESTS_FORBID_SKIPS", raising=False)
    lake = shutil.copytree(real_settings.lake_uri, tmp_path / "lake")
    monkeypatch.setenv("PAYOFF_LAKE_URI", str(lake))
    monkeypatch.setenv("PAYOFF_PORT", str(free_port()))
    Database("sqlite:///var/payoff.sqlite").migrate()
    return lake


def examined(run, status=0):
    """What each part said: its findings by its name."""
    got, out, err = run("doctor", "--json")
    assert got == status, out + err
    found: dict[str, list[dict[str, str]]] = {}
    for each in json.loads(out):
        found.setdefault(each.pop("part"), []).append(each)
    return found


def worst(found, part):
    """The state of a part, and its words."""
    states = [each["state"] for each in found[part]]
    state = next(each for each in ("bad", "doubtful", "good") if each in states)
    return state, " ".join(f"{each['found']}. {each['advice']}" for each in found[part] if each["state"] == state)


def test_what_is_in_place_is_good_and_each_part_says_what_it_found(run, healthy):
    found = examined(run)
    assert set(found) == set(PARTS) - {"bucket", "export"}  # there is none to look at
    assert {part for part in found if worst(found, part)[0] != "good"} == {"app"}
    assert "682 loans" in worst(found, "warehouse")[1]
    assert "every checksum holds" in worst(found, "lake")[1]
    assert "scores a loan" in worst(found, "models")[1]


def test_it_reads_as_words_with_what_to_do_below_each_finding(run, healthy):
    status, out, _ = run("doctor")
    assert status == 0
    assert "✓ lake" in out
    assert "! app        no app answers" in out
    assert "Start it with `payoff serve`." in out


def test_a_misspelt_variable_is_named_with_the_one_that_may_be_meant(run, healthy, monkeypatch):
    monkeypatch.setenv("PAYOFF_LAKE_URL", "s3://elsewhere")
    Path(".env").write_text("PAYOFF_ZZZZZZZZ=1\n")
    state, words = worst(examined(run), "settings")
    assert state == "doubtful"
    assert "PAYOFF_LAKE_URL is set, but is no setting. It may be meant as PAYOFF_LAKE_URI." in words
    assert "PAYOFF_ZZZZZZZZ is set, but is no setting. `payoff settings` lists" in words


def test_a_setting_that_cannot_be_is_told_before_anything_is_looked_at(run, healthy, monkeypatch):
    monkeypatch.setenv("PAYOFF_PORT", "eighty")
    status, _, err = run("doctor")
    assert status == 1
    assert "PAYOFF_PORT='eighty'" in err


def test_a_public_app_wants_a_key_of_its_own(run, healthy, monkeypatch):
    monkeypatch.setenv("PAYOFF_HOST", "0.0.0.0")
    state, words = worst(examined(run), "settings")
    assert state == "doubtful"
    assert "PAYOFF_SECRET_KEY" in words
    monkeypatch.setenv("PAYOFF_SECRET_KEY", "k" * 40)
    assert worst(examined(run), "settings")[0] == "good"


@pytest.mark.parametrize(("free", "state"), [(10_000_000, "bad"), (1_000_000_000, "doubtful"), (9e9, "good")])
def test_a_disk_without_room_is_told_before_it_is_full(run, healthy, monkeypatch, free, state):
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(1e12, 1e12 - free, free))
    found = examined(run, status=int(state == "bad"))
    assert worst(found, "disk")[0] == state


def test_a_warehouse_that_is_not_there_keeps_nothing_else_from_being_looked_at(run, healthy, monkeypatch):
    monkeypatch.setenv("PAYOFF_WAREHOUSE_URL", "duckdb:///nowhere.duckdb")
    found = examined(run, status=1)
    state, words = worst(found, "warehouse")
    assert state == "bad"
    assert "payoff etl" in words
    assert worst(found, "models")[0] == "good"


def test_a_warehouse_that_was_only_loaded_says_what_to_run(run, healthy, small, monkeypatch):
    monkeypatch.setenv("PAYOFF_WAREHOUSE_URL", "duckdb:///loaded.duckdb")
    assert run("etl", "load")[0] == 0
    state, words = worst(examined(run, status=1), "warehouse")
    assert state == "bad"
    assert "lacks" in words
    assert "Run `payoff etl transform`." in words


def test_an_empty_lake_says_what_to_run_first(run, healthy, monkeypatch):
    monkeypatch.setenv("PAYOFF_LAKE_URI", "empty")
    found = examined(run, status=1)
    assert "Run `payoff etl`" in worst(found, "lake")[1]
    assert "payoff model train" in worst(found, "models")[1]


def test_a_damaged_mart_and_a_damaged_model_are_found(run, healthy):
    for pattern in ("runs/*/marts/loans/*.parquet", "models/*/predictor/predictor.pkl"):
        for path in healthy.glob(pattern):
            path.write_bytes(path.read_bytes()[:-1] + b"?")
    found = examined(run, status=1)
    assert "it was damaged" in worst(found, "lake")[1]
    assert "incomplete or damaged" in worst(found, "models")[1]


def test_a_run_without_features_is_doubtful(run, healthy):
    for features in healthy.glob("runs/*/features"):
        shutil.rmtree(features)
    assert worst(examined(run), "lake") == (
        "doubtful", "that run has no features yet. Run `payoff features build`."
    )  # fmt: skip


def test_tables_that_were_never_made_are_doubtful_and_a_directory_in_their_place_is_bad(run, healthy, monkeypatch):
    monkeypatch.setenv("PAYOFF_DATABASE_URL", "sqlite:///other.sqlite")
    state, words = worst(examined(run), "database")
    assert state == "doubtful"
    assert "payoff database upgrade" in words
    Path("directory.sqlite").mkdir()
    monkeypatch.setenv("PAYOFF_DATABASE_URL", "sqlite:///directory.sqlite")
    assert worst(examined(run, status=1), "database")[0] == "bad"


def test_looking_leaves_nothing_in_the_tables(run, healthy):
    examined(run)
    assert not any(Database("sqlite:///var/payoff.sqlite").sizes().values())


class Foreign(BaseHTTPRequestHandler):
    """Another program on the app's port."""

    def do_GET(self):
        body = b'"hello"'
        self.send_response(404)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        """Say nothing."""


def test_another_program_on_the_port_is_not_taken_for_the_app(run, healthy, monkeypatch):
    with HTTPServer(("127.0.0.1", 0), Foreign) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setenv("PAYOFF_PORT", str(server.server_port))
        state, words = worst(examined(run, status=1), "app")
        server.shutdown()
    assert state == "bad"
    assert "is not Payoff" in words
    assert "PAYOFF_PORT" in words


def test_a_port_that_never_answers_is_given_up(run, healthy, monkeypatch):
    monkeypatch.setattr("payoff.doctor.app._PATIENCE_SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setenv("PAYOFF_PORT", str(silent.getsockname()[1]))
        assert worst(examined(run), "app")[0] == "doubtful"


def test_every_finding_that_is_not_good_says_what_to_do(healthy, real_settings, monkeypatch, tmp_path):
    nothing = real_settings.model_copy(
        update={
            "warehouse_url": f"duckdb:///{tmp_path}/none.duckdb",
            "lake_uri": str(tmp_path / "none"),
            "database_url": f"sqlite:///{tmp_path}/none.sqlite",
            "port": free_port(),
        }
    )
    wrong = [finding for _, finding in examine(nothing) if finding.state != "good"]
    assert len(wrong) == 5
    assert all(isinstance(each, Finding) and (each.advice or "payoff " in each.found) for each in wrong)
