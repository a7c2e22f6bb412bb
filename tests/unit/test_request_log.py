"""The id of each request, and the lines that the log has about it."""

import errno
import io
import json
import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from gunicorn.config import Config
from problems import faults
from web import app_with

from webapp.observing import logs
from webapp.observing.requests import HEADER, request_id

GENERATED = re.compile(r"[0-9a-f]{32}")


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


@contextmanager
def written(formatter: logging.Formatter) -> Iterator[io.StringIO]:
    """What the app logs from INFO on, as ``formatter`` words it."""
    stream, logger = io.StringIO(), logging.getLogger("webapp")
    handler, level = logs._Steady(stream), logger.level
    handler.setFormatter(formatter)
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        yield stream
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)


@pytest.mark.parametrize("sent", ["a", "order-7_b.2", "A" * 64])
def test_an_id_that_is_sent_comes_back(client: FlaskClient, sent: str) -> None:
    assert client.get("/healthz", headers={HEADER: sent}).headers[HEADER] == sent


@pytest.mark.parametrize("sent", ["", "A" * 65, "a b", "ž", '"}', "a/b", "<script>"])
def test_another_id_is_replaced(client: FlaskClient, sent: str) -> None:
    assert GENERATED.fullmatch(client.get("/healthz", headers={HEADER: sent}).headers[HEADER])


def test_every_answer_has_an_id_of_its_own(client: FlaskClient) -> None:
    ids = {client.get(path).headers[HEADER] for path in ("/", "/", "/nowhere", "/healthz", "/api/v1/models")}
    assert len(ids) == 5
    assert request_id() is None


def test_a_program_finds_the_id_in_its_problem(client: FlaskClient) -> None:
    answer = client.post("/api/v1/predict", headers={HEADER: "mine"})
    assert faults(answer) == {}
    assert answer.get_json(force=True)["request_id"] == "mine"


def test_a_person_is_told_what_to_name_where_the_server_failed(app: Flask) -> None:
    app.testing = app.config["PROPAGATE_EXCEPTIONS"] = False
    app.add_url_rule("/broken", "broken", lambda: 1 / 0)
    client = app.test_client()
    with written(logs._Objects()) as log:
        answer = client.get("/broken", headers={HEADER: "mine"})
    assert "name the request: mine" in answer.text
    assert "name the request" not in client.get("/nowhere").text
    (line,) = map(json.loads, log.getvalue().splitlines())
    assert line["level"] == "error"
    assert line["request_id"] == "mine"
    assert "ZeroDivisionError" in line["exception"]


def test_for_programs_each_request_has_a_line_without_what_was_typed(tmp_path: Path) -> None:
    client = app_with(tmp_path, log_format="json").test_client()
    with written(logs._Objects()) as log:
        client.get("/nowhere?name=somebody", headers={HEADER: "mine"}, environ_base={"REMOTE_ADDR": "192.0.2.7"})
    (line,) = map(json.loads, log.getvalue().splitlines())
    assert datetime.fromisoformat(line.pop("time")).utcoffset() is not None
    assert line.pop("milliseconds") > 0
    assert line.pop("process") > 0
    assert line == {
        "level": "info", "logger": "webapp.observing.requests", "message": "GET /nowhere 404", "request_id": "mine",
        "method": "GET", "endpoint": "none", "path": "/nowhere", "status": 404,
    }  # fmt: skip
    assert "192.0.2.7" not in log.getvalue()


def test_for_people_requests_have_no_line(client: FlaskClient) -> None:
    with written(logs._Lines()) as log:
        client.get("/healthz")
    assert log.getvalue() == ""


def test_for_people_a_line_names_the_request_at_its_end(app: Flask) -> None:
    app.add_url_rule("/loud", "loud", lambda: logging.getLogger("webapp.loud").warning("so %s", "it is") or "")
    with written(logs._Lines()) as log:
        app.test_client().get("/loud", headers={HEADER: "mine"})
        logging.getLogger("webapp.loud").warning("nobody asked")
    first, second = log.getvalue().splitlines()
    when, rest = first.split("] ", maxsplit=1)
    assert datetime.strptime(when, "[%Y-%m-%d %H:%M:%S %z").tzinfo
    assert re.fullmatch(r"\[\d+\] \[WARNING\] so it is \[request mine\]", rest)
    assert second.endswith("[WARNING] nobody asked")


def test_a_line_break_in_an_address_makes_no_line_of_the_log(tmp_path: Path) -> None:
    client = app_with(tmp_path, log_format="json").test_client()
    with written(logs._Objects()) as log:
        client.get("/a%0A%7B%22level%22:%22error%22%7D")
    (line,) = map(json.loads, log.getvalue().splitlines())
    assert line["level"] == "info"


class Full(io.StringIO):
    """A file on a full disk."""

    def write(self, _: str) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")


def test_a_full_disk_costs_lines_and_nothing_else(capsys: pytest.CaptureFixture[str]) -> None:
    logs._Steady(Full()).handle(logging.LogRecord("a", logging.ERROR, "", 1, "said to nobody", (), None))
    assert capsys.readouterr().err == ""


def test_a_mistake_in_logging_is_still_shown(capsys: pytest.CaptureFixture[str]) -> None:
    logs._Steady(io.StringIO()).handle(logging.LogRecord("a", logging.ERROR, "", 1, "%d", ("wrong",), None))
    assert "Logging error" in capsys.readouterr().err


def test_what_gunicorn_logs_is_written_as_the_rest(caplog: pytest.LogCaptureFixture) -> None:
    log = logs.ServerLog(Config())
    log.setup(Config())
    log.error("a worker has died")
    assert log.error_log.handlers == []
    assert "a worker has died" in caplog.text


@pytest.mark.parametrize(("chosen", "level"), [("text", logging.NOTSET), ("json", logging.INFO)])
def test_the_format_that_is_set_is_written_to_stderr(
    chosen: str, level: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    root, own = logging.RootLogger(logging.WARNING), logging.Logger("webapp")
    monkeypatch.setattr(logging, "root", root)
    monkeypatch.setattr(logging, "getLogger", lambda name=None: own)
    monkeypatch.setattr(logging, "captureWarnings", lambda _: None)
    logs.log_as(chosen)
    assert own.level == level
    root.error("said")
    assert ("{" in capsys.readouterr().err) == (chosen == "json")
