"""What this is, what is kept, and the model card."""

from pathlib import Path

import pytest
from flask.testing import FlaskClient
from pages import flowed
from web import Served, StandIn, app_with, metadata, settings

from payoff.errors import ModelError, NoModel
from payoff.lake import DirectoryLake, sha256
from payoff.metadata import Figure
from webapp import create_app
from webapp.public.about import _METRICS

CARD = "# Model card\n\nČeská banka\n".encode()


def client_with(directory: Path, card: bytes | None = CARD, **attachments: str) -> FlaskClient:
    """A client of an app whose model has a card with the checksum in ``attachments``, or its own."""
    described = metadata().model_copy(update={"attachments": attachments or {"card.md": sha256(CARD)}})
    lake = DirectoryLake(directory / "lake")
    if card is not None:
        lake.write(f"models/{described.version}/card.md", card)
    return create_app(settings(directory), lake, Served(StandIn(described))).test_client()


def test_the_page_says_what_this_is_not_and_how_long_answers_are_kept(tmp_path: Path) -> None:
    app = create_app(settings(tmp_path, retention_days=90), models=Served(StandIn()))
    page = flowed(app.test_client().get("/about"))
    assert "Not a decision.</strong>" in page
    assert "one Czech bank, 1993–1998" in page
    assert "deletes what is older than 90 days" in page
    assert "name the reference that stands on the page of your answer" in page


def test_the_page_tells_how_the_model_was_judged(tmp_path: Path) -> None:
    page = flowed(app_with(tmp_path).test_client().get("/about"))
    assert "<dd>2026-01-05T09-30-00</dd>" in page
    assert "354, of which 21 defaulted or fell into debt" in page
    assert "at a probability of payoff of 80\u00a0% and below" in page
    assert "Ranking (ROC AUC)<span" in page
    assert '0.90 <span class="interval">(0.86 to 0.94)</span>' in page
    assert '3,000\u00a0CZK <span class="interval">(2,000 to 4,000\u00a0CZK)</span>' in page
    assert "off by 2.0 percentage points" in page


def test_every_metric_of_a_training_has_its_sentence() -> None:
    from training.evaluation.wording import METRICS

    assert set(_METRICS) == {metric.name for group in METRICS.values() for metric in group}


def test_a_metric_without_a_baseline_is_shown_alone(tmp_path: Path) -> None:
    figures = {"recall": Figure(value=0.7, low=0.5, high=0.9)}
    described = metadata().model_copy(update={"metrics": figures, "baseline": {}})
    page = flowed(app_with(tmp_path, StandIn(described)).test_client().get("/about"))
    assert "Defaults foreseen (recall)" in page
    assert "<td>–</td>" in page


@pytest.mark.parametrize("error", [NoModel("none"), ModelError("broken")])
def test_the_page_needs_no_model(tmp_path: Path, error: Exception) -> None:
    answer = app_with(tmp_path, error).test_client().get("/about")
    assert answer.status_code == 200
    assert "None answers at the moment" in answer.text
    assert "/about/card" not in answer.text


def test_the_card_can_be_kept_as_markdown(tmp_path: Path) -> None:
    client = client_with(tmp_path)
    assert 'href="/about/card"' in client.get("/about").text
    answer = client.get("/about/card")
    assert answer.data == CARD
    assert answer.headers["Content-Type"] == "text/markdown; charset=utf-8"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="model-card-2026-01-05T09-30-00.md"'


@pytest.mark.parametrize("card", [None, b"another card"], ids=["missing", "damaged"])
def test_a_card_that_cannot_be_read_is_admitted_and_logged(
    tmp_path: Path, card: bytes | None, caplog: pytest.LogCaptureFixture
) -> None:
    answer = client_with(tmp_path, card).get("/about/card")
    assert answer.status_code == 503
    assert "The model card cannot be read" in answer.text
    assert "card.md" in caplog.text
    assert "card.md" not in answer.text


def test_a_model_without_a_card_has_no_page_of_it(tmp_path: Path) -> None:
    client = app_with(tmp_path).test_client()
    assert "/about/card" not in client.get("/about").text
    assert client.get("/about/card").status_code == 404
