"""One prediction of the history: its page, its reasons, its outcome, its deletion."""

from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from pages import flowed
from stored import doubtful
from web import DOUBTFUL, Served, StandIn, audited, client_of, database_of, metadata, settings

from webapp import create_app
from webapp.explaining import Explanation, Reason
from webapp.predictions import predict, typed_answers
from webapp.storage.tables import Details

pytestmark = pytest.mark.usefixtures("quick_passwords")


def test_the_detail_page_tells_all_that_is_stored(app: Flask) -> None:
    officer = client_of(app, "officer")
    number = doubtful(app, user_id=1, arm="champion")
    page = flowed(officer.get(f"/staff/history/{number}").text)
    for text in (
        '<h1 id="verdict">Doubtful</h1>', "61.8\u00a0%</data>", "doubtful at 80\u00a0% and below",
        f"Prediction {number}",
        "400,000\u00a0CZK", "24\u00a0months", "A-17", "4711", "Account lookup", "41.2\u00a0ms", "<td>officer</td>",
        "2026-01-05T09-30-00", "2026-02-02T02-02-02", "Doubtful, 60.0\u00a0%", "champion", "Not known yet.",
        "Lowest balance in the last six months", "−12,000\u00a0CZK", "As stored with the prediction",
        "−20.0\u00a0points", "+5.0\u00a0points",
    ):  # fmt: skip
        assert text in page, text
    assert page.index("−20.0\u00a0points") < page.index("+5.0\u00a0points")
    assert page.count("<tr><th") + page.count("<tr> <th") >= len(StandIn().metadata.features)


def test_a_prediction_without_reasons_says_so_and_offers_to_compute_them(app: Flask) -> None:
    number = doubtful(app, reasons=None)
    with database_of(app).session() as session:
        assert session.get_one(Details, number).reasons is None
    viewer = client_of(app, "viewer")
    page = viewer.get(f"/staff/history/{number}").text
    assert "No reasons were stored" in page
    assert f'href="/staff/history/{number}?thorough=1#reasons"' in page


def test_a_thorough_explanation_is_computed_with_the_model_that_answered(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    from webapp.staff import describing

    asked: list[Any] = []

    def explained(model: Any, features: Any, *, thorough: bool) -> Explanation:
        asked.append((model.metadata.version, features, thorough))
        return Explanation(0.9, (Reason("lows", -0.3, (("transaction_balance_min_180d", -12000.0),)),))

    monkeypatch.setattr(describing, "explain", explained)
    number = doubtful(app, reasons=None)
    page = flowed(client_of(app, "viewer").get(f"/staff/history/{number}?thorough=1").text)
    assert "Computed just now, thoroughly. The reasons add up from the average of 90.0\u00a0%" in page
    assert "−30.0\u00a0points" in page
    ((version, features, thorough),) = asked
    assert (version, thorough, len(features)) == ("2026-01-05T09-30-00", True, 1)
    model = StandIn()
    again = predict(model, typed_answers(model, DOUBTFUL))
    assert features.iloc[0].to_dict() == dict(again.features)
    assert 1 - model.default_probabilities(features)[0] == again.payoff_probability


def test_a_missing_figure_is_not_a_number_when_it_is_explained() -> None:
    from webapp.staff.describing import _frame

    frame = _frame("form", {"loan_amount_czk": None, "card_type": "none", "of another version": 1})
    assert frame["loan_amount_czk"].dtype == "float64"
    assert frame["loan_amount_czk"].isna().all()
    assert frame["card_type"].tolist() == ["none"]


def test_a_bar_lies_on_its_side_of_the_middle_and_what_has_no_effect_has_none() -> None:
    from webapp.staff.describing import _shown

    reasons = [Reason("terms", 0.1, ()), Reason("owner", 0.0, ()), Reason("lows", -0.2, ())]
    assert [(bar.effect, bar.start, bar.length) for bar in _shown(reasons, None)] == [(-0.2, 0, 50), (0.1, 50, 25)]


def test_a_model_that_is_gone_leaves_what_was_stored(tmp_path: Path) -> None:
    app = create_app(settings(tmp_path), models=Served(StandIn(metadata("2027-01-01T00-00-00"))))
    number, viewer = doubtful(app), client_of(app, "viewer")
    for query in ("", "?thorough=1"):
        page = viewer.get(f"/staff/history/{number}{query}").text
        assert "can no longer be loaded" in page
        assert "−20.0\u00a0points" in page
        assert "thorough=1#" not in page


def test_a_prediction_that_is_not_there_is_not_found(app: Flask) -> None:
    admin = client_of(app, "admin")
    assert admin.get("/staff/history/7").status_code == 404
    assert admin.get("/staff/history/7/delete").status_code == 404
    assert admin.post("/staff/history/7/delete").status_code == 404
    assert admin.post("/staff/history/7/outcome", data={"outcome": "default"}).status_code == 404
    assert admin.get("/staff/history/99999999999999999999").status_code == 404


def test_an_outcome_is_recorded_corrected_and_withdrawn(app: Flask) -> None:
    number = doubtful(app)
    officer = client_of(app, "officer")
    for given, told in (
        ("paid_off", "Paid off, as recorded on"),
        ("default", "Defaulted, as recorded on"),
        ("unknown", "Not known yet"),
    ):
        answer = officer.post(f"/staff/history/{number}/outcome", data={"outcome": given})
        assert answer.status_code == 303
        page = officer.get(answer.headers["Location"]).text
        assert "The outcome is stored." in page
        assert told in page
        assert f'value="{given}" required checked' in page
    changes = [(e.actor, e.details["from"], e.details["to"]) for e in audited(app) if e.action == "prediction.outcome"]
    assert changes == [("officer", None, "paid_off"), ("officer", "paid_off", "default"), ("officer", "default", None)]


@pytest.mark.parametrize("given", [{}, {"outcome": ""}, {"outcome": "maybe"}])
def test_an_outcome_that_is_none_is_refused(app: Flask, given: dict[str, str]) -> None:
    number = doubtful(app)
    assert client_of(app, "officer").post(f"/staff/history/{number}/outcome", data=given).status_code == 400


def test_deleting_asks_first_and_then_does_it(app: Flask) -> None:
    number = doubtful(app)
    admin = client_of(app, "admin")
    asked = admin.get(f"/staff/history/{number}/delete").text
    assert f"Delete prediction {number}?" in asked
    assert "A-17" in asked
    assert admin.get(f"/staff/history/{number}").status_code == 200
    answer = admin.post(f"/staff/history/{number}/delete")
    assert (answer.status_code, answer.headers["Location"]) == (303, f"/staff/history/?deleted={number}")
    assert f"Prediction {number} is deleted." in admin.get(answer.headers["Location"]).text
    assert admin.get(f"/staff/history/{number}").status_code == 404
    assert ("admin", "prediction.deleted") in {(entry.actor, entry.action) for entry in audited(app)}
