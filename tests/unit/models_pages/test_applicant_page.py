"""One applicant, shown to several versions."""

import re

import pytest
from flask import Flask
from flask.testing import FlaskClient
from pages import words
from published import publish
from sqlalchemy import select
from staffed import CHALLENGER, CHAMPION, FULL, lake_of
from web import ANSWERS, StandIn, database_of, metadata

from payoff.errors import ModelError
from webapp import side_by_side
from webapp.explaining import Explanation, Reason
from webapp.serving import EXTENSION
from webapp.storage.tables import Details, StoredPrediction


def explained(model, features) -> Explanation:
    effects = {"lowest_balance": -0.2, "amount": 0.1, "owner_age": 0.0, "income": 0.05, "use": -0.01}
    return Explanation(0.9, tuple(Reason(key, effect, ()) for key, effect in effects.items()))


@pytest.fixture
def explaining(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(side_by_side, "explain", explained)


@pytest.fixture
def stored(app: Flask, admin: FlaskClient) -> int:
    """The number of a prediction in the history."""
    assert app.test_client().post("/", data=ANSWERS).status_code == 200
    with database_of(app).session() as session:
        return session.scalars(select(StoredPrediction.id)).one()


def test_somebody_from_the_history_is_shown_to_every_version_of_the_form(admin, stored, explaining):
    answer = admin.get(f"/staff/models/applicant?prediction={stored}")
    assert answer.status_code == 200
    page = words(answer)
    assert f"Prediction {stored} was made on" in page
    assert re.search(rf"{CHALLENGER} challenger 60.0 % 80 % doubtful", page)
    told = re.search(rf"by {CHAMPION}: ([\d.]+ %) probability", page)[1]
    assert re.search(rf"{CHAMPION} champion {told} 80 % likely paid off", page)
    # The strongest first, those without effect left out.
    reasons = "Against it: Lowest balances in the last six months For payoff: Amount and instalment For payoff: Income"
    assert f"{reasons} and spending" in page
    assert f"{FULL} champion " not in page.split("Somebody from the history")[0]


def test_the_form_is_answered_by_every_version_and_stored_by_none(app, admin, explaining):
    answer = admin.post("/staff/models/applicant", data=ANSWERS)
    assert answer.status_code == 200
    assert re.search(rf"{CHALLENGER} challenger 60.0 %", words(answer))
    assert f'value="{ANSWERS["loan_amount_czk"]}"' in answer.text
    with database_of(app).session() as session:
        assert session.scalars(select(StoredPrediction)).all() == []


def test_faulty_answers_come_back_with_what_is_wrong(admin):
    answer = admin.post("/staff/models/applicant", data=ANSWERS | {"loan_amount_czk": "-1", "district": "Atlantis"})
    assert answer.status_code == 400
    assert "Some answers need another look" in words(answer)
    assert 'id="loan_amount_czk-error"' in answer.text
    assert 'id="district-error"' in answer.text
    assert 'value="-1"' in answer.text
    assert "What the models say" not in answer.text


@pytest.mark.parametrize("number", ["999", "x", "-1", "1.5", "1e3", "٣", "9" * 30, "<b>"])
def test_a_number_that_is_in_no_history_says_so(admin, number):
    answer = admin.get("/staff/models/applicant", query_string={"prediction": number})
    assert answer.status_code == 400
    assert ("The history holds no prediction 999" if number == "999" else "made of digits") in words(answer)
    assert "<b>" not in answer.text


def test_a_version_says_which_features_are_not_stored(app, admin, stored, explaining):
    with database_of(app).session() as session:
        details = session.get(Details, stored)
        details.features = {name: value for name, value in details.features.items() if name != "owner_age_years"}
    page = words(admin.get(f"/staff/models/applicant?prediction={stored}&version={CHAMPION}&version={FULL}"))
    assert "It needs 1 feature that is not stored owner_age_years" in page
    # The other needs less.
    assert re.search(rf"{FULL} champion 90.0 %", page)


def test_a_missing_value_stays_missing(app, admin, stored, monkeypatch, explaining):
    with database_of(app).session() as session:
        details = session.get(Details, stored)
        details.features = details.features | {"owner_age_years": None, "card_type": None}
    seen = []
    scored = StandIn.default_probabilities
    monkeypatch.setattr(StandIn, "default_probabilities", lambda self, rows: seen.append(rows) or scored(self, rows))
    assert admin.get(f"/staff/models/applicant?prediction={stored}&version={CHAMPION}").status_code == 200
    (row,) = seen
    assert row["owner_age_years"].dtype == "float64"
    assert row["owner_age_years"].isna().all()
    assert row["card_type"].dtype == object
    assert row["card_type"].isna().all()


def test_a_version_that_cannot_be_loaded_is_a_row_that_says_so(app, admin, stored, monkeypatch, explaining):
    models = app.extensions[EXTENSION]
    whole = models.version

    def version(name: str) -> StandIn:
        if name == CHALLENGER:
            raise ModelError("model torn is incomplete or damaged")
        return whole(name)

    monkeypatch.setattr(models, "version", version)
    page = words(admin.get(f"/staff/models/applicant?prediction={stored}"))
    assert "model torn is incomplete or damaged" in page
    assert "likely paid off" in page


def test_no_more_versions_are_loaded_than_somebody_waits_for(app, admin, stored, monkeypatch, explaining):
    names = [f"2026-06-0{day}T00-00-00" for day in range(1, 9)]
    for name in names:
        publish(lake_of(app), name)
    loaded = []
    monkeypatch.setattr(
        app.extensions[EXTENSION], "version", lambda name: loaded.append(name) or StandIn(metadata(name))
    )
    assert admin.get(f"/staff/models/applicant?prediction={stored}").status_code == 200
    assert loaded == names[:1:-1]
    loaded.clear()
    asked = {"prediction": stored, "version": names}
    answer = admin.get("/staff/models/applicant", query_string=asked)
    assert answer.status_code == 400
    assert "Choose 6 versions at most" in words(answer)
    assert loaded == []
    assert admin.get("/staff/models/applicant", query_string=asked | {"version": names[:6]}).status_code == 200
    assert loaded == names[5::-1]
    loaded.clear()
    assert admin.get("/staff/models/applicant", query_string=asked | {"version": names[:2]}).status_code == 200
    assert loaded == names[1::-1]
    answer = admin.get("/staff/models/applicant", query_string=asked | {"version": "gone"})
    assert "None of the versions that were chosen" in words(answer)


def test_without_a_champion_only_the_history_can_be_asked(app, admin, stored, explaining):
    app.extensions[EXTENSION].model = ModelError("torn")
    page = admin.get("/staff/models/applicant")
    assert page.status_code == 200
    assert "Somebody new" not in page.text
    assert admin.post("/staff/models/applicant", data=ANSWERS).status_code == 200


@pytest.mark.parametrize("number", ["x", "-1", "²", "9" * 19, "9" * 25, "9" * 5000])
def test_a_number_that_no_prediction_can_have_is_said_to_be_none(admin, number):
    answer = admin.get(f"/staff/models/applicant?prediction={number}")
    assert answer.status_code == 400
    assert "is made of digits" in words(answer) or "holds no prediction" in words(answer)
