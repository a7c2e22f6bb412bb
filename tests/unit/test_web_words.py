"""Every word of the pages for everyone can be said in another language."""

import io
import re
from datetime import date
from gettext import NullTranslations
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from babel.messages.extract import extract as extracted
from flask import abort
from flask_babel import Domain
from pages import send, tried
from web import ANSWERS, DISTRICTS, DOUBTFUL, StandIn, app_with, metadata

from features import answers
from features.questions import QUESTIONS
from payoff.errors import ModelError, NoModel, Quantity, Worded
from webapp import messages, wording


class Marked(NullTranslations):
    """A language that says everything in brackets, so that whatever stands outside of them was not translated."""

    def gettext(self, message: str) -> str:
        return f"⟦{message}⟧"

    def ngettext(self, one: str, many: str, number: int) -> str:
        return self.gettext(one if number == 1 else many)

    ugettext, ungettext = gettext, ngettext


@pytest.fixture
def marked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Domain, "get_translations", lambda _: Marked())


class Texts(HTMLParser):
    """What a page says, in its texts and in the attributes that are read out."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.said: list[str] = []
        self._code = 0
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._code += tag == "code"
        read_out = {"aria-label", "aria-valuetext", "title", "alt", "data-failed", "data-wording"}
        self.said += [value for name, value in attrs if name in read_out and value]

    def handle_endtag(self, tag: str) -> None:
        self._code -= tag == "code"

    def handle_data(self, data: str) -> None:
        if not self._code:
            self.said.append(data)


def untranslated(page: str) -> set[str]:
    """Words outside of the brackets, but for names, numbers and dates."""
    text = "\n".join(Texts(page).said)
    while re.search(r"⟦[^⟦⟧]*⟧", text):
        text = re.sub(r"⟦[^⟦⟧]*⟧", "", text)
    text = re.sub(r"\d{1,2} \w+ \d{4}|UTC|\d{4}-\d\d-\d\dT[\d.-]+", "", text)
    names = {"Payoff", "English", "Čeština", *(word for each in DISTRICTS for word in re.findall(r"\w+", each.name))}
    return set(re.findall(r"[^\W\d_]{2,}", text)) - names


def test_a_word_that_is_not_translated_is_seen() -> None:
    assert untranslated('<p>⟦a ⟦b⟧ c⟧ alas</p><img alt="poor">') == {"alas", "poor"}


PAGES = {
    "form": lambda client: client.get("/"),
    "mistakes": lambda client: send(client, {}),
    "contradictions": lambda client: send(client, ANSWERS | {"opened_on": "1998-01-01", "transaction_count_90d": 500}),
    "out of range": lambda client: send(client, ANSWERS | {"loan_amount_czk": 1, "granted_on": "1980-01-01"}),
    "expired": lambda client: client.post("/", data=ANSWERS),
    "paid off": lambda client: send(client, ANSWERS),
    "doubtful": lambda client: send(client, DOUBTFUL),
    "other terms": lambda client: tried(client, 900_000, 60),
    "faulty terms": lambda client: tried(client, 1, 1),
    "about": lambda client: client.get("/about"),
    "not there": lambda client: client.get("/nowhere"),
    "too large": lambda client: client.post("/", data={"loan_amount_czk": "1" * 70_000}),
}


@pytest.mark.usefixtures("marked")
@pytest.mark.parametrize("page", PAGES)
def test_every_word_of_a_page_is_translated(tmp_path: Path, page: str) -> None:
    assert untranslated(PAGES[page](app_with(tmp_path).test_client()).text) == set()


@pytest.mark.usefixtures("marked")
@pytest.mark.parametrize("error", [NoModel("none"), ModelError("broken")])
def test_the_page_without_a_model_is_translated(tmp_path: Path, error: Exception) -> None:
    assert untranslated(app_with(tmp_path, error).test_client().get("/").text) == set()


@pytest.mark.usefixtures("marked")
@pytest.mark.parametrize("status", [400, 403, 418, 429, 500, 503])
def test_every_error_page_is_translated(tmp_path: Path, status: int) -> None:
    app = app_with(tmp_path)
    app.add_url_rule("/broken", view_func=lambda: abort(status))
    answer = app.test_client().get("/broken")
    assert answer.status_code == status
    assert untranslated(answer.text) == set()


def test_too_many_requests_are_told_what_to_do(tmp_path: Path) -> None:
    app = app_with(tmp_path)
    app.add_url_rule("/often", view_func=lambda: abort(429))
    assert "That was too often" in app.test_client().get("/often").text


def found(file: str, keyword: str) -> set[str]:
    with Path(file).open("rb") as source:
        return {str(message) for _, message, _, _ in extracted("python", source, {keyword: None})}


def test_what_may_be_wrong_with_an_answer_is_found_for_translation() -> None:
    words = found(answers.__file__, "Worded")
    assert {"is missing", "must be at least %(limit)s", "must be before the day of the grant"} <= words
    # Whatever is said without a template could not be said in another language.
    source = Path(answers.__file__).read_text(encoding="utf-8")
    assert not re.search(r"ValueError\((?!Worded)", source)


@pytest.mark.parametrize(
    "changed",
    [{question.name: None} for question in QUESTIONS]
    + [{"loan_amount_czk": 1}, {"loan_duration_months": 6.5}, {"card_type": "tin"}, {"district": "Atlantis"}, {"x": 1}],
    ids=str,
)
def test_every_fault_can_be_said_from_its_template(changed: dict[str, Any]) -> None:
    from payoff.errors import InvalidAnswers

    with pytest.raises(InvalidAnswers) as caught:
        answers.validated(ANSWERS | changed, metadata().salaries)
    for reason in caught.value.fields.values():
        assert isinstance(reason, Worded)
        assert reason.template in found(answers.__file__, "Worded")
        assert reason == reason.template % reason.values


def test_what_is_declared_elsewhere_is_handed_to_babel() -> None:
    listed = [message for _, _, message, _ in messages.extract(io.BytesIO(), (), (), {})]
    assert listed == messages.declared()
    for question in QUESTIONS:
        assert {question.label, question.hint, question.section, *dict(question.choices).values()} <= set(listed)
    assert {"CZK", "CZK a month", "months", "years", "days", "Age of the account", "Prague"} <= set(listed)
    assert "" not in listed


def test_numbers_and_dates_in_a_fault_are_said_in_the_readers_form() -> None:
    fault = Worded("must be at least %(limit)s", limit=Quantity(1_000, "CZK"))
    assert fault == "must be at least 1,000 CZK"
    assert wording.said(fault) == "must be at least 1,000\u00a0CZK"
    assert (
        wording.said(Worded("must not be before %(day)s", day=date(1990, 1, 1))) == "must not be before 1 January 1990"
    )
    assert wording.said("as it is") == "as it is"
    assert wording.faulty("Amount", fault) == "Amount must be at least 1,000\u00a0CZK"


def test_the_readers_language_reaches_numbers_units_and_faults(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    czech = {"CZK": "Kč", "Amount": "Částka", "%(label)s %(reason)s": "%(label)s: %(reason)s", "is missing": "chybí"}

    class Czech(Marked):
        def gettext(self, message: str) -> str:
            return czech.get(message, message)

        ugettext = gettext

    monkeypatch.setattr(Domain, "get_translations", lambda _: Czech())
    client = app_with(tmp_path).test_client()
    page = client.get("/?language=cs").text
    assert "30\u00a0276 to 326\u00a0724\u00a0Kč" in page
    assert "Částka: chybí" in send(client, {}).text


def test_signed_points_are_said_with_the_unit() -> None:
    assert wording.points(0.0346) == "+3.5\u00a0points"
    assert wording.points(-0.4) == "−40.0\u00a0points"
    assert wording.points(0.0001) == "0.0\u00a0points"


@pytest.mark.parametrize(
    ("share", "shown"), [(0, "0"), (1, "100"), (0.994, ">99"), (0.9, "90"), (0.004, "<1"), (0.986, "99")]
)
def test_the_dial_shows_no_certainty_that_is_none(share: float, shown: str) -> None:
    assert wording.dial_percent(share) == f"{shown}\u00a0%"


def test_a_regions_name_is_translated_with_its_district(tmp_path: Path, marked: None) -> None:
    page = send(app_with(tmp_path, StandIn()).test_client(), ANSWERS).text
    assert "Benesov, ⟦central Bohemia⟧" in page
