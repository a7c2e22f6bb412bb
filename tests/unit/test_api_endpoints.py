"""What each endpoint of the API answers."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from problems import faults
from published import DOUBTFUL as LESS_SURE
from published import publish
from web import ANSWERS, DOUBTFUL, StandIn, app_with, program

from features.lookup import Application
from payoff.errors import InvalidAnswers, NoModel
from payoff.lake import DirectoryLake
from webapp import LAKE, storage
from webapp.answering import Answered, answer_form
from webapp.api import schemas, scoring
from webapp.storage.history import Circumstances
from webapp.storage.tables import AuditEntry, StoredPrediction

V1 = "/api/v1"

pytestmark = pytest.mark.usefixtures("quick_passwords")


@pytest.fixture
def officer(app: Flask) -> Iterator[FlaskClient]:
    with program(app, "officer") as client:
        yield client


@pytest.fixture(scope="module")
def anyone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FlaskClient]:
    """An officer of an app that many tests share, because none leaves anything behind."""
    with program(app_with(tmp_path_factory.mktemp("shared")), "officer") as client:
        yield client


def stored(app: Flask) -> int:
    with app.extensions[storage.EXTENSION].session() as session:
        return session.query(StoredPrediction).count()


def test_an_answer_carries_its_number_its_threshold_and_its_reasons(officer: FlaskClient) -> None:
    answer = officer.post(f"{V1}/predict", json=ANSWERS | {"application": "žádost 7"}).get_json()
    assert (answer["number"], answer["application"], answer["threshold"]) == (1, "žádost 7", 0.8)
    assert answer["reasons"]
    total = answer["base"] + sum(reason["effect"] for reason in answer["reasons"])
    assert total == pytest.approx(answer["payoff_probability"], abs=1e-6)


def test_reasons_are_left_out_where_nobody_wants_them(officer: FlaskClient) -> None:
    whole, short = (officer.post(f"{V1}/predict?reasons={each}", json=ANSWERS).get_json() for each in ("yes", "no"))
    assert whole["reasons"]
    assert (short["reasons"], short["base"]) == (None, None)
    alike = ("payoff_probability", "prediction", "threshold", "model_version")
    assert [short[name] for name in alike] == [whole[name] for name in alike]
    assert officer.get(f"{V1}/predictions/{short['number']}").get_json()["reasons"] is None
    assert set(faults(officer.post(f"{V1}/predict?reasons=some", json=ANSWERS))) == {"reasons"}


def test_an_application_without_a_reference_gets_a_random_one(officer: FlaskClient) -> None:
    first, second = (officer.post(f"{V1}/predict", json=ANSWERS).get_json()["application"] for _ in range(2))
    assert len(first) == 32
    assert first != second


def test_a_faulty_reference_is_named_beside_the_other_faults(officer: FlaskClient) -> None:
    answer = officer.post(f"{V1}/predict", json=ANSWERS | {"application": "a\nb", "card_type": "x"})
    assert set(faults(answer)) == {"application", "card_type"}
    assert faults(answer)["application"] == "may hold printable characters only, and no line breaks"


def test_a_batch_answers_good_loans_and_names_every_fault_of_the_others(app: Flask, officer: FlaskClient) -> None:
    sent = [ANSWERS, ANSWERS | {"card_type": "x", "district": "Atlantis"}, 7, DOUBTFUL | {"application": "b"}]
    answer = officer.post(f"{V1}/predict/batch", json=sent).get_json()
    assert (answer["answered"], answer["faulty"]) == (2, 2)
    assert [row["index"] for row in answer["rows"]] == [0, 1, 2, 3]
    assert {error["field"] for error in answer["rows"][1]["errors"]} == {"card_type", "district"}
    assert [error["field"] for error in answer["rows"][2]["errors"]] == [""]
    assert answer["rows"][3]["answer"]["application"] == "b"
    assert answer["rows"][3]["answer"]["prediction"] == "default"
    assert stored(app) == 2


def test_a_batch_gives_the_numbers_of_single_requests(officer: FlaskClient) -> None:
    loans = [ANSWERS, DOUBTFUL, ANSWERS | {"loan_amount_czk": 123456}]
    together = officer.post(f"{V1}/predict/batch", json=loans).get_json()["rows"]
    alone = [officer.post(f"{V1}/predict", json=loan).get_json() for loan in loans]
    for row, answer in zip(together, alone, strict=True):
        assert row["answer"]["payoff_probability"] == pytest.approx(answer["payoff_probability"], abs=1e-12)


def test_a_batch_of_faults_alone_stores_nothing(app: Flask, officer: FlaskClient) -> None:
    answer = officer.post(f"{V1}/predict/batch", json=[{}])
    assert answer.get_json()["answered"] == 0
    assert stored(app) == 0


@pytest.mark.parametrize(
    ("sent", "word"),
    [([], "1 to 1,000"), ({}, "1 to 1,000"), ([{}] * 1001, "1,001"), ("x", "1 to 1,000")],
    ids=["none", "an object", "too many", "a text"],
)
def test_what_is_no_batch_is_refused(anyone: FlaskClient, sent: Any, word: str) -> None:
    answer = anyone.post(f"{V1}/predict/batch", json=sent)
    assert answer.status_code == 400
    assert word in faults(answer)[""]


def test_a_batch_of_a_thousand_loans_is_small_enough(anyone: FlaskClient) -> None:
    answer = anyone.post(f"{V1}/predict/batch", json=[ANSWERS] * schemas.MOST_LOANS)
    assert answer.get_json()["answered"] == schemas.MOST_LOANS


def test_a_batch_that_is_too_large_is_refused(anyone: FlaskClient) -> None:
    body = b" " * (scoring.LARGEST_BATCH + 1)
    assert anyone.post(f"{V1}/predict/batch", data=body, content_type="application/json").status_code == 413


@pytest.fixture
def accounts(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Application, Circumstances]]:
    """What was looked up, in a bank that knows account 1 only."""
    asked: list[tuple[Application, Circumstances]] = []

    def look(application: Application, how: Circumstances) -> Answered:
        asked.append((application, how))
        if application.account_id != 1:
            raise InvalidAnswers({"account_id": "is none of the bank's"})
        if application.granted_on.year < 1996:
            raise InvalidAnswers({"granted_on": "must be after 1996-01-01"})
        return answer_form(ANSWERS, how)

    monkeypatch.setattr(scoring, "answer_account", look)
    monkeypatch.setattr(scoring, "current_model", lambda _set="form": StandIn())
    return asked


TERMS = {"loan_amount_czk": 80952.5, "loan_duration_months": 24, "granted_on": "1997-05-10", "application": "A1"}


def test_an_account_is_looked_up_as_of_the_day(
    officer: FlaskClient, accounts: list[tuple[Application, Circumstances]]
) -> None:
    answer = officer.post(f"{V1}/accounts/1/predict", json=TERMS)
    assert answer.get_json()["application"] == "A1"
    ((application, how),) = accounts
    assert (str(application.amount_czk), application.duration_months) == ("80952.5", 24)
    assert (application.granted_on.isoformat(), how.account_id, how.source) == ("1997-05-10", 1, "api")


def test_an_account_that_is_not_known_is_not_found(officer: FlaskClient, accounts: list[Any]) -> None:
    answer = officer.post(f"{V1}/accounts/2/predict", json=TERMS)
    assert answer.status_code == 404
    assert answer.get_json(force=True)["detail"] == "The account is none of the bank's."


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("loan_amount_czk", 80952.123),
        ("loan_amount_czk", "80952"),
        ("loan_amount_czk", True),
        ("loan_amount_czk", 10**400),
        ("loan_duration_months", 24.5),
        ("loan_duration_months", 0),
        ("granted_on", "1995-05-10"),
        ("granted_on", "1997-W19-6"),
        ("granted_on", 7),
        ("application", "x" * 65),
        ("sex", "female"),
    ],
)
def test_faulty_terms_are_named(anyone: FlaskClient, accounts: list[Any], field: str, value: Any) -> None:
    answer = anyone.post(f"{V1}/accounts/1/predict", json=TERMS | {field: value})
    assert answer.status_code == 400
    assert set(faults(answer)) == {field}


def test_accounts_and_outcomes_are_for_officers(app: Flask, accounts: list[Any]) -> None:
    viewer = program(app, "viewer")
    for method, address in (("POST", "accounts/1/predict"), ("PUT", "predictions/1/outcome")):
        answer = viewer.open(f"{V1}/{address}", method=method, json={})
        assert answer.status_code == 403
        assert "officer" in answer.get_json(force=True)["detail"]


@pytest.fixture
def lake(app: Flask) -> DirectoryLake:
    """A lake with a champion, a challenger and an older version."""
    lake: DirectoryLake = app.extensions[LAKE]
    for version in ("2026-01-05T09-30-00", "2026-02-05T09-30-00"):
        publish(lake, version)
    publish(lake, "2026-03-05T09-30-00", LESS_SURE)
    lake.write("models/champion.json", b'{"form": "2026-02-05T09-30-00"}')
    lake.write("models/challenger.json", b'{"form": "2026-03-05T09-30-00"}')
    return lake


def test_models_are_listed_with_their_figures_and_their_standing(officer: FlaskClient, lake: DirectoryLake) -> None:
    listed = officer.get(f"{V1}/models").get_json()["models"]
    assert [(each["version"][:7], each["role"]) for each in listed] == [
        ("2026-03", "challenger"),
        ("2026-02", "champion"),
        ("2026-01", None),
    ]
    assert listed[0]["metrics"]["roc_auc"] == {"value": 0.9, "low": 0.86, "high": 0.94}


def test_a_model_that_cannot_be_read_is_left_out_and_logged(
    officer: FlaskClient, lake: DirectoryLake, caplog: pytest.LogCaptureFixture
) -> None:
    lake.write("models/2026-04-05T09-30-00/metadata.json", b"{}")
    assert len(officer.get(f"{V1}/models").get_json()["models"]) == 3
    assert "2026-04-05" in caplog.text


def test_two_models_are_compared_on_loans_that_neither_saw(officer: FlaskClient, lake: DirectoryLake) -> None:
    query = {"left": "2026-03-05T09-30-00", "right": "2026-02-05T09-30-00"}
    answer = officer.get(f"{V1}/models/compare", query_string=query).get_json()
    assert (answer["left"]["role"], answer["right"]["role"]) == ("challenger", "champion")
    assert answer["held_out"]["loans"] == 300
    assert answer["held_out"]["log_loss_excess"]["low"] > 0
    assert "significantly worse" in answer["held_out"]["against"][0]
    assert [each["name"] for each in answer["metrics"]] == ["brier", "roc_auc"]


@pytest.mark.parametrize("left", ["2025-01-01T00-00-00", "../../secret", "champion.json", "."])
def test_a_model_that_is_not_there_is_not_found(officer: FlaskClient, lake: DirectoryLake, left: str) -> None:
    answer = officer.get(f"{V1}/models/compare", query_string={"left": left, "right": "2026-02-05T09-30-00"})
    assert answer.status_code == 404


def test_a_comparison_needs_both_versions(anyone: FlaskClient) -> None:
    assert faults(anyone.get(f"{V1}/models/compare")) == {"left": "is missing", "right": "is missing"}


def test_pages_lead_to_each_other_in_body_and_header(officer: FlaskClient) -> None:
    for number in range(5):
        officer.post(f"{V1}/predict", json=ANSWERS | {"application": f"no {number}"})
    first = officer.get(f"{V1}/predictions?size=2&verdict=paid_off")
    assert [row["number"] for row in first.get_json()["predictions"]] == [5, 4]
    assert first.get_json()["previous"] is None
    following = first.get_json()["next"]
    assert "verdict=paid_off" in following
    assert first.headers["Link"] == f'<{following}>; rel="next"'
    second = officer.get(following)
    assert [row["number"] for row in second.get_json()["predictions"]] == [3, 2]
    assert 'rel="prev"' in second.headers["Link"]
    back = officer.get(second.get_json()["previous"])
    assert back.get_json()["predictions"] == first.get_json()["predictions"]


def test_filters_reach_the_query(officer: FlaskClient) -> None:
    officer.post(f"{V1}/predict/batch", json=[ANSWERS | {"application": "good"}, DOUBTFUL | {"application": "bad"}])

    def found(**query: str) -> list[str]:
        page = officer.get(f"{V1}/predictions", query_string=query).get_json()
        return [row["application"] for row in page["predictions"]]

    assert found() == ["bad", "good"]
    assert found(verdict="default") == ["bad"]
    assert found(lowest="0.8") == ["good"]
    assert found(highest="0.8") == ["bad"]
    assert found(search="goo") == ["good"]
    assert found(source="form") == []
    assert found(model="2020") == []
    assert found(until="1999-12-31") == []
    assert found(since="2000-01-01", until="2100-12-31") == ["bad", "good"]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("verdict=maybe", "verdict"),
        ("lowest=nan", "lowest"),
        ("lowest=1e-1", "lowest"),
        ("highest=1.5", "highest"),
        ("since=yesterday", "since"),
        ("since=0001-01-01", "since"),
        ("size=0", "size"),
        ("size=501", "size"),
        ("size=1_0", "size"),
        ("before=-1", "before"),
        ("before=1&after=1", "after"),
        ("since=1999-01-02&until=1999-01-01", "until"),
        ("source=dream", "source"),
        ("page=2", "page"),
        ("verdict=default&verdict=default", "verdict"),
        (f"search={'x' * 65}", "search"),
        (f"{'x' * 300}=1", "x" * 64),
    ],
)
def test_a_faulty_parameter_is_named(anyone: FlaskClient, query: str, field: str) -> None:
    answer = anyone.get(f"{V1}/predictions?{query}")
    assert answer.status_code == 400
    assert set(faults(answer)) == {field}


def test_a_prediction_is_shown_with_the_figures_it_was_made_from(officer: FlaskClient) -> None:
    number = officer.post(f"{V1}/predict", json=ANSWERS).get_json()["number"]
    shown = officer.get(f"{V1}/predictions/{number}").get_json()
    assert shown["features"]["loan_amount_czk"] == 80952
    assert shown["threshold"] == 0.8
    assert shown["source"] == "api"


@pytest.mark.parametrize("number", ["4000", "0", "-1", "x", "9" * 30])
def test_a_prediction_that_is_not_there_is_not_found(anyone: FlaskClient, number: str) -> None:
    assert anyone.get(f"{V1}/predictions/{number}").status_code == 404
    assert anyone.put(f"{V1}/predictions/{number}/outcome", json={"outcome": "default"}).status_code == 404


def test_an_outcome_is_recorded_and_taken_back_and_both_are_noted(app: Flask, officer: FlaskClient) -> None:
    officer.post(f"{V1}/predict", json=ANSWERS)
    recorded = officer.put(f"{V1}/predictions/1/outcome", json={"outcome": "default"}).get_json()
    assert recorded["outcome"] == "default"
    assert recorded["outcome_at"]
    back = officer.put(f"{V1}/predictions/1/outcome", json={"outcome": None}).get_json()
    assert (back["outcome"], back["outcome_at"]) == (None, None)
    with app.extensions[storage.EXTENSION].session() as session:
        noted = [each.details for each in session.query(AuditEntry) if "outcome" in each.action]
    assert noted == [{"from": None, "to": "default"}, {"from": "default", "to": None}]


@pytest.mark.parametrize("body", [{}, {"outcome": "lost"}, {"outcome": "default", "by": "me"}])
def test_a_faulty_outcome_is_refused(anyone: FlaskClient, body: dict[str, Any]) -> None:
    assert anyone.put(f"{V1}/predictions/1/outcome", json=body).status_code == 400


def test_statistics_count_the_last_thirty_days_or_those_asked_for(officer: FlaskClient) -> None:
    officer.post(f"{V1}/predict/batch", json=[ANSWERS, ANSWERS, DOUBTFUL])
    counted = officer.get(f"{V1}/statistics").get_json()
    assert (counted["predictions"], counted["granted"]) == (3, 2)
    assert officer.get(f"{V1}/statistics?since=1999-01-01&until=1999-12-31").get_json()["predictions"] == 0
    assert set(faults(officer.get(f"{V1}/statistics?since=1999-02-01&until=1999-01-01"))) == {"until"}


def test_health_needs_no_key_and_says_what_is_missing(app: Flask, tmp_path: Path) -> None:
    assert app.test_client().get(f"{V1}/health").get_json() == {
        "status": "ready",
        "model_version": "2026-01-05T09-30-00",
    }
    answer = app_with(tmp_path / "bare", NoModel("x")).test_client().get(f"{V1}/health")
    assert answer.status_code == 503
    assert faults(answer) == {}
