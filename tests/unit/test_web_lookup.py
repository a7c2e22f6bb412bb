"""Account lookup as an officer's browser sees it."""

import re
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest
from batches import LOOKED_UP, with_a_bank
from pages import flowed
from sqlalchemy import select
from web import app_with, client_of

from features.lookup import Application
from payoff.errors import InvalidAnswers, NoModel
from webapp import lookups, storage
from webapp.storage.tables import Details, StoredPrediction
from webapp.wording import day

ASKED = {"account_id": "1", "loan_amount_czk": "44400", "loan_duration_months": "24", "day": "chosen",
         "granted_on": "1994-01-05"}  # fmt: skip

pytestmark = pytest.mark.usefixtures("quick_passwords")


@pytest.fixture
def app(tmp_path, tiny_warehouse_url):
    return with_a_bank(tmp_path, tiny_warehouse_url)


@pytest.fixture
def officer(app):
    return client_of(app, "officer")


@pytest.fixture(scope="module")
def mistaken(tmp_path_factory, tiny_warehouse_url):
    """An officer's client of an app in which nothing but mistakes is made."""
    return client_of(with_a_bank(tmp_path_factory.mktemp("mistaken"), tiny_warehouse_url), "officer")


def stored(app):
    with app.extensions[storage.EXTENSION].session() as session:
        return session.execute(select(StoredPrediction, Details).join(Details)).all()


def test_an_account_is_looked_up_predicted_and_stored(app, officer):
    answer = officer.post("/staff/lookup/", data=ASKED)
    assert answer.status_code == 200
    ((prediction, details),) = stored(app)
    assert (prediction.source, prediction.account_id, prediction.user_id) == ("lookup", 1, 1)
    assert (prediction.amount_czk, prediction.duration_months) == (44400, 24)
    assert (prediction.model.version, prediction.model.feature_set) == (LOOKED_UP, "full")
    assert details.features["transaction_count"] > 0
    assert f'<data value="{prediction.payoff_probability}">' in answer.text


def test_the_page_says_what_the_model_saw_and_as_of_when(officer):
    page = flowed(officer.post("/staff/lookup/", data=ASKED))
    assert "Decided on 5 January 1994, on what the bank knew at the end of 4 January 1994." in page
    assert "44,400 CZK over 24 months, 1,850 CZK a month" in page.replace("\N{NO-BREAK SPACE}", " ")
    assert "The 7 features that the model saw" in page
    assert page.count('<th scope="row">') == 7
    assert "Lowest balance after transactions in the 180 days before the grant" in page
    assert "Model 2026-01-06T09-30-00" in page


def test_the_inputs_stay_below_the_answer(officer):
    page = officer.post("/staff/lookup/", data=ASKED).text
    for name in ("account_id", "loan_amount_czk", "loan_duration_months", "granted_on"):
        assert re.search(rf'name="{name}" value="{ASKED[name]}"', page)
    assert re.search(r'value="chosen" id="chosen" checked', page)


def test_figures_beyond_the_training_loans_are_counted_and_the_furthest_named(officer):
    page = flowed(officer.post("/staff/lookup/", data=ASKED | {"loan_amount_czk": "2000000"}))
    assert "unlike those of the loans the model learnt from" in page
    assert re.search(r"<li>[^<]*amount[^<]*: 2,000,000.CZK, where the loans had", page, re.IGNORECASE)


@pytest.mark.parametrize(("amount", "first"), [("2000000", "Amount lent"), ("600000", "Months over which")])
def test_of_the_figures_beyond_the_furthest_stands_first(officer, amount, first):
    asked = ASKED | {"loan_amount_czk": amount, "loan_duration_months": "120"}
    beyond = re.findall(r"<li>([^<]*), where the loans had", flowed(officer.post("/staff/lookup/", data=asked)))
    assert len(beyond) == 2
    assert beyond[0].startswith(first)


@pytest.mark.parametrize(
    ("changed", "field", "words"),
    [
        ({"account_id": "999"}, "account_id", "Account is none of the bank’s: the warehouse has no account 999"),
        ({"account_id": ""}, "account_id", "Account is missing"),
        ({"account_id": "1.5"}, "account_id", "Account must be a whole number"),
        ({"account_id": "' or 1=1"}, "account_id", "Account is not a number"),
        ({"loan_amount_czk": "-5"}, "loan_amount_czk", "Amount must be at least 1,000\u00a0CZK"),
        ({"loan_amount_czk": "5000.001"}, "loan_amount_czk", "Amount must have at most two digits after the point"),
        ({"loan_duration_months": "999"}, "loan_duration_months", "Duration must be at most 120\u00a0months"),
        ({"granted_on": "yesterday"}, "granted_on", "Day of the decision is not a date"),
        ({"granted_on": ""}, "granted_on", "Day of the decision is missing"),
        ({"granted_on": "1993-02-08"}, "granted_on", "must be after 8 February 1993, when the account was opened"),
    ],
)
def test_what_is_wrong_is_said_at_its_field_and_nothing_typed_is_lost(mistaken, changed, field, words):
    answer = mistaken.post("/staff/lookup/", data=ASKED | changed)
    assert answer.status_code == 400
    assert f'<a href="#{field}">' in answer.text
    assert words in flowed(answer)
    assert re.search(rf'id="{field}-error">[^<]+', answer.text)
    for name, value in (ASKED | changed).items():
        escaped = value.replace("'", "&#39;")
        assert name == "day" or f'name="{name}" value="{escaped}"' in answer.text
    assert stored(mistaken.application) == []


def test_all_fields_that_are_wrong_are_named_at_once(officer):
    page = officer.post("/staff/lookup/", data={"day": "chosen"}).text
    assert len(re.findall(r'class="error"', page)) == 4
    assert "4 fields need another look" in page


def test_the_last_day_of_the_data_is_told_and_can_be_chosen(app, officer):
    newest = lookups.last_booking(app.extensions["payoff.settings"])
    page = flowed(officer.get("/staff/lookup/"))
    assert f"The last transaction in the warehouse is of {day(newest)}." in page
    assert f"The day after that, {day(newest + timedelta(days=1))}" in page
    answer = officer.post("/staff/lookup/", data=ASKED | {"day": "newest", "granted_on": ""})
    assert answer.status_code == 200
    assert f"Decided on {day(newest + timedelta(days=1))}" in flowed(answer)
    assert "The data ends long before this day" not in answer.text


def test_a_day_long_after_the_data_is_warned_of(officer):
    answer = officer.post("/staff/lookup/", data=ASKED | {"day": "today", "granted_on": ""})
    assert answer.status_code == 200
    assert "The data ends long before this day" in answer.text


@pytest.mark.parametrize(("days", "warned"), [(31, False), (32, True)])
def test_a_day_is_long_after_the_data_from_a_month_on(app, officer, days, warned):
    chosen = lookups.last_booking(app.extensions["payoff.settings"]) + timedelta(days=days)
    answer = officer.post("/staff/lookup/", data=ASKED | {"granted_on": chosen.isoformat()})
    assert answer.status_code == 200
    assert ("The data ends long before this day" in answer.text) == warned


def test_a_forgery_gives_the_form_again_with_its_inputs(app, officer):
    app.config["WTF_CSRF_ENABLED"] = True
    answer = officer.post("/staff/lookup/", data=ASKED)
    assert answer.status_code == 400
    assert "Please send the form once more" in answer.text
    assert 'name="loan_amount_czk" value="44400"' in answer.text
    visitor = app.test_client().post("/staff/lookup/", data=ASKED)
    assert (visitor.status_code, visitor.headers["Location"]) == (302, "/staff/lookup/")


@pytest.mark.parametrize("method", ["get", "post"])
def test_visitors_must_log_in_and_viewers_may_not(app, method):
    assert getattr(client_of(app, "viewer"), method)("/staff/lookup/").status_code == 403
    nobody = getattr(app.test_client(), method)("/staff/lookup/")
    assert (nobody.status_code, nobody.headers["Location"].split("?")[0]) == (302, "/staff/login")


@pytest.mark.parametrize("method", ["get", "post"])
def test_without_a_model_of_accounts_the_page_says_how_to_get_one(tmp_path, method):
    client = client_of(app_with(tmp_path, NoModel("none")), "officer")
    answer = getattr(client, method)("/staff/lookup/")
    assert (answer.status_code, "payoff model train --features full" in answer.text) == (503, True)


@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize("url", ["duckdb:///nowhere.duckdb", "sqlite:///nowhere"])
def test_without_a_warehouse_the_page_says_how_to_get_one(tmp_path, method, url):
    client = client_of(with_a_bank(tmp_path, url), "officer")
    answer = getattr(client, method)("/staff/lookup/", data=ASKED)
    assert (answer.status_code, "<code>payoff etl</code>" in answer.text) == (503, True)


def test_several_accounts_have_their_features_in_their_order_and_the_first_fault_is_named(app):
    settings, model = app.extensions["payoff.settings"], app.extensions["payoff.models"].current("full")
    asked = [Application(account, date(1997, 6, 1), Decimal(50_000), 24) for account in (3, 1, 2)]
    found = lookups.account_features(settings, model.metadata.features, asked)
    assert list(found["account_id"]) == [3, 1, 2]
    assert set(model.metadata.features) <= set(found.columns)
    unknown = [*asked, *(replace(asked[0], account_id=number) for number in (998, 999))]
    with pytest.raises(InvalidAnswers, match="no account 998"):
        lookups.account_features(settings, model.metadata.features, unknown)
