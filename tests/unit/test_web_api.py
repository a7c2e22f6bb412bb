"""The API, and what it makes of hostile requests."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given
from hypothesis import settings as effort
from hypothesis import strategies as st
from pages import send
from problems import faults
from web import ANSWERS, DOUBTFUL, StandIn, app_with, program
from werkzeug.test import TestResponse

from features.questions import QUESTIONS
from payoff.errors import ContractError, ModelError, NoModel

PREDICT = "/api/v1/predict"

pytestmark = pytest.mark.usefixtures("quick_passwords")


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FlaskClient]:
    with program(app_with(tmp_path_factory.mktemp("api"))) as client:
        yield client


def post(client: FlaskClient, body: bytes | str, content_type: str = "application/json") -> TestResponse:
    return client.post(PREDICT, data=body, content_type=content_type)


def test_a_loan_is_scored(client: FlaskClient) -> None:
    answer = client.post(PREDICT, json=ANSWERS)
    assert answer.status_code == 200
    assert answer.get_json() | {"number": 1, "application": "", "base": 0.5, "reasons": []} == {
        "number": 1,
        "application": "",
        "payoff_probability": pytest.approx(0.936, abs=1e-3),
        "prediction": "paid_off",
        "threshold": 0.8,
        "model_version": "2026-01-05T09-30-00",
        "base": 0.5,
        "reasons": [],
    }


def test_a_doubtful_loan_is_predicted_to_default(client: FlaskClient) -> None:
    assert client.post(PREDICT, json=DOUBTFUL).get_json()["prediction"] == "default"


def test_the_threshold_itself_counts_as_default(tmp_path: Path) -> None:
    at = program(app_with(tmp_path, StandIn(fixed=0.2))).post(PREDICT, json=ANSWERS).get_json()
    below = program(app_with(tmp_path, StandIn(fixed=0.1999))).post(PREDICT, json=ANSWERS).get_json()
    assert (at["prediction"], below["prediction"]) == ("default", "paid_off")


@pytest.mark.parametrize("answers", [ANSWERS, DOUBTFUL, ANSWERS | {"transaction_balance_last": 1234.56}])
def test_form_and_api_give_exactly_the_same_probability(client: FlaskClient, answers: dict[str, Any]) -> None:
    shown = re.search(r'<data value="([^"]+)">', send(client, answers).text)
    assert shown
    assert float(shown[1]) == client.post(PREDICT, json=answers).get_json()["payoff_probability"]


@pytest.mark.parametrize("answers", [{}, {question.name: None for question in QUESTIONS}], ids=["missing", "null"])
def test_every_faulty_field_is_named(client: FlaskClient, answers: dict[str, Any]) -> None:
    answer = client.post(PREDICT, json=answers)
    assert answer.status_code == 400
    assert set(faults(answer)) == {question.name for question in QUESTIONS}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("loan_amount_czk", -1),
        ("loan_amount_czk", True),
        ("loan_amount_czk", "much"),
        ("loan_amount_czk", [80952]),
        ("loan_amount_czk", {"czk": 80952}),
        ("loan_amount_czk", 10**400),
        ("loan_duration_months", 24.5),
        ("granted_on", "10.5.1997"),
        ("granted_on", 19970510),
        ("granted_on", "1997-02-30"),
        ("opened_on", "1997-05-10"),
        ("owner_born_on", "1850-01-01"),
        ("district", "Atlantis"),
        ("district", 2),
        ("district", "\ud800"),
        ("card_type", "platinum"),
        ("card_type", ["none"]),
        ("transaction_count_90d", 121),
        ("month_balance_min_mean_180d", 0),
        ("sex", "female"),
        ("\ud800", 1),
        ("x" * 5000, 1),
    ],
)
def test_a_faulty_value_is_refused_by_name(client: FlaskClient, field: str, value: Any) -> None:
    answer = post(client, json.dumps(ANSWERS | {field: value}))
    assert answer.status_code == 400
    assert set(faults(answer)) == {field.encode("utf-8", "replace").decode()[:64]}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b'"text"',
        b"7",
        b"NaN",
        b'{"loan_amount_czk": Infinity}',
        b"\xff\xfe{}",
        b"\xef\xbb\xbf{}",
        json.dumps(ANSWERS).encode("utf-16"),
        b"[" * 60_000,
        b'{"a":' * 10_000,
        b'{"district": "Benesov", "district": "Beroun"}',
        b'{"loan_amount_czk": ' + b"9" * 60_000 + b"}",
        b"{'loan_amount_czk': 1}",
    ],
    ids=lambda body: repr(body[:24]),
)
def test_what_is_no_proper_json_object_is_refused(client: FlaskClient, body: bytes) -> None:
    answer = post(client, body)
    assert answer.status_code == 400
    assert faults(answer)


def test_fields_given_twice_are_named(client: FlaskClient) -> None:
    assert faults(post(client, '{"district": "Benesov", "district": "Beroun"}')) == {
        "district": "is given more than once"
    }


@pytest.mark.parametrize("content_type", ["", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data"])
def test_another_content_type_is_refused(client: FlaskClient, content_type: str) -> None:
    answer = post(client, json.dumps(ANSWERS), content_type)
    assert answer.status_code == 415
    faults(answer)


def test_a_charset_beside_the_content_type_is_fine(client: FlaskClient) -> None:
    assert post(client, json.dumps(ANSWERS), "application/json; charset=utf-8").status_code == 200


def test_a_body_that_is_too_large_is_refused(client: FlaskClient) -> None:
    answer = post(client, b" " * 70_000)
    assert answer.status_code == 413
    faults(answer)


def test_a_body_in_chunks_that_is_too_large_is_refused(client: FlaskClient) -> None:
    # Cut at the limit, this would be a proper object.
    body = json.dumps(ANSWERS).encode() + b" " * 70_000
    chunked = {"wsgi.input_terminated": True, "HTTP_TRANSFER_ENCODING": "chunked", "CONTENT_LENGTH": ""}
    answer = client.post(PREDICT, data=body, content_type="application/json", environ_overrides=chunked)
    assert answer.status_code == 413
    faults(answer)


@pytest.mark.parametrize(("method", "address", "status"), [("GET", PREDICT, 405), ("POST", "/api/v2/predict", 404)])
def test_wrong_addresses_and_methods_are_problems_too(
    client: FlaskClient, method: str, address: str, status: int
) -> None:
    answer = client.open(address, method=method)
    assert answer.status_code == status
    faults(answer)


@pytest.mark.parametrize(
    ("error", "status", "word"),
    [(NoModel("at x"), 503, "payoff run"), (ModelError("at x"), 503, "log"), (ContractError("at x"), 500, "server")],
)
def test_without_a_model_the_api_says_what_to_do(tmp_path: Path, error: Exception, status: int, word: str) -> None:
    answer = program(app_with(tmp_path, error)).post(PREDICT, json=ANSWERS)
    assert answer.status_code == status
    faults(answer)
    assert word in answer.get_json(force=True)["detail"]
    assert "at x" not in answer.text


def test_a_model_that_gives_no_probability_is_not_believed(tmp_path: Path) -> None:
    answer = program(app_with(tmp_path, StandIn(fixed=float("nan")))).post(PREDICT, json=ANSWERS)
    assert answer.status_code == 503


def test_the_process_says_that_it_lives_and_whether_it_can_answer(client: FlaskClient, tmp_path: Path) -> None:
    assert client.get("/healthz").get_json() == {"status": "ok"}
    assert client.get("/readyz").get_json() == {"status": "ready", "model_version": "2026-01-05T09-30-00"}
    for error, word in ((NoModel("x"), "payoff run"), (ModelError("x"), "log")):
        empty = app_with(tmp_path, error).test_client()
        assert empty.get("/healthz").status_code == 200
        assert empty.get("/readyz").status_code == 503
        assert word in empty.get("/readyz").get_json()["detail"]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(codec=None)),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(st.characters(codec=None)), inner, max_size=3),
    max_leaves=8,
)
FIELDS = st.sampled_from([question.name for question in QUESTIONS])


@effort(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=JSON)
def test_no_json_whatever_brings_the_api_down(client: FlaskClient, body: Any) -> None:
    assert post(client, json.dumps(body)).status_code == 400


@effort(max_examples=200, deadline=None)
@given(changed=st.dictionaries(FIELDS, JSON | st.integers(-10, 10**6) | st.text(max_size=12), max_size=4))
def test_no_value_in_any_field_brings_the_api_down(client: FlaskClient, changed: dict[str, Any]) -> None:
    answer = post(client, json.dumps(ANSWERS | changed))
    assert answer.status_code in {200, 400}
    if answer.status_code == 200:
        assert 0 <= answer.get_json()["payoff_probability"] <= 1
    else:
        assert faults(answer)


@effort(max_examples=100, deadline=None)
@given(body=st.binary(max_size=200))
def test_no_bytes_whatever_bring_the_api_down(client: FlaskClient, body: bytes) -> None:
    assert post(client, body).status_code == 400


@effort(max_examples=60, deadline=None)
@given(changed=st.dictionaries(FIELDS, st.text(max_size=12), min_size=1, max_size=4))
def test_form_and_api_agree_on_what_is_wrong(client: FlaskClient, changed: dict[str, str]) -> None:
    # An empty input of a form is no answer at all.
    answers = {name: value for name, value in (ANSWERS | changed).items() if str(value).strip()}
    by_api = client.post(PREDICT, json=answers)
    by_form = send(client, answers)
    assert by_form.status_code == by_api.status_code
    if by_api.status_code == 400:
        assert set(re.findall(r'<li><a href="#(\w+)">', by_form.text)) == set(faults(by_api))
