"""Events of everything at AWS that can stand before a function: what the app is told, and what comes back."""

import gzip
import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask, Response, request
from lambda_events import (
    API_DOMAIN,
    ASKER,
    SENDERS,
    TOKEN,
    Asked,
    Browser,
    Event,
    http_api,
    load_balancer,
    load_balancer_single,
    rest_api,
    unpacked,
)
from web import ANSWERS, PASSWORD, Served, StandIn, app_with, employ, key_in, settings

from payoff.errors import ContractError
from webapp import create_app, storage
from webapp.invocations import Handler, answering
from webapp.vendored import PARTS

LINK = re.compile(r'(?:href|src|action)="(/[^"#]*)')


@pytest.fixture
def app(tmp_path: Path) -> Flask:
    return create_app(settings(tmp_path), models=Served(StandIn()), works_batches=False)


@pytest.fixture
def handler(app: Flask) -> Handler:
    return answering(app)


@pytest.fixture(params=SENDERS)
def browser(request: pytest.FixtureRequest, handler: Handler) -> Browser:
    return Browser(handler, SENDERS[request.param])


@pytest.fixture
def told(app: Flask) -> Callable[[Event], dict[str, object]]:
    """From an event to what the app makes of its address and sender."""
    app.add_url_rule("/told", "told", lambda: {
        "root": request.root_path, "asker": request.remote_addr, "secure": request.is_secure, "url": request.url,
        "names": request.args.getlist("name"),
    })  # fmt: skip
    handler = answering(app)
    return lambda event: dict(json.loads(unpacked(handler(event, None)).text))


def prefix_of(browser: Browser) -> str:
    return "/prod" if browser.sender is rest_api else ""


def home_of(browser: Browser) -> str:
    return f"https://{browser.host}/"


def test_the_form_is_answered_through_every_sender(browser: Browser) -> None:
    page = browser.get("/")
    assert (page.status, page.packed) == (200, False)
    assert page.headers["content-type"].startswith("text/html")
    assert page.cookies[0].startswith("__Host-session=")
    token = TOKEN.search(page.text)
    assert token
    sent = ANSWERS | {"csrf_token": token[1]}
    assert browser.post("/", sent, referrer="https://elsewhere.example/").status == 400
    answered = browser.predict(ANSWERS)
    assert answered.status == 200, answered.text
    assert "likely to be paid off" in re.sub(r"\s+", " ", answered.text).lower()


def test_a_login_lasts_through_every_sender(app: Flask, browser: Browser) -> None:
    employ(app, "eva", "officer")
    token = TOKEN.search(browser.get("/staff/login").text)
    assert token
    login = {"name": "eva", "password": PASSWORD, "csrf_token": token[1]}
    entered = browser.post("/staff/login", login, referrer=home_of(browser))
    assert (entered.status, entered.headers["location"]) == (302, f"{prefix_of(browser)}/staff/dashboard/")
    assert browser.get("/staff/dashboard/").status == 200
    browser.jar.clear()
    assert browser.get("/staff/dashboard/").status == 302


def test_a_program_is_answered_through_every_sender(app: Flask, browser: Browser) -> None:
    key = key_in(app.extensions[storage.EXTENSION], "viewer")
    as_json = {"Content-Type": "application/json", "Authorization": f"Bearer {key}"}
    answered = browser.send("/api/v1/predict", json.dumps(ANSWERS | {"district": "Písek"}).encode(), **as_json)
    assert (answered.status, answered.packed) == (400, False)
    assert "district" in str(json.loads(answered.text)["errors"])
    answered = browser.send("/api/v1/predict", json.dumps(ANSWERS).encode(), **as_json)
    assert answered.status == 200
    assert json.loads(answered.text)["prediction"] == "paid_off"
    assert browser.send("/api/v1/predict", b"{}", **{"Content-Type": "application/json"}).status == 401


def test_what_is_no_text_comes_packed_and_whole(app: Flask, browser: Browser) -> None:
    icon = browser.get("/static/icon.svg")
    assert (icon.status, icon.packed) == (200, True)
    assert icon.body == Path(str(app.static_folder), "icon.svg").read_bytes()
    styles = browser.get("/static/app.css")
    assert (styles.status, styles.packed) == (200, False)
    assert styles.body == Path(str(app.static_folder), "app.css").read_bytes()
    assert browser.get("/static/app.css", **{"If-None-Match": styles.headers["etag"]}).status == 304


def test_what_is_compressed_comes_packed(app: Flask, tmp_path: Path) -> None:
    def compressed(answer: Response) -> Response:
        answer.headers["Content-Encoding"] = "gzip"
        return answer

    app.after_request(compressed)
    bundle = tmp_path / "bundle.js"
    bundle.write_bytes(gzip.compress(b"let x;"))
    app.config[PARTS] = {"swagger-ui-bundle.js": bundle}
    script = Browser(answering(app), rest_api).get("/vendor/swagger-ui-bundle.js")
    assert (script.status, script.packed) == (200, True)
    assert gzip.decompress(script.body) == b"let x;"


@pytest.mark.parametrize("sender", SENDERS.values(), ids=SENDERS)
def test_whoever_asks_is_known_by_what_aws_saw_not_by_what_is_claimed(
    told: Callable[[Event], dict[str, object]], sender: Callable[[Asked], Event]
) -> None:
    found = told(sender(Asked("GET", "/told", "name=a%26b&name=%C5%99")))
    assert (found["asker"], found["secure"]) == (ASKER, True)
    single = sender is load_balancer_single
    assert found["names"] == (["ř"] if single else ["a&b", "ř"])


@pytest.mark.parametrize(
    ("event", "root", "url"),
    [
        (rest_api(Asked("GET", "/told")), "/prod", f"https://{API_DOMAIN}/prod/told"),
        (rest_api(Asked("GET", "/told"), domain="loans.example"), "", "https://loans.example/told"),
        (rest_api(Asked("GET", "/told"), stage="told"), "/told", f"https://{API_DOMAIN}/told/told"),
        (rest_api(Asked("GET", "/told"), stage="told", domain="loans.example"), "", "https://loans.example/told"),
        (http_api(Asked("GET", "/told")), "", f"https://{API_DOMAIN}/told"),
        (http_api(Asked("GET", "/told"), stage="v1"), "/v1", f"https://{API_DOMAIN}/v1/told"),
        (http_api(Asked("GET", "/told"), stage="v1", domain="loans.example"), "", "https://loans.example/told"),
        (load_balancer(Asked("GET", "/told")), "", "https://loans.example/told"),
    ],
)
def test_the_app_knows_the_address_that_the_browser_shows(
    told: Callable[[Event], dict[str, object]], event: Event, root: str, url: str
) -> None:
    found = told(event)
    assert (found["root"], found["url"]) == (root, url)


@pytest.mark.parametrize("sender", [rest_api, lambda asked: http_api(asked, stage="prod")], ids=["REST", "HTTP"])
def test_below_a_stage_every_link_of_the_form_leads_to_something(
    handler: Handler, sender: Callable[[Asked], Event]
) -> None:
    browser = Browser(handler, sender)
    links = set(LINK.findall(browser.get("/").text))
    assert len(links) > 5
    for link in links:
        assert link.startswith("/prod/"), link
        assert browser.get(link.removeprefix("/prod").partition("?")[0]).status in {200, 302}, link


def test_below_a_stage_a_login_leads_back_to_the_page_that_was_asked_for(app: Flask, handler: Handler) -> None:
    employ(app, "eva", "officer")
    browser = Browser(handler, rest_api)
    asked = browser.get("/staff/history/", "order=newest")
    assert asked.headers["location"].startswith("/prod/staff/login?")
    query = asked.headers["location"].partition("?")[2]
    token = TOKEN.search(browser.get("/staff/login", query).text)
    assert token
    login = {"name": "eva", "password": PASSWORD, "csrf_token": token[1]}
    entered = browser.post(f"/staff/login?{query}", login, referrer=home_of(browser))
    assert (entered.status, entered.headers["location"]) == (302, "/prod/staff/history/?order=newest")


def test_below_a_stage_a_form_that_was_open_for_too_long_leads_back_to_itself(handler: Handler) -> None:
    browser = Browser(handler, rest_api)
    stale = browser.post("/staff/login", {"name": "eva", "csrf_token": "of yesterday"}, referrer=home_of(browser))
    assert stale.status == 400
    assert 'href="/prod/staff/login"' in stale.text


def test_the_root_of_a_stage_is_the_form(handler: Handler) -> None:
    asked = http_api(Asked("GET", ""), stage="v1")
    assert unpacked(handler(asked, None)).status == 200
    other = http_api(Asked("GET", "ersion"), stage="v1")
    other["rawPath"] = "/v1ersion"
    assert unpacked(handler(other, None)).status == 404


@pytest.mark.parametrize(
    ("event", "found"),
    [
        ({}, "of none"),
        ([1], "of none"),
        (None, "of none"),
        ({"key1": "value1", "key2": "value2"}, "key1, key2"),
        ({"version": "0", "id": "x", "source": "aws.events", "detail": {}}, "detail, id, source, version"),
        ({"version": "2.0", "rawPath": "/"}, "rawPath, version"),
        ({"httpMethod": "GET", "path": "/", "requestContext": None}, "httpMethod, path, requestContext"),
    ],
)
def test_an_event_that_is_no_request_is_refused_with_what_was_expected(
    handler: Handler, event: Event, found: str
) -> None:
    with pytest.raises(ContractError, match=rf"fields {found}; expected a request as API Gateway"):
        handler(event, None)


def test_where_nothing_goes_on_after_an_answer_no_batch_is_taken_in(app: Flask, tmp_path: Path) -> None:
    employ(app, "eva", "officer")
    app.config["WTF_CSRF_ENABLED"] = False
    client = app.test_client()
    client.post("/staff/login", data={"name": "eva", "password": PASSWORD})
    page = client.get("/staff/batches/")
    assert page.status_code == 200
    assert "takes no files" in page.text
    assert 'type="file"' not in page.text
    sent = client.post("/staff/batches/", data={"file": (tmp_path / "none.csv").open("wb+")})
    assert sent.status_code == 503
    assert "takes no files" in sent.text
    assert client.post("/staff/batches/1/try-again").status_code == 503
    assert "takes no files" not in app_page(tmp_path / "other")


def app_page(directory: Path) -> str:
    """The page of batches where they are worked off."""
    from web import client_of

    return client_of(app_with(directory), "officer").get("/staff/batches/").text
