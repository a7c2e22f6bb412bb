"""The model card as a page of the site and as files."""

import json
import re

import pytest
from flask import Flask
from pages import words
from staffed import CHAMPION, lake_of

from payoff.comparison import HELD_OUT
from payoff.lake import sha256
from webapp.cards import rendered

CARD = b"""# Model card: x

## Fairness

<script>alert(1)</script>

| a | b |
|---|---|
| 1 | [x](javascript:alert) |
"""


def with_card(app: Flask, text: bytes = CARD, name: str = "card.md") -> str:
    lake = lake_of(app)
    found = json.loads(lake.read(f"models/{CHAMPION}/metadata.json"))
    found["attachments"][name] = sha256(text)
    lake.write(f"models/{CHAMPION}/metadata.json", json.dumps(found).encode())
    lake.write(f"models/{CHAMPION}/{name}", text)
    return f"/staff/models/{CHAMPION}/card"


def test_the_card_is_a_page_of_the_site_without_any_tag_of_its_own(app, admin):
    at = with_card(app)
    assert at in admin.get(f"/staff/models/{CHAMPION}").text
    page = admin.get(at).text
    assert "<h1>Model card: x</h1>" in page
    assert '<div class="scrolling" role="region" tabindex="0" aria-label="Fairness"><table>' in page
    assert "&lt;script&gt;alert(1)" in page
    assert "<script>alert" not in page
    assert 'href="javascript' not in page


def test_tables_under_one_heading_are_told_apart():
    table = "| a |\n|---|\n| 1 |\n"
    labels = re.findall(r'aria-label="([^"]+)"', rendered(f'## A "b"\n\n{table}\n\nand\n\n{table}\n'))
    assert labels == ["A &#34;b&#34;", "A &#34;b&#34; 2"]


@pytest.mark.parametrize(("name", "kind"), [("card.md", "text/markdown"), ("card.html", "text/html")])
def test_the_files_of_the_card_are_downloads(app, admin, name, kind):
    at = with_card(app, b"<script>alert(1)</script>", name)
    answer = admin.get(f"{at}/{name}")
    assert answer.data == b"<script>alert(1)</script>"
    assert answer.mimetype == kind
    assert answer.headers["Content-Disposition"] == f'attachment; filename="{CHAMPION}-{name}"'
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("name", [HELD_OUT, "metadata.json", "predictor", "card.pdf", "card.html"])
def test_nothing_but_the_card_is_downloaded(app, admin, name):
    assert admin.get(f"{with_card(app)}/{name}").status_code == 404


def test_a_card_that_is_missing_or_damaged_is_said(app, admin):
    at = f"/staff/models/{CHAMPION}/card"
    assert admin.get(at).status_code == 503
    with_card(app)
    lake_of(app).write(f"models/{CHAMPION}/card.md", b"something else")
    for address in (at, f"{at}/card.md"):
        answer = admin.get(address)
        assert answer.status_code == 503
        assert "it was damaged" in words(answer)
