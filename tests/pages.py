"""Pages as a browser gets them and as a reader sees them, and the forms on them."""

import re
from typing import Any

from flask.testing import FlaskClient
from web import ANSWERS
from werkzeug.test import TestResponse

HIDDEN = re.compile(r'<input type="hidden" name="(\w+)" value="([^"]*)">')
TOKEN = re.compile(r'name="csrf_token" value="([^"]+)"')


def flowed(page: TestResponse | str) -> str:
    """The page without its line breaks; the spaces that bind numbers to units stay."""
    return re.sub(r"[ \n]+", " ", page if isinstance(page, str) else page.text)


def words(page: TestResponse) -> str:
    """What a reader sees, with a single blank wherever there is room."""
    body = re.sub(r"<(script|style).*?</\1>", "", page.text, flags=re.DOTALL)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", body))


def token_of(client: FlaskClient, address: str = "/") -> str:
    """The token of the forms on a page."""
    found = TOKEN.search(client.get(address).text)
    assert found
    return found[1]


def send(client: FlaskClient, answers: dict[str, Any], address: str = "/") -> TestResponse:
    """Open the form and send ``answers`` with its token, as a browser would."""
    return client.post(address, data=answers | {"csrf_token": token_of(client)})


def what_if_form(answer: TestResponse) -> dict[str, str]:
    """What the page would send to try other terms, but for the terms."""
    section = answer.text.split('id="what-if"')[1].split("</form>")[0]
    return dict(HIDDEN.findall(section))


def tried(client: FlaskClient, amount: object, months: object, **others: Any) -> TestResponse:
    """Answer the form, then try other terms as the page would: with ``headers=JSON`` as its script does."""
    form = what_if_form(send(client, ANSWERS))
    form |= {"what_if_loan_amount_czk": str(amount), "what_if_loan_duration_months": str(months)}
    return client.post("/what-if", data=form | others.pop("data", {}), **others)
