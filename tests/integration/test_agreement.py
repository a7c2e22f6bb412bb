"""The same loan gets the same number, whichever way it is asked about."""

import re

import numpy as np
import pytest
from bank import answers_of_loans
from batches import as_csv, rows_of, send, work_off
from web import client_for, database_of, employ

from features.leaks import granted
from payoff import runs
from payoff.lake import open_lake
from payoff.model import load_model
from payoff.warehouse import open_warehouse
from webapp import create_app
from webapp.storage.users import add_key, find_user

WITHIN = 1e-9
#: Loans from the first to the last, in safe and in doubtful company.
SOME = slice(3, None, 113)


@pytest.fixture(scope="module")
def app(real_settings, trained, trained_full, tmp_path_factory):
    directory = tmp_path_factory.mktemp("agreement")
    own = {"database_url": f"sqlite:///{directory}/payoff.sqlite", "var_dir": directory}
    app = create_app(real_settings.model_copy(update=own))
    employ(app, "officer", "officer")
    return app


@pytest.fixture(scope="module")
def officer(app):
    return client_for(app, "officer")


@pytest.fixture(scope="module")
def key(app):
    with database_of(app).session() as session:
        return add_key(session, find_user(session, "officer"), "a test", "a test").text


def of_training(settings, version, set_name, directory):
    """Probability of payoff of every loan, from the table that training read."""
    lake = open_lake(settings)
    table = runs.read_features(lake, runs.current_run(lake), set_name).to_pandas()
    return 1 - load_model(lake, version, directory).default_probabilities(table)


def shown(answer):
    assert answer.status_code == 200, answer.text
    return float(re.search(r'<data value="([^"]+)">', answer.text)[1])


def of_batch(app, client, rows):
    address = send(client, as_csv(rows)).headers["Location"]
    work_off(app)
    return [float(row["payoff_probability"]) for row in rows_of(client.get(f"{address}/result.csv").data)]


def test_form_api_batch_and_training_agree(app, officer, key, real_settings, trained, tmp_path):
    expected = of_training(real_settings, trained.version, "form", tmp_path)[SOME]
    answers = answers_of_loans(open_lake(real_settings))[SOME]
    form = [shown(app.test_client().post("/", data=each)) for each in answers]
    bearer = {"Authorization": f"Bearer {key}"}
    api = [officer.post("/api/v1/predict", json=each, headers=bearer).json["payoff_probability"] for each in answers]
    for found in (form, api, of_batch(app, officer, answers)):
        np.testing.assert_allclose(found, expected, rtol=0, atol=WITHIN)
    assert len(set(expected)) == len(answers) > 5


def test_lookup_batch_and_training_agree_on_a_loan_on_the_day_of_its_grant(
    app, officer, real_settings, trained_full, tmp_path
):
    expected = of_training(real_settings, trained_full.version, "full", tmp_path)[SOME]
    with open_warehouse(real_settings.warehouse_url) as warehouse:
        loans = granted(warehouse).applications[SOME]
    asked = [
        {
            "account_id": loan.account_id,
            "loan_amount_czk": str(loan.amount_czk),
            "loan_duration_months": loan.duration_months,
            "granted_on": loan.granted_on.isoformat(),
        }
        for loan in loans
    ]
    lookup = [shown(officer.post("/staff/lookup/", data={"day": "chosen"} | each)) for each in asked]
    for found in (lookup, of_batch(app, officer, asked)):
        np.testing.assert_allclose(found, expected, rtol=0, atol=WITHIN)
    assert len(set(expected)) == len(loans) > 5
