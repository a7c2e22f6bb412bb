"""English and Czech: who gets which, and that nothing is left untranslated."""

import re
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest
from babel.messages.pofile import read_po
from flask import Flask
from web import ANSWERS

from webapp import wording

ROOT = Path(__file__).resolve().parents[2]
CZECH = ROOT / "webapp" / "translations" / "cs" / "LC_MESSAGES" / "messages.po"


@pytest.mark.parametrize(
    ("wanted", "got"),
    [
        ("cs", "cs"),
        ("cs-CZ,cs;q=0.9,en;q=0.8", "cs"),
        ("en-US,en;q=0.9", "en"),
        ("de", "en"),
        ("sk, cs;q=0.5", "cs"),
        ("", "en"),
    ],
)
def test_a_browser_gets_the_language_it_prefers(app: Flask, wanted: str, got: str) -> None:
    assert f'<html lang="{got}">' in app.test_client().get("/", headers={"Accept-Language": wanted}).text


def test_a_chosen_language_is_remembered_and_outweighs_the_browser(app: Flask) -> None:
    client = app.test_client()
    chosen = client.get("/?language=cs", headers={"Accept-Language": "en"})
    assert '<html lang="cs">' in chosen.text
    assert "HttpOnly" in chosen.headers["Set-Cookie"]
    assert "SameSite=Lax" in chosen.headers["Set-Cookie"]
    assert '<html lang="cs">' in client.get("/about", headers={"Accept-Language": "en"}).text
    assert '<html lang="en">' in client.get("/?language=en", headers={"Accept-Language": "cs"}).text


@pytest.mark.parametrize("asked", ["xx", "../cs", "cs\r\nSet-Cookie: a=b", "<b>"])
def test_an_unknown_language_is_passed_over(app: Flask, asked: str) -> None:
    answer = app.test_client().get("/", query_string={"language": asked})
    assert '<html lang="en">' in answer.text
    assert "Set-Cookie" not in answer.headers or "language" not in answer.headers["Set-Cookie"]


def test_a_cache_between_keeps_the_languages_apart(app: Flask) -> None:
    assert {"Accept-Language", "Cookie"} <= {
        each.strip() for each in app.test_client().get("/").headers["Vary"].split(",")
    }


def test_the_switch_keeps_the_rest_of_the_address(app: Flask) -> None:
    page = app.test_client().get("/staff/login?next=/staff/history/").text
    assert 'href="/staff/login?next=%2Fstaff%2Fhistory%2F&amp;language=cs"' in page


def test_the_switch_on_an_answer_leads_to_the_form_because_an_answer_has_no_address(app: Flask) -> None:
    app.config["WTF_CSRF_ENABLED"] = False
    assert 'href="/?language=cs"' in app.test_client().post("/", data=ANSWERS).text


@pytest.mark.parametrize(
    ("tag", "number", "share", "day"),
    [
        ("en", "−1,234,567.89", "93.4\u00a0%", "10 May 1997"),
        ("cs", "−1\u00a0234\u00a0567,89", "93,4\u00a0%", "10. května 1997"),
    ],
)
def test_numbers_and_dates_are_in_the_readers_form(app: Flask, tag: str, number: str, share: str, day: str) -> None:
    with app.test_request_context(f"/?language={tag}"):
        assert wording.number(-1234567.891) == number
        assert wording.percent(0.934) == share
        assert wording.day(date(1997, 5, 10)) == day


@pytest.fixture(scope="module")
def extracted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every message of the pages as they are now."""
    found = tmp_path_factory.mktemp("messages") / "messages.pot"
    command = [sys.executable, "-m", "babel.messages.frontend", "--quiet", "extract"]
    options = ["--mapping-file", "webapp/translations/babel.cfg", "--keywords", "lazy_gettext", "--keywords", "Worded"]
    subprocess.run([*command, *options, "--output-file", str(found), "."], cwd=ROOT, check=True)
    return found


def test_every_message_of_the_pages_has_a_czech_translation(extracted: Path) -> None:
    with extracted.open("rb") as file:
        wanted = {message.id for message in read_po(file) if message.id}
    with CZECH.open("rb") as file:
        catalogue = read_po(file, locale="cs")
    assert len(wanted) > 100
    lacking = [each for each in wanted if each not in catalogue or not all(_strings(catalogue[each].string))]
    assert lacking == [], "run `make messages`, and translate what it adds"
    assert [message.id for message in catalogue if message.fuzzy] == []
    assert [message.id for message in catalogue if message.id and message.id not in wanted] == []


def test_translations_keep_the_places_of_their_messages() -> None:
    with CZECH.open("rb") as file:
        for message in read_po(file, locale="cs"):
            for translated in _strings(message.string) if message.id else ():
                assert _places(translated) <= _places(" ".join(_strings(message.id))), translated


def _strings(said: str | list[str] | tuple[str, ...]) -> tuple[str, ...]:
    return (said,) if isinstance(said, str) else tuple(said)


def _places(said: str) -> set[str]:
    return set(re.findall(r"%\((\w+)\)s|\{\}", said))
