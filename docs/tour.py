"""Takes the pictures of the tour: every page, with the models of the lake, on a phone and on a desktop.

Run it from the root of a checkout after `make run` and `make setup-dev`: `.venv/bin/python docs/tour.py`. It asks a
server of its own, whose database it throws away.
"""

import io
import json
import os
import secrets
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from flask import Flask
from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright
from werkzeug.serving import make_server

from features.questions import QUESTIONS
from payoff.lake import open_lake
from payoff.model import versions
from payoff.settings import load_settings
from webapp import create_app, storage
from webapp.batch.attached import EXTENSION as BATCHES
from webapp.storage.users import add_key, add_user

PICTURES = Path(__file__).with_name("images")
PHONE, DESKTOP = {"width": 390, "height": 844}, {"width": 1280, "height": 900}
COLOURS = 128

GOOD = {
    "loan_amount_czk": "80952", "loan_duration_months": "24", "granted_on": "1997-05-10", "opened_on": "1995-09-02",
    "owner_born_on": "1960-02-04", "district": "Benesov", "account_statement_frequency": "monthly",
    "card_type": "classic", "transaction_balance_last": "48000", "transaction_balance_min_180d": "19000",
    "month_balance_min_mean_180d": "29000", "month_income_mean_180d": "31000", "month_spending_mean_180d": "27000",
    "transaction_balance_mean": "46000", "transaction_amount_mean": "6200", "transaction_count": "150",
    "transaction_count_90d": "19",
}  # fmt: skip
DOUBTFUL = GOOD | {
    "loan_amount_czk": "400000", "transaction_balance_last": "-3000", "transaction_balance_min_180d": "-12000",
    "month_balance_min_mean_180d": "-4000",
}  # fmt: skip


def main() -> None:
    """Take every picture."""
    with tempfile.TemporaryDirectory() as directory, _served(Path(directory)) as (app, address):
        password = secrets.token_urlsafe(12)
        with app.extensions[storage.EXTENSION].session() as session:
            key = add_key(session, add_user(session, "tour", "admin", password, "the tour"), "tour", "the tour").text
        with sync_playwright() as playwright:
            path = next(path for path in ("/usr/bin/chromium", "/usr/bin/google-chrome") if Path(path).exists())
            arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
            browser = playwright.chromium.launch(executable_path=path, args=arguments)
            _for_everyone(browser, address)
            _for_staff(browser, address, password, app)
            _for_programs(browser, address, key)
            browser.close()


@contextmanager
def _served(directory: Path) -> Iterator[tuple[Flask, str]]:
    app = create_app(load_settings(database_url=f"sqlite:///{directory}/tour.sqlite", challenger="shadow"))
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield app, f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()


def _for_everyone(browser: Browser, address: str) -> None:
    form = _page(browser, PHONE)
    form.goto(address)
    _fill(form, GOOD)
    _shoot(form, "form")
    phone = _page(browser, PHONE)
    phone.goto(address)
    _fill(phone, GOOD)
    _ask(phone)
    _shoot(phone, "answer-phone")
    desktop = _page(browser, DESKTOP, dark=True)
    desktop.goto(address)
    _fill(desktop, DOUBTFUL)
    _ask(desktop)
    _shoot(desktop, "answer-doubtful")
    light = _page(browser, DESKTOP)
    light.goto(address)
    _fill(light, GOOD)
    _ask(light)
    _shoot(light, "answer")
    light.goto(f"{address}/about")
    _shoot(light, "about")
    light.goto(f"{address}/?language=cs")
    _shoot(light, "form-czech")


def _for_staff(browser: Browser, address: str, password: str, app: Flask) -> None:
    page = _page(browser, DESKTOP)
    page.goto(f"{address}/staff/login")
    _shoot(page, "login")
    page.fill("#name", "tour")
    page.fill("#password", password)
    page.locator("main").get_by_role("button").click()
    _lookup(page, address)
    _batch(page, address, app)
    newest = versions(open_lake(load_settings()))
    forms = [each for each in newest if each in page.goto(f"{address}/staff/models/").text()]
    for name, path in {
        "history": "/staff/history/", "prediction": "/staff/history/2", "dashboard": "/staff/dashboard/",
        "models": "/staff/models/", "model": f"/staff/models/{forms[0]}",
        "compare": f"/staff/models/compare?left={forms[0]}&right={forms[-1]}",
        "applicant": "/staff/models/applicant?prediction=2", "users": "/staff/people/",
        "account": "/staff/people/account", "audit": "/staff/audit/",
    }.items():  # fmt: skip
        page.goto(address + path)
        _shoot(page, name)


def _lookup(page: Page, address: str) -> None:
    page.goto(f"{address}/staff/lookup/")
    page.get_by_label("Account", exact=True).fill("1787")
    page.get_by_label("Amount", exact=True).fill("96396")
    page.get_by_label("Duration", exact=True).fill("12")
    page.locator("#chosen").check()
    page.locator("#granted_on").fill("1993-07-05")
    page.get_by_role("button", name="Look up and predict").click()
    _shoot(page, "lookup")


def _batch(page: Page, address: str, app: Flask) -> None:
    names = [question.name for question in QUESTIONS]
    rows = [GOOD | {"transaction_balance_min_180d": str(25_000 - 300 * number)} for number in range(150)]
    rows[7] = rows[7] | {"district": "Nowhere", "loan_duration_months": "a year"}
    text = "\n".join([",".join(names), *(",".join(row[name] for name in names) for row in rows)])
    page.goto(f"{address}/staff/batches/")
    page.locator("input[type=file]").set_input_files(
        {"name": "loans.csv", "mimeType": "text/csv", "buffer": text.encode()}
    )
    page.get_by_role("button", name="Send and predict").click()
    app.extensions[BATCHES].rest(120)
    page.reload()
    _shoot(page, "batch")


def _for_programs(browser: Browser, address: str, key: str) -> None:
    page = _page(browser, DESKTOP)
    answer = page.request.post(
        f"{address}/api/v1/predict",
        data=json.dumps(GOOD),
        headers={"X-API-Key": key, "Content-Type": "application/json"},
    )
    if not answer.ok:
        sys.exit(f"the API answered {answer.status}: {answer.text()}")
    page.goto(f"{address}/api/v1/docs")
    page.wait_for_load_state("networkidle")
    _shoot(page, "api")


def _page(browser: Browser, size: Mapping[str, int], *, dark: bool = False) -> Page:
    context = browser.new_context(
        viewport=dict(size), color_scheme="dark" if dark else "light", reduced_motion="reduce", locale="en-GB"
    )
    return context.new_page()


def _fill(page: Page, answers: Mapping[str, str]) -> None:
    for question in QUESTIONS:
        field = page.locator(f"#{question.name}")
        if question.kind in {"choice", "district"}:
            field.select_option(answers[question.name])
        else:
            field.fill(answers[question.name])


def _ask(page: Page) -> None:
    page.get_by_role("button", name="See the prediction").click()
    page.locator(".verdict").wait_for()


def _shoot(page: Page, name: str) -> None:
    """The page from its top, in few colours: a picture is some tens of kilobytes."""
    picture = Image.open(io.BytesIO(page.screenshot(full_page=True))).convert("RGB")
    picture = picture.crop((0, 0, picture.width, min(picture.height, 2_800)))
    picture.quantize(COLOURS).save(PICTURES / f"{name}.png", optimize=True)


if __name__ == "__main__":
    main()
