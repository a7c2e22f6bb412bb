"""What hostile senders try, and the answer that each attempt gets; docs/security.md shows the same table.

``python tests/hostile.py`` prints the table for the document. Attempts on the wire need a server of their own.
"""

import gzip
import json
import re
import secrets
import socket
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

if __name__ == "__main__":
    sys.path[:0] = [str(Path(__file__).parents[1])]

from flask import Flask
from flask.sessions import SecureCookieSessionInterface
from flask.testing import FlaskClient
from itsdangerous import URLSafeTimedSerializer
from web import ANSWERS, PASSWORD, api_key, employ
from werkzeug.test import TestResponse

from webapp import storage
from webapp.storage.tables import ApiKey, AuditEntry, Batch, StoredPrediction, User
from webapp.storage.users import add_key, add_user, find_user, key_of, revoke_key, set_disabled

PREDICT = "/api/v1/predict"
TOKEN = re.compile(r'name="csrf_token" value="([^"]+)"')
#: What would do harm if any program took a text for more than a text.
INJECTIONS = (
    "'; drop table predictions; --",
    "' or '1'='1",
    "{{ 7 * 7 }}",
    "{% for x in ().__class__ %}",
    "${jndi:ldap://example.com/a}",
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "=cmd|' /C calc'!A0",
    "../../../../etc/passwd",
    "%0d%0aSet-Cookie: a=b",
    "\u202etxt.exe",
    "a\x00b",
    "a\r\nSet-Cookie: a=b",
    "2026-01-01 ERROR root logged in\n",
)


@dataclass
class World:
    """An app with its form tokens checked, and staff in it; ``address`` where it is served on the wire."""

    app: Flask
    address: str = ""
    keys: dict[str, str] = field(default_factory=dict)

    def browser(self) -> FlaskClient:
        return self.app.test_client()

    def logged_in(self, name: str = "viewer") -> FlaskClient:
        client = self.browser()
        answer = self.log_in(client, name)
        assert answer.status_code == 302, answer.text
        return client

    def log_in(self, client: FlaskClient, name: str, password: str = PASSWORD, query: str = "") -> TestResponse:
        token = token_of(client, "/staff/login")
        return client.post(f"/staff/login{query}", data={"name": name, "password": password, "csrf_token": token})

    def ask(self, method: str = "POST", address: str = PREDICT, role: str = "viewer", **sent: Any) -> TestResponse:
        sent["headers"] = {"X-API-Key": self.keys[role]} | sent.get("headers", {})
        return self.app.test_client().open(address, method=method, **sent)

    def predict(self, **changed: Any) -> TestResponse:
        return self.ask(data=json.dumps(ANSWERS | changed), content_type="application/json")

    def transaction(self) -> Any:
        return self.app.extensions[storage.EXTENSION].session()

    def wire(self, request: bytes) -> str:
        """The status line's number of what the real server answers to ``request``."""
        parts = urlsplit(self.address)
        with socket.create_connection((str(parts.hostname), int(parts.port or 0)), timeout=30) as connection:
            # It may have had enough before all was sent.
            with suppress(OSError):
                connection.sendall(request)
            try:
                line = connection.makefile("rb").readline().decode("latin-1")
            except OSError:
                return "closed"
        return line.split()[1] if line else "closed"


def staffed(app: Flask, address: str = "") -> World:
    """An app with a viewer, an officer and an admin, and a key of each."""
    for role in ("viewer", "officer", "admin"):
        employ(app, role, role)
    return World(app, address, {role: api_key(app, role) for role in ("viewer", "officer")})


def token_of(client: FlaskClient, address: str) -> str:
    found = TOKEN.search(client.get(address).text)
    assert found
    return found[1]


def said(answer: TestResponse) -> str:
    """An answer in a few words: its status, the fields that a problem names, where a redirect leads."""
    words = str(answer.status_code)
    if answer.status_code in {301, 302, 303, 307, 308}:
        return f"{words} to `{urlsplit(answer.headers['Location']).path}`"
    if answer.mimetype == "application/problem+json":
        fields = [
            f"`{error['field']}`" if error["field"] else "the request"
            for error in answer.get_json(force=True).get("errors", [])
        ]
        return f"{words} naming {', '.join(fields)}" if fields else words
    return words


def alike(answers: list[TestResponse]) -> str:
    """The one thing that all of them say."""
    (words,) = {said(answer) for answer in answers}
    return words


@dataclass(frozen=True)
class Attempt:
    """Something hostile, and the answer it must get."""

    area: str
    sent: str
    answer: str
    run: Callable[[World], str]
    on_the_wire: bool = False


ATTEMPTS: list[Attempt] = []


def attempt(area: str, sent: str, answer: str, *, wire: bool = False) -> Callable[[Callable[[World], str]], None]:
    """Put a function, which makes the attempt and tells what was answered, into the table."""

    def keep(run: Callable[[World], str]) -> None:
        ATTEMPTS.append(Attempt(area, sent, answer, run, wire))

    return keep


def table() -> str:
    """All attempts as a Markdown table."""
    rows = [f"| {each.area} | {each.sent} | {each.answer} |" for each in ATTEMPTS]
    return "\n".join(["| area | what is sent | what is answered |", "|---|---|---|", *rows])


TYPES = "types and sizes"


@attempt(TYPES, "a list, an object, true or null for a number", "400 naming `loan_amount_czk`")
def _(world: World) -> str:
    return alike([world.predict(loan_amount_czk=value) for value in ([1], {"a": 1}, True, None)])


@attempt(TYPES, "a number of 400 or of 60,000 digits, or 1e999", "400 naming `loan_amount_czk`")
def _(world: World) -> str:
    bodies = [json.dumps(ANSWERS).replace("80952", digits) for digits in ("9" * 400, "9" * 60_000, "1e999")]
    return alike([world.ask(data=body, content_type="application/json") for body in bodies])


@attempt(TYPES, "NaN, Infinity, or a body that is no JSON", "400 naming the request")
def _(world: World) -> str:
    bodies = ('{"a": NaN}', '{"a": -Infinity}', "{", "", "a=b", "\x00")
    return alike([world.ask(data=body, content_type="application/json") for body in bodies])


@attempt(TYPES, "60,000 nested lists", "400 naming the request")
def _(world: World) -> str:
    return said(world.ask(data="[" * 60_000, content_type="application/json"))


@attempt(
    TYPES, "a field that is not asked for, such as `__proto__` or `__class__`", "400 naming `__proto__`, `__class__`"
)
def _(world: World) -> str:
    return said(world.predict(__proto__={"admin": True}, __class__="User"))


@attempt(TYPES, "a field name of 5,000 letters", "400 naming the first 64 of them")
def _(world: World) -> str:
    return said(world.predict(**{"x" * 5000: 1})).replace(f"`{'x' * 64}`", "the first 64 of them")


@attempt(TYPES, "a field twice in one object", "400 naming `district`")
def _(world: World) -> str:
    return said(world.ask(data='{"district": "a", "district": "b"}', content_type="application/json"))


@attempt(TYPES, "a parameter twice in one address", "400 naming `verdict`")
def _(world: World) -> str:
    return said(world.ask("GET", "/api/v1/predictions?verdict=default&verdict=paid_off"))


@attempt(TYPES, "a prediction's number beyond 64 bits, negative, or in words", "404")
def _(world: World) -> str:
    numbers = ("9" * 30, "-1", "one", "1;drop", "%00")
    return alike([world.ask("GET", f"/api/v1/predictions/{number}") for number in numbers])


@attempt(TYPES, "a body of 70 kB, or a batch of more than 2 MB", "413")
def _(world: World) -> str:
    large = {PREDICT: 70_000, f"{PREDICT}/batch": 2_100_000}
    return alike(
        [world.ask("POST", to, data=b" " * size, content_type="application/json") for to, size in large.items()]
    )


@attempt(TYPES, "a batch of 1,001 loans", "400 naming the request")
def _(world: World) -> str:
    return said(world.ask("POST", f"{PREDICT}/batch", json=[{}] * 1001))


@attempt(TYPES, "10,000 fields in a form", "413")
def _(world: World) -> str:
    client = world.browser()
    token = token_of(client, "/")
    parts = {f"f{number}": "x" for number in range(10_000)}
    return said(client.post("/", data=parts | {"csrf_token": token}))


ENCODINGS = "encodings"


@attempt(ENCODINGS, "UTF-16, UTF-8 with a byte order mark, or bytes that are no text", "400 naming the request")
def _(world: World) -> str:
    body = json.dumps(ANSWERS)
    bodies = (body.encode("utf-16"), b"\xef\xbb\xbf" + body.encode(), b"\xff\xfe\xfd")
    return alike([world.ask(data=each, content_type="application/json") for each in bodies])


@attempt(ENCODINGS, "a lone surrogate in a value", "400 naming `district`")
def _(world: World) -> str:
    return said(world.predict(district="\ud800"))


@attempt(ENCODINGS, "a gzip bomb, or any other Content-Encoding: nothing is unpacked", "415")
def _(world: World) -> str:
    bomb = gzip.compress(b" " * 10_000_000)
    kinds = {"gzip": bomb, "deflate": b"x", "br": b"x", "identity, gzip": bomb}
    return alike(
        [
            world.ask(data=body, content_type="application/json", headers={"Content-Encoding": kind})
            for kind, body in kinds.items()
        ]
    )


@attempt(ENCODINGS, "another Content-Type: a form, XML, text", "415")
def _(world: World) -> str:
    kinds = ("application/x-www-form-urlencoded", "application/xml", "text/plain", "multipart/form-data; boundary=x")
    return alike([world.ask(data=json.dumps(ANSWERS), content_type=kind) for kind in kinds])


INJECTION = "injections"


@attempt(
    INJECTION, "SQL, templates, scripts, formulas, paths or control characters as a choice", "400 naming `card_type`"
)
def _(world: World) -> str:
    return alike([world.predict(card_type=text) for text in INJECTIONS])


@attempt(INJECTION, "the same as a district or a date", "400 naming `granted_on`, `district`")
def _(world: World) -> str:
    return alike([world.predict(district=text, granted_on=text) for text in INJECTIONS])


@attempt(INJECTION, "the same as the caller's own reference, control characters among it", "400 naming `application`")
def _(world: World) -> str:
    return alike([world.predict(application=text) for text in INJECTIONS if not text.isprintable()])


@attempt(INJECTION, "the same, printable", "200, stored to the letter, found by its letters, and nothing else happens")
def _(world: World) -> str:
    texts = [text for text in INJECTIONS if text.isprintable()]
    words = alike([world.predict(application=text) for text in texts])
    with world.transaction() as session:
        assert {row.application for row in session.query(StoredPrediction)} >= set(texts)
    for text in texts:
        found = world.ask("GET", "/api/v1/predictions", query_string={"search": text}).get_json()["predictions"]
        assert {row["application"] for row in found} == {text}
    return f"{words}, stored to the letter, found by its letters, and nothing else happens"


@attempt(INJECTION, "the same in every field of the form", "400, and the page shows it as text")
def _(world: World) -> str:
    client = world.browser()
    token = token_of(client, "/")
    for text in INJECTIONS:
        answer = client.post("/", data=dict.fromkeys(ANSWERS, text) | {"csrf_token": token})
        assert answer.status_code == 400
        assert "<script>alert" not in answer.text
        assert "<img" not in answer.text
    return "400, and the page shows it as text"


@attempt(INJECTION, "the same as a search, a model version or a key", "200 with nothing found; 404; 401")
def _(world: World) -> str:
    texts = [text for text in INJECTIONS if text.isprintable()]
    found = [world.ask("GET", "/api/v1/predictions", query_string={"search": f"{text}~"}) for text in texts]
    assert all(answer.get_json()["predictions"] == [] for answer in found)
    models = [world.ask("GET", "/api/v1/models/compare", query_string={"left": text, "right": "x"}) for text in texts]
    keys = [world.ask("GET", "/api/v1/models", headers={"X-API-Key": text}) for text in texts if text.isascii()]
    return f"{alike(found)} with nothing found; {alike(models)}; {alike(keys)}"


@attempt(INJECTION, "a line break in a name at the login", "400, and the audit log does not repeat it")
def _(world: World) -> str:
    answer = world.log_in(world.browser(), "x\nroot logged in", "wrong password")
    with world.transaction() as session:
        assert not [row for row in session.query(AuditEntry) if "root" in f"{row.actor}{row.subject}{row.details}"]
    return f"{said(answer)}, and the audit log does not repeat it"


@attempt(INJECTION, "`{{ 7 * 7 }}` or a script in an address that is not there", "404, and the page does not repeat it")
def _(world: World) -> str:
    answers = [world.browser().get(f"/{text}") for text in ("{{7*7}}", "<script>alert(1)</script>")]
    assert not [answer for answer in answers if "49" in answer.text or "alert(1)" in answer.text]
    return f"{alike(answers)}, and the page does not repeat it"


ADDRESSES = "addresses"


@attempt(ADDRESSES, "paths out of the static files, plain and encoded", "404")
def _(world: World) -> str:
    paths = ("/static/../__init__.py", "/static/%2e%2e/__init__.py", "/static/..%2f..%2fpyproject.toml",
             "/vendor/..%2f..%2fpackage.json", "/vendor/%2fetc%2fpasswd")  # fmt: skip
    return alike([world.browser().get(path) for path in paths])


@attempt(ADDRESSES, "a method that an address does not know, and one in `X-HTTP-Method-Override`", "405")
def _(world: World) -> str:
    world.predict()
    override = {"X-HTTP-Method-Override": "PUT", "X-Method-Override": "PUT"}
    outcome = "/api/v1/predictions/1/outcome"
    return alike(
        [
            world.ask("POST", outcome, "officer", json={"outcome": "default"}, headers=override),
            world.ask("POST", f"{outcome}?_method=PUT", "officer", json={"outcome": "default"}),
            world.ask("DELETE", "/api/v1/predictions/1", "officer"),
            world.ask("TRACE", "/api/v1/predictions/1", "officer"),
            world.browser().delete("/staff/login"),
        ]
    )


@attempt(
    ADDRESSES, "a `next` after the login that leads to another site, or breaks the header", "302 to `/staff/dashboard/`"
)
def _(world: World) -> str:
    places = ("https://example.com", "//example.com", "/\\example.com", "\\\\example.com", "javascript:alert(1)",
              "https:example.com", "///example.com", "/%09/example.com", "%0d%0aSet-Cookie:%20a=b",
              "/%0d%0aSet-Cookie:%20a=b")  # fmt: skip
    answers = [world.log_in(world.browser(), "viewer", query=f"?next={place}") for place in places]
    assert not [answer for answer in answers if "example.com" in answer.headers["Location"]]
    assert not [
        cookie for answer in answers for cookie in answer.headers.getlist("Set-Cookie") if cookie.startswith("a=")
    ]
    return alike(answers)


@attempt(ADDRESSES, "a foreign `Host` or `X-Forwarded-Host`", "302 to `/staff/login`, without a host")
def _(world: World) -> str:
    headers = {"Host": "example.com", "X-Forwarded-Host": "example.com", "X-Forwarded-Proto": "https"}
    answer = world.browser().get("/staff/dashboard/", headers=headers)
    assert "example.com" not in answer.headers["Location"]
    return f"{said(answer)}, without a host"


COOKIES = "sessions"


def _cookie(client: FlaskClient) -> str:
    held = client.get_cookie("session")
    assert held
    return str(held.value)


def _with_cookie(world: World, value: str) -> str:
    client = world.browser()
    client.set_cookie("session", value)
    return said(client.get("/staff/dashboard/"))


@attempt(COOKIES, "a copy of the cookie after the logout", "302 to `/staff/login`")
def _(world: World) -> str:
    client = world.logged_in()
    copy = _cookie(client)
    assert _with_cookie(world, copy) == "200"
    client.post("/staff/logout", data={"csrf_token": token_of(client, "/")})
    return _with_cookie(world, copy)


@attempt(COOKIES, "the cookie from before the login, which the login replaces", "302 to `/staff/login`")
def _(world: World) -> str:
    client = world.browser()
    token_of(client, "/staff/login")
    before = _cookie(client)
    world.log_in(client, "viewer")
    return _with_cookie(world, before)


@attempt(COOKIES, "a cookie that is not signed, cut short, or changed in a letter", "302 to `/staff/login`")
def _(world: World) -> str:
    real = _cookie(world.logged_in())
    payload, rest = real.split(".", 1)
    changed = payload[:-2] + ("AA" if payload[-2:] != "AA" else "BB")
    forged = (payload, f"{payload}.", f"{changed}.{rest}", real[:-3], "eyJsb2dpbiI6IjEifQ", "", "x" * 3_000)
    (words,) = {_with_cookie(world, each) for each in forged}
    return words


@attempt(COOKIES, "a cookie signed with another key", "302 to `/staff/login`")
def _(world: World) -> str:
    token = world.logged_in().get_cookie("session")
    assert token
    maker = SecureCookieSessionInterface()
    signer = maker.get_signing_serializer(world.app)
    assert signer
    ours = signer.loads(token.value)
    other = URLSafeTimedSerializer(
        "another key", salt=maker.salt, serializer=maker.serializer,
        signer_kwargs={"key_derivation": maker.key_derivation, "digest_method": maker.digest_method},
    )  # fmt: skip
    assert _with_cookie(world, str(signer.dumps(ours))) == "200"
    return _with_cookie(world, str(other.dumps(ours)))


@attempt(COOKIES, "a form without a token, with a made-up one, or with that of another session", "400")
def _(world: World) -> str:
    stranger = token_of(world.browser(), "/")
    answers = []
    for token in ("", "made up", stranger):
        client = world.browser()
        token_of(client, "/")
        answers.append(client.post("/", data=ANSWERS | {"csrf_token": token}))
    return alike(answers)


@attempt(COOKIES, "a logout from another site, without a token", "400, and the login stands")
def _(world: World) -> str:
    client = world.logged_in()
    answer = client.post("/staff/logout")
    assert client.get("/staff/dashboard/").status_code == 200
    return f"{said(answer)}, and the login stands"


@attempt(COOKIES, "a sixth password after five wrong ones, though it is right", "400")
def _(world: World) -> str:
    client = world.browser()
    tries = [world.log_in(client, "admin", password) for password in ["wrong password"] * 5 + [PASSWORD]]
    with world.transaction() as session:
        session.query(User).update({"failures": 0, "locked_until": None})
    return alike(tries)


RIGHTS = "rights"


@attempt(RIGHTS, "the API without a key, with a made-up one, or with an officer's cookie", "401")
def _(world: World) -> str:
    return alike(
        [
            world.browser().get("/api/v1/predictions"),
            world.ask("GET", "/api/v1/predictions", headers={"X-API-Key": "payoff_made_up"}),
            world.ask("GET", "/api/v1/predictions", headers={"X-API-Key": "", "Authorization": "Basic YTpi"}),
            world.logged_in("officer").get("/api/v1/predictions"),
        ]
    )


@attempt(RIGHTS, "a key that was revoked, or whose user may not enter any more", "401")
def _(world: World) -> str:
    revoked, orphaned = api_key(world.app, "officer"), api_key(world.app, "officer")
    with world.transaction() as session:
        key = key_of(session, revoked)
        assert key
        revoke_key(session, key, "a test")
        other = key_of(session, orphaned)
        assert other
        set_disabled(session, find_user(session, other.user.name), True, "a test")
    return alike([world.ask("GET", "/api/v1/models", headers={"X-API-Key": key}) for key in (revoked, orphaned)])


@attempt(RIGHTS, "a viewer's key where an officer's is needed", "403")
def _(world: World) -> str:
    world.predict()
    return alike(
        [
            world.ask("POST", "/api/v1/accounts/1/predict", json={}),
            world.ask("PUT", "/api/v1/predictions/1/outcome", json={"outcome": "default"}),
        ]
    )


@attempt(RIGHTS, "a viewer at an officer's or an administrator's page", "403")
def _(world: World) -> str:
    client = world.logged_in()
    return alike([client.get(page) for page in ("/staff/lookup/", "/staff/batches/", "/staff/people/")])


@attempt(RIGHTS, "another user's API key to be revoked, another officer's batch to be deleted", "404; 403")
def _(world: World) -> str:
    mine, theirs = f"officer-{secrets.token_hex(4)}", f"officer-{secrets.token_hex(4)}"
    with world.transaction() as session:
        users = [add_user(session, name, "officer", PASSWORD, "a test") for name in (mine, theirs)]
        key = add_key(session, users[1], "theirs", "a test").stored.id
        batch = Batch(user_id=users[1].id, made_at=datetime.now(UTC), file_name="theirs.csv", kind="form",
                      status="done", options={"folder": "theirs", "chunk": 1})  # fmt: skip
        session.add(batch)
        session.flush()
        number = batch.id
    client = world.logged_in(mine)
    token = {"csrf_token": token_of(client, "/staff/people/account")}
    revoked = client.post(f"/staff/people/account/keys/{key}/revoke", data=token)
    deleted = client.post(f"/staff/batches/{number}/delete", data=token)
    with world.transaction() as session:
        assert session.get_one(ApiKey, key).revoked_at is None
        assert session.get(Batch, number)
    return f"{said(revoked)}; {said(deleted)}"


@attempt(RIGHTS, "any page of staff without a login", "302 to `/staff/login`")
def _(world: World) -> str:
    client = world.browser()
    pages = [place for place in _places(world.app) if not place.startswith(("/staff/log",))]
    assert len(pages) >= 6
    return alike([client.get(page) for page in pages])


def _places(app: Flask) -> list[str]:
    """The addresses of staff's pages that need no further word."""
    rules = (rule for rule in app.url_map.iter_rules() if rule.rule.startswith("/staff/") and not rule.arguments)
    return [rule.rule for rule in rules if "GET" in (rule.methods or ())]


TOO_OFTEN = "too often"


@attempt(TOO_OFTEN, "more than the rate, under a new `X-Forwarded-For` each time", "429")
def _(world: World) -> str:
    rates = world.app.extensions["payoff.rates"]
    usual, rates["api_rate"] = rates["api_rate"], "3/hour"
    try:
        forged = [{"X-Forwarded-For": f"192.0.2.{n}", "X-Real-IP": f"192.0.2.{n}"} for n in range(4)]
        return said([world.browser().get("/api/v1/models", headers=each) for each in forged][-1])
    finally:
        rates["api_rate"] = usual


WIRE = "the wire"
_HEAD = b"POST /api/v1/predict HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nX-API-Key: %s\r\n"


def _head(world: World) -> bytes:
    return _HEAD % world.keys["viewer"].encode()


@attempt(WIRE, "a body in chunks of 100 kB together", "413", wire=True)
def _(world: World) -> str:
    chunk = b"2710\r\n" + b" " * 10_000 + b"\r\n"
    return world.wire(_head(world) + b"Transfer-Encoding: chunked\r\n\r\n" + chunk * 10 + b"0\r\n\r\n")


@attempt(WIRE, "a length of 10 GB, announced and never sent", "413", wire=True)
def _(world: World) -> str:
    return world.wire(_head(world) + b"Content-Length: 10000000000\r\n\r\n{")


@attempt(WIRE, "Content-Length beside Transfer-Encoding, or two lengths (request smuggling)", "400", wire=True)
def _(world: World) -> str:
    both = b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
    twice = b"Content-Length: 2\r\nContent-Length: 20\r\n\r\n{}"
    (words,) = {world.wire(_head(world) + each) for each in (both, twice)}
    return words


@attempt(WIRE, "a header of 100 kB, or 1,000 headers", "431", wire=True)
def _(world: World) -> str:
    many = b"".join(b"X-%d: 1\r\n" % number for number in range(1000))
    (words,) = {world.wire(_head(world) + each + b"\r\n") for each in (b"X: " + b"a" * 100_000 + b"\r\n", many)}
    return words


@attempt(WIRE, "an address of 100 kB", "414", wire=True)
def _(world: World) -> str:
    return world.wire(b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n")


@attempt(WIRE, "a header whose name holds a blank, or a request line that is none", "400", wire=True)
def _(world: World) -> str:
    odd = (
        b"GET / HTTP/1.1\r\nHost : x\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"\x16\x03\x01\x02\x00\r\n\r\n",
    )
    (words,) = {world.wire(each) for each in odd}
    return words


if __name__ == "__main__":
    print(table())
