"""Texts that would do harm if any program took them for more than a text."""

from pages import token_of
from web import ANSWERS

from attempts.area import Area
from attempts.world import World, alike, said
from webapp.storage.tables import AuditEntry, StoredPrediction

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
INJECTION = Area("injections")


@INJECTION.attempt(
    "SQL, templates, scripts, formulas, paths or control characters as a choice", "400 naming `card_type`"
)
def _(world: World) -> str:
    return alike([world.predict(card_type=text) for text in INJECTIONS])


@INJECTION.attempt("the same as a district or a date", "400 naming `granted_on`, `district`")
def _(world: World) -> str:
    return alike([world.predict(district=text, granted_on=text) for text in INJECTIONS])


@INJECTION.attempt("the same as the caller's own reference, control characters among it", "400 naming `application`")
def _(world: World) -> str:
    return alike([world.predict(application=text) for text in INJECTIONS if not text.isprintable()])


@INJECTION.attempt("the same, printable", "200, stored to the letter, found by its letters, and nothing else happens")
def _(world: World) -> str:
    texts = [text for text in INJECTIONS if text.isprintable()]
    words = alike([world.predict(application=text) for text in texts])
    with world.transaction() as session:
        assert {row.application for row in session.query(StoredPrediction)} >= set(texts)
    for text in texts:
        found = world.ask("GET", "/api/v1/predictions", query_string={"search": text}).get_json()["predictions"]
        assert {row["application"] for row in found} == {text}
    return f"{words}, stored to the letter, found by its letters, and nothing else happens"


@INJECTION.attempt("the same in every field of the form", "400, and the page shows it as text")
def _(world: World) -> str:
    client = world.browser()
    token = token_of(client, "/")
    for text in INJECTIONS:
        answer = client.post("/", data=dict.fromkeys(ANSWERS, text) | {"csrf_token": token})
        assert answer.status_code == 400
        assert "<script>alert" not in answer.text
        assert "<img" not in answer.text
    return "400, and the page shows it as text"


@INJECTION.attempt("the same as a search, a model version or a key", "200 with nothing found; 404; 401")
def _(world: World) -> str:
    texts = [text for text in INJECTIONS if text.isprintable()]
    found = [world.ask("GET", "/api/v1/predictions", query_string={"search": f"{text}~"}) for text in texts]
    assert all(answer.get_json()["predictions"] == [] for answer in found)
    models = [world.ask("GET", "/api/v1/models/compare", query_string={"left": text, "right": "x"}) for text in texts]
    keys = [world.ask("GET", "/api/v1/models", headers={"X-API-Key": text}) for text in texts if text.isascii()]
    return f"{alike(found)} with nothing found; {alike(models)}; {alike(keys)}"


@INJECTION.attempt("a line break in a name at the login", "400, and the audit log does not repeat it")
def _(world: World) -> str:
    answer = world.log_in(world.browser(), "x\nroot logged in", "wrong password")
    with world.transaction() as session:
        assert not [row for row in session.query(AuditEntry) if "root" in f"{row.actor}{row.subject}{row.details}"]
    return f"{said(answer)}, and the audit log does not repeat it"


@INJECTION.attempt("`{{ 7 * 7 }}` or a script in an address that is not there", "404, and the page does not repeat it")
def _(world: World) -> str:
    answers = [world.browser().get(f"/{text}") for text in ("{{7*7}}", "<script>alert(1)</script>")]
    assert not [answer for answer in answers if "49" in answer.text or "alert(1)" in answer.text]
    return f"{alike(answers)}, and the page does not repeat it"
