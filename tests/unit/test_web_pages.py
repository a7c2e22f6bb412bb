"""The pages as a browser gets them."""

import re
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from pages import flowed, send
from web import ANSWERS, BANDS, DOUBTFUL, StandIn, app_with, metadata

from features.questions import QUESTIONS, SECTIONS
from payoff.errors import ContractError, LakeError, ModelError, NoModel
from payoff.metadata import Band
from webapp.forms import form_class
from webapp.vendored import PARTS, PICO, find_parts


@pytest.fixture
def client(tmp_path: Path) -> FlaskClient:
    return app_with(tmp_path).test_client()


def test_every_question_is_a_field_of_the_form_and_every_field_a_question() -> None:
    fields = {name for name in dir(form_class()) if name in {question.name for question in QUESTIONS}}
    assert fields == {question.name for question in QUESTIONS}


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: question.name)
def test_every_field_has_its_label_hint_and_unit(client: FlaskClient, question: Any) -> None:
    page = client.get("/").text
    assert f'<label for="{question.name}">{question.label.replace(chr(39), "&#39;")}</label>' in page
    field = re.search(rf'<(?:input|select) [^>]*id="{question.name}"[^>]*>', page)
    assert field
    described = re.search(r'aria-describedby="([^"]+)"', field[0])
    assert described
    assert f"{question.name}-hint" in described[1].split()
    assert (f"{question.name}-unit" in described[1].split()) == bool(question.unit)
    assert all(f'id="{part}"' in page for part in described[1].split())


@pytest.mark.parametrize("question", [q for q in QUESTIONS if q.valid], ids=lambda question: question.name)
def test_every_number_says_what_is_possible_and_what_is_typical(client: FlaskClient, question: Any) -> None:
    page = client.get("/").text
    field = re.search(rf'<input [^>]*id="{question.name}"[^>]*>', page)
    assert field
    assert 'type="number"' in field[0]
    assert f'min="{question.valid.low:.0f}"' in field[0]
    assert f'max="{question.valid.high:.0f}"' in field[0]
    assert f'step="{"any" if question.kind == "money" else 1}"' in field[0]
    assert f'id="{question.name}-typical">Typical: ' in page
    # The decimal keypads of phones have no minus sign.
    assert ("inputmode" in field[0]) == (question.valid.low >= 0)


def test_the_form_has_its_sections_districts_by_region_and_today(client: FlaskClient) -> None:
    page = client.get("/").text
    assert page.count("<fieldset") == len(SECTIONS)
    assert '<optgroup label="central Bohemia"><option value="Benesov">' in page
    assert page.count('<option selected value="">Choose…') + page.count('<option value="">Choose…') == 3
    assert re.search(
        r'id="granted_on"[^>]* value="20\d\d-\d\d-\d\d"|value="20\d\d-\d\d-\d\d"[^>]*id="granted_on"', page
    )


def test_typical_figures_are_grouped(client: FlaskClient) -> None:
    assert "Typical: 30,276 to 326,724\u00a0CZK" in client.get("/").text


def test_the_answer_says_verdict_probability_record_and_origin(client: FlaskClient) -> None:
    answer = send(client, ANSWERS)
    page = flowed(answer)
    assert answer.status_code == 200
    assert "Likely to be paid off</h1>" in page
    assert "93.6\u00a0%</data>" in page
    assert "Of the 51 test loans that scored in this range (80\u00a0% to 95\u00a0%), <strong>50 were paid off" in page
    assert "89.7\u00a0% to 99.7\u00a0%" in page
    assert "at 80\u00a0% and below" in page
    assert "682 Czech loans, 1993–1998" in page
    assert "Model 2026-01-05T09-30-00, trained on 5 January 2026, 09:30 UTC." in page


def test_the_answer_repeats_every_input_in_its_section(client: FlaskClient) -> None:
    page = send(client, ANSWERS).text
    assert page.count("<caption>") == len(SECTIONS)
    for question in QUESTIONS:
        assert f'<tr><th scope="row">{question.label.replace(chr(39), "&#39;")}</th>' in page
    for shown in ("80,952\u00a0CZK", "10 May 1997", "Benesov, central Bohemia", "Every month", "No card"):
        assert f"<td>{shown}</td>" in page
    assert "<td>3,373\u00a0CZK a\u00a0month</td>" in page


def test_a_likely_default_is_worded_and_names_what_the_model_has_not_seen(client: FlaskClient) -> None:
    page = send(client, DOUBTFUL).text
    assert "Payoff is doubtful</h1>" in page
    assert "Payoff is still the likelier end" in page
    assert "Unlike the loans the model learnt from" in page
    assert "<strong>Monthly instalment</strong>: 16,667\u00a0CZK" in page


@pytest.mark.parametrize(
    "bands", [(), (Band(low=0, high=1, loans=0, paid_off=0),), BANDS[:1]], ids=["none", "empty", "elsewhere"]
)
def test_a_score_without_test_loans_is_admitted(tmp_path: Path, bands: tuple[Band, ...]) -> None:
    model = StandIn(metadata().model_copy(update={"bands": bands}))
    assert "No test loan scored in this range" in send(app_with(tmp_path, model).test_client(), ANSWERS).text


def test_the_error_page_names_every_field_that_is_wrong(client: FlaskClient) -> None:
    answer = send(client, {})
    assert answer.status_code == 400
    assert f"{len(QUESTIONS)} answers need another look" in flowed(answer)
    for question in QUESTIONS:
        assert f'<a href="#{question.name}">' in answer.text
        assert f'id="{question.name}-error"' in answer.text
    assert answer.text.count('aria-invalid="true"') == len(QUESTIONS)


def test_the_error_page_keeps_the_inputs_right_and_wrong(client: FlaskClient) -> None:
    sent = ANSWERS | {"loan_amount_czk": "<b>much</b>", "district": "Atlantis"}
    page = send(client, sent).text
    assert 'value="&lt;b&gt;much&lt;/b&gt;"' in page
    assert "<b>much" not in page
    assert 'value="1997-05-10"' in page
    assert '<option selected value="monthly">' in page
    assert "One answer" not in page
    assert "District is none of the 6 districts" in page


def test_answers_that_contradict_each_other_are_named(client: FlaskClient) -> None:
    answer = send(client, ANSWERS | {"opened_on": "1998-01-01"})
    assert answer.status_code == 400
    assert "One answer needs another look" in flowed(answer)
    assert "Account opened on must be before the day of the grant" in answer.text


def test_the_way_back_keeps_the_inputs(client: FlaskClient) -> None:
    page = send(client, ANSWERS).text
    for name, value in ANSWERS.items():
        assert f'<input type="hidden" name="{name}" value="{value}">' in page
    form = send(client, ANSWERS, "/edit")
    assert form.status_code == 200
    assert 'value="80952"' in form.text
    assert '<option selected value="Benesov">' in form.text


def test_the_way_back_opened_without_a_form_leads_to_the_form(client: FlaskClient) -> None:
    assert client.get("/edit").headers["Location"] == "/"


@pytest.mark.parametrize("address", ["/", "/edit"])
def test_a_form_without_its_token_is_refused_and_keeps_the_inputs(client: FlaskClient, address: str) -> None:
    answer = client.post(address, data=ANSWERS)
    assert answer.status_code == 400
    assert "Please send the form once more" in answer.text
    assert 'value="80952"' in answer.text
    assert "Likely" not in answer.text


def test_a_form_without_its_token_gets_the_model_page_when_there_is_none(tmp_path: Path) -> None:
    answer = app_with(tmp_path, NoModel("none")).test_client().post("/", data=ANSWERS)
    assert answer.status_code == 503


def test_without_a_model_the_form_says_how_to_get_one(tmp_path: Path) -> None:
    answer = app_with(tmp_path, NoModel("secret place")).test_client().get("/")
    assert answer.status_code == 503
    assert "payoff run" in answer.text
    assert "payoff model train" in answer.text
    assert "secret place" not in answer.text


@pytest.mark.parametrize("error", [ModelError("secret place"), LakeError("secret place")])
def test_a_model_that_cannot_be_loaded_is_admitted_without_saying_where_it_lies(
    tmp_path: Path, error: Exception
) -> None:
    answer = app_with(tmp_path, error).test_client().get("/")
    assert answer.status_code == 503
    assert "The model cannot be loaded" in answer.text
    assert "secret place" not in answer.text


@pytest.mark.parametrize(("method", "address", "status"), [("GET", "/nowhere", 404), ("DELETE", "/", 405)])
def test_refused_addresses_get_a_page_in_the_layout(
    client: FlaskClient, method: str, address: str, status: int
) -> None:
    answer = client.open(address, method=method)
    assert answer.status_code == status
    assert "Go to the form" in answer.text
    assert ("Allow" in answer.headers) == (status == 405)


def test_a_form_that_is_too_large_gets_a_page_in_the_layout(client: FlaskClient) -> None:
    answer = client.post("/", data={"loan_amount_czk": "1" * 70_000})
    assert answer.status_code == 413
    assert "too much to send" in answer.text


def test_a_fault_of_ours_gets_a_page_that_says_so(tmp_path: Path) -> None:
    answer = app_with(tmp_path, ContractError("a column is missing")).test_client().get("/")
    assert answer.status_code == 500
    assert "not your doing" in answer.text
    assert "column" not in answer.text


def test_an_unworded_status_still_gets_a_page(app: Flask) -> None:
    answer = app.test_client().get("/teapot")
    assert answer.status_code == 418
    assert "This did not work" in answer.text


@pytest.fixture
def app(tmp_path: Path) -> Flask:
    from flask import abort

    app = app_with(tmp_path)
    app.add_url_rule("/teapot", view_func=lambda: abort(418))
    return app


def test_no_page_has_inline_styles_or_scripts(client: FlaskClient) -> None:
    gotten = [client.get(address).text for address in ("/", "/about", "/nowhere")]
    for page in (*gotten, send(client, DOUBTFUL).text, send(client, {}).text):
        assert " style=" not in page
        assert "<style" not in page
        assert not re.search(r"<script(?![^>]* src=)", page)
        assert not re.search(r" on[a-z]+=", page)


def test_the_style_sheet_is_served_and_nothing_else_of_the_parts(
    client: FlaskClient, app: Flask, tmp_path: Path
) -> None:
    sheet = tmp_path / "pico.min.css"
    sheet.write_text("body{}")
    app.config[PARTS] = {PICO: sheet}
    answer = app.test_client().get("/vendor/pico.min.css")
    assert answer.mimetype == "text/css"
    assert answer.text == "body{}"
    answer.close()
    assert client.get("/vendor/pico.css").status_code == 404
    assert client.get("/vendor/../package.json").status_code == 404


def test_a_missing_style_sheet_is_named_on_the_page(app: Flask, tmp_path: Path) -> None:
    app.config[PARTS] = {}
    client = app.test_client()
    assert client.get("/vendor/pico.min.css").status_code == 404
    assert "make setup" in client.get("/").text


def test_a_missing_style_sheet_is_named_in_the_log(
    app: Flask, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    find_parts(Flask("bare"), tmp_path)
    assert "make setup" in caplog.text
