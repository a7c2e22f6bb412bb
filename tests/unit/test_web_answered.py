"""The page of an answer: reasons, record, reference, and other terms tried with the page's script and without."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from amounts import LOW, ByAmount
from flask import Flask
from flask.testing import FlaskClient
from pages import flowed, send, tried, what_if_form
from web import ANSWERS, DOUBTFUL, Served, StandIn, app_with, metadata, settings

from payoff.metadata import Band
from webapp import create_app, storage
from webapp.explaining import Explanation, Reason, explain
from webapp.predictions import Terms, typed_answers
from webapp.public.answer import _record
from webapp.public.curve import drawn
from webapp.public.reasons import laid_out
from webapp.public.terms import term_fields, words
from webapp.storage.tables import StoredPrediction
from webapp.whatif import WhatIf, what_if

JSON = {"Accept": "application/json"}


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


def stored(app: Flask) -> int:
    with app.extensions[storage.EXTENSION].session() as session:
        return session.query(StoredPrediction).count()


# Reasons


def reason(effect: float) -> Reason:
    return Reason("lows", effect, (("transaction_balance_min_180d", 5000.0),))


def laid(*effects: float, verdict: Any = "paid_off") -> Any:
    return laid_out(Explanation(0.5, tuple(reason(effect) for effect in effects)), verdict, metadata())


@pytest.mark.parametrize("answers", [ANSWERS, DOUBTFUL], ids=["paid off", "default"])
def test_start_reasons_and_rest_add_up_to_the_prediction(answers: dict[str, Any]) -> None:
    from features.answers import form_features
    from webapp.predictions import predict

    model = StandIn()
    typed = typed_answers(model, answers)
    prediction = predict(model, typed)
    explanation = explain(model, form_features([typed], model.metadata.salaries))
    reasons = laid_out(explanation, prediction.prediction, model.metadata)
    shown = sum(bar.effect for group in reasons.groups for bar in group.bars)
    assert reasons.base + shown + reasons.rest == pytest.approx(prediction.payoff_probability, abs=1e-6)


def test_a_refusal_names_four_principal_reasons_at_most_and_what_spoke_for_it() -> None:
    down, up = laid(-0.05, -0.04, -0.03, -0.02, -0.01, 0.02, verdict="default").groups
    assert (down.title, up.title) == ("The principal reasons", "What spoke in favour")
    assert [bar.effect for bar in down.bars] == [-0.05, -0.04, -0.03, -0.02]
    assert [bar.effect for bar in up.bars] == [0.02]


def test_an_approval_names_the_strongest_first_for_and_against() -> None:
    up, down = laid(0.01, -0.02, 0.3, 0.1).groups
    assert (up.title, down.title) == ("What spoke in favour", "What spoke against")
    assert [bar.effect for bar in up.bars] == [0.3, 0.1, 0.01]
    assert [bar.effect for bar in down.bars] == [-0.02]


def test_of_many_reasons_four_lead_and_three_speak_to_the_contrary() -> None:
    many = (0.06, -0.06, 0.05, -0.05, 0.04, -0.04, 0.03, -0.03, 0.02, -0.02)
    up, down = laid(*many).groups
    assert [bar.effect for bar in up.bars] == [0.06, 0.05, 0.04, 0.03]
    assert [bar.effect for bar in down.bars] == [-0.06, -0.05, -0.04]
    down, up = laid(*many, verdict="default").groups
    assert [bar.effect for bar in down.bars] == [-0.06, -0.05, -0.04, -0.03]
    assert [bar.effect for bar in up.bars] == [0.06, 0.05, 0.04]


def test_bars_are_as_long_as_their_effects_and_point_up_to_the_right() -> None:
    up, down = laid(0.2, -0.1).groups
    assert (up.bars[0].x, up.bars[0].width) == (50, 50)
    assert (down.bars[0].x, down.bars[0].width) == (25, 25)


def test_what_rounds_to_nothing_is_no_reason_and_no_empty_heading_stays() -> None:
    reasons = laid(0.0004, -0.0004, 0.2)
    assert [group.title for group in reasons.groups] == ["What spoke in favour"]
    assert reasons.rest == pytest.approx(0)
    assert laid(0.0).groups == ()


def test_the_page_says_where_the_reasons_start_and_where_they_lead(client: FlaskClient) -> None:
    page = flowed(send(client, DOUBTFUL))
    assert re.search(r"It starts at [\d.]+\u00a0%, the average over past loans\.", page)
    assert re.search(r"added up, they lead to [\d.]+\u00a0%", page)
    assert "The principal reasons</h3>" in page
    assert re.search(r'class="effect lowers">−[\d.]+\u00a0points<', page)


# Record


def test_each_test_loan_that_scored_alike_is_a_dot(client: FlaskClient) -> None:
    page = send(client, ANSWERS).text
    picture = page.split('class="dots"')[1].split("</svg>")[0]
    assert 'aria-label="50 paid off, 1 not"' in picture
    assert (picture.count('class="paid"'), picture.count('class="defaulted"')) == (50, 1)


def test_of_many_test_loans_each_dot_is_one_in_a_hundred(tmp_path: Path) -> None:
    many = (Band(low=0, high=1, loans=1000, paid_off=930),)
    record = _record(many[0])
    assert record is not None
    assert (record.dots, record.defaulted_dots) == (100, 7)
    model = StandIn(metadata().model_copy(update={"bands": many}))
    page = flowed(send(app_with(tmp_path, model).test_client(), ANSWERS))
    assert "one loan in a hundred" in page
    assert "in default or in debt: 70" in page


@pytest.mark.parametrize(
    ("loans", "paid_off", "dots", "defaulted"), [(300, 297, 300, 3), (301, 298, 100, 1), (1000, 936, 100, 6)]
)
def test_a_dot_is_a_loan_up_to_three_hundred_and_one_in_a_hundred_beyond(
    loans: int, paid_off: int, dots: int, defaulted: int
) -> None:
    record = _record(Band(low=0, high=1, loans=loans, paid_off=paid_off))
    assert record is not None
    assert (record.dots, record.defaulted_dots) == (dots, defaulted)


def test_the_dial_shows_the_interval_and_says_it(client: FlaskClient) -> None:
    dial = send(client, ANSWERS).text.split('class="gauge"')[1].split("</svg>")[0]
    assert 'stroke-dasharray="0 89.70 9.96 200"' in dial
    assert "Of test loans that scored alike, 89.7\u00a0% to 99.7\u00a0% were paid off." in dial


def test_without_such_loans_the_dial_has_no_interval(tmp_path: Path) -> None:
    model = StandIn(metadata().model_copy(update={"bands": ()}))
    assert "gauge-interval" not in send(app_with(tmp_path, model).test_client(), ANSWERS).text


# Reference


def test_the_reference_is_the_number_of_the_stored_prediction(client: FlaskClient, app: Flask) -> None:
    first, second = send(client, ANSWERS), send(client, DOUBTFUL)
    assert "Reference 1</h2>" in first.text
    assert "Reference 2</h2>" in second.text
    assert stored(app) == 2


# Other terms


def test_the_script_is_told_what_the_form_would_answer(client: FlaskClient) -> None:
    told = tried(client, 120_000, 36, headers=JSON).get_json()
    page = send(client, ANSWERS | {"loan_amount_czk": 120_000, "loan_duration_months": 36}).text
    shown = re.search(r'<data value="([\d.]+)">([^<]+)</data>', page)
    assert shown
    assert told["payoff_probability"] == pytest.approx(float(shown[1]), abs=1e-9)
    assert told["words"]["probability"] == shown[2]
    assert f"<title>{told['words']['verdict']}" in page
    assert told["instalment_czk"] == pytest.approx(120_000 / 36)
    assert told["words"]["instalment"] == "3,333\u00a0CZK a\u00a0month"
    assert told["curve"]["path"].startswith("M0.00 ")


def test_the_largest_amount_is_told_in_czk_and_in_words(tmp_path: Path) -> None:
    client = app_with(tmp_path, ByAmount([True, True, False, True])).test_client()
    told = tried(client, LOW, 24, headers=JSON).get_json()
    assert told["largest_amount_czk"] == 6000
    assert told["words"]["largest"].startswith(
        "Over 24\u00a0months, payoff is likely for every amount up to 6,000\u00a0CZK. Beyond"
    )


@pytest.mark.parametrize(
    ("granted", "said"),
    [([False] * 3, "doubtful even for 5,000\u00a0CZK"), ([True] * 3, "likely up to 7,000\u00a0CZK, the most")],
)
def test_the_ends_of_what_the_model_knows_are_named(tmp_path: Path, granted: list[bool], said: str) -> None:
    client = app_with(tmp_path, ByAmount(granted)).test_client()
    assert said in tried(client, LOW, 24, headers=JSON).get_json()["words"]["largest"]


def test_without_a_script_the_page_shows_what_was_tried_beside_what_was_entered(client: FlaskClient) -> None:
    answer = tried(client, 900_000, 24)
    page = flowed(answer)
    assert answer.status_code == 200
    assert "With 900,000\u00a0CZK over 24\u00a0months: payoff is doubtful" in page
    assert "Likely to be paid off</h1>" in page
    assert '<td>80,952\u00a0CZK</td><td data-word="amount">900,000\u00a0CZK</td>' in page
    assert "Reference 1</h2>" in page
    assert 'name="what_if_loan_amount_czk" value="900000"' in page


def test_what_is_tried_is_not_stored(client: FlaskClient, app: Flask) -> None:
    tried(client, 90_000, 36)
    tried(client, 90_000, 36, headers=JSON)
    assert stored(app) == 2


@pytest.mark.parametrize(
    ("amount", "months", "field", "problem"),
    [
        (999, 24, "loan_amount_czk", "Amount must be at least 1,000\u00a0CZK."),
        (2_000_001, 24, "loan_amount_czk", "Amount must be at most 2,000,000\u00a0CZK."),
        ("", 24, "loan_amount_czk", "Amount is missing."),
        ("much", 24, "loan_amount_czk", "Amount is not a number."),
        (90_000, 5, "loan_duration_months", "Duration must be at least 6\u00a0months."),
        (90_000, 24.5, "loan_duration_months", "Duration must be a whole number."),
    ],
)
def test_terms_beyond_what_the_form_takes_are_named(
    client: FlaskClient, amount: object, months: object, field: str, problem: str
) -> None:
    told = tried(client, amount, months, headers=JSON)
    assert told.status_code == 400
    assert told.mimetype == "application/problem+json"
    assert told.get_json(force=True)["errors"] == [{"field": f"what_if_{field}", "reason": problem}]
    answer = tried(client, amount, months)
    assert answer.status_code == 400
    assert f'id="what_if_{field}-error">{problem}</p>' in answer.text
    assert f'name="what_if_{field}" value="{amount if field == "loan_amount_czk" else months}"' in answer.text
    assert "Likely to be paid off</h1>" in answer.text


def test_an_answer_that_was_changed_on_the_way_is_refused(client: FlaskClient) -> None:
    changed = tried(client, 90_000, 24, data={"transaction_balance_last": "900000"})
    assert changed.status_code == 400
    assert "not understood" in changed.text
    assert tried(client, 90_000, 24, data={"reference": "made up"}).status_code == 400
    assert tried(client, 90_000, 24, data={"reference": "made up"}, headers=JSON).mimetype == "application/problem+json"


def test_without_its_token_the_script_is_refused_and_the_page_keeps_the_inputs(client: FlaskClient) -> None:
    refused = tried(client, 90_000, 24, data={"csrf_token": ""}, headers=JSON)
    assert (refused.status_code, refused.mimetype) == (400, "application/problem+json")
    page = tried(client, 90_000, 24, data={"csrf_token": ""})
    assert page.status_code == 400
    assert "Please send the form once more" in page.text
    assert 'value="80952"' in page.text


def test_other_terms_opened_without_a_form_lead_to_the_form(client: FlaskClient) -> None:
    assert client.get("/what-if").headers["Location"] == "/"


class Moving(Served):
    """A champion that is replaced."""

    def promote(self, model: StandIn) -> None:
        self.others, self.model = (*self.others, self.current()), model


def test_other_terms_are_asked_of_the_model_that_answered_though_another_was_promoted(tmp_path: Path) -> None:
    models = Moving(StandIn())
    client = create_app(settings(tmp_path), models=models).test_client()
    form = what_if_form(send(client, ANSWERS))
    form |= {"what_if_loan_amount_czk": "80952", "what_if_loan_duration_months": "24"}
    before = client.post("/what-if", data=form, headers=JSON).get_json()
    models.promote(StandIn(metadata("2026-02-01T00-00-00"), fixed=0.9))
    assert client.post("/what-if", data=form, headers=JSON).get_json() == before
    models.others = ()
    assert client.post("/what-if", data=form, headers=JSON).status_code == 503


# Fields, curve and words


def test_a_slider_covers_what_the_model_has_seen_and_what_was_entered() -> None:
    def fields(**changed: Any) -> dict[str, Any]:
        typed = typed_answers(StandIn(), ANSWERS | changed)
        return {field.name: field for field in term_fields(metadata(), typed, {}, {})}

    amount = fields()["what_if_loan_amount_czk"]
    assert (amount.low, amount.high, amount.step, amount.value) == ("5000", "590000", "1000", "80952")
    assert (amount.least, amount.most) == ("1000", "2000000")
    assert fields(loan_amount_czk=800_000)["what_if_loan_amount_czk"].high == "800000"
    months = fields()["what_if_loan_duration_months"]
    assert (months.low, months.high, months.step, months.value) == ("12", "60", "12", "24")
    odd = fields(loan_duration_months=7)["what_if_loan_duration_months"]
    assert (odd.low, odd.high, odd.step) == ("7", "60", "1")


def test_the_curve_rises_with_the_probability_and_marks_the_amount() -> None:
    curve = ((5_000.0, 1.0), (6_000.0, 0.25), (7_000.0, 0.0))
    found = WhatIf(Terms(6_500, 24), 0.2, "default", 5_000, curve)
    picture = drawn(found, metadata())
    assert picture is not None
    assert picture.path == "M0.00 0.00L50.00 75.00L100.00 100.00"
    assert (picture.threshold, picture.amount) == (pytest.approx(20), 75)
    assert "from 100.0\u00a0% at 5,000\u00a0CZK to 0.0\u00a0% at 7,000\u00a0CZK" in picture.words
    for amount in (4_000, 9_000):
        beyond = drawn(replace(found, terms=Terms(amount, 24)), metadata())
        assert beyond is not None
        assert beyond.amount is None


def test_where_there_is_nothing_to_draw_the_page_has_no_curve(tmp_path: Path) -> None:
    model = ByAmount([True])
    assert drawn(what_if(model, typed_answers(model, ANSWERS)), model.metadata) is None
    page = send(app_with(tmp_path, model).test_client(), ANSWERS).text
    assert "What would change it" in page
    assert "curve-line" not in page


def test_nothing_is_said_of_a_largest_amount_where_none_could_be_tried() -> None:
    assert words(WhatIf(Terms(6_500, 24), 0.9, "paid_off", None, ())).largest == ""
