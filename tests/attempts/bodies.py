"""Bodies and addresses of a wrong type or size, and texts in the wrong encoding."""

import gzip
import json

from pages import token_of
from web import ANSWERS

from attempts.area import Area
from attempts.world import PREDICT, World, alike, said

TYPES = Area("types and sizes")


@TYPES.attempt("a list, an object, true or null for a number", "400 naming `loan_amount_czk`")
def _(world: World) -> str:
    return alike([world.predict(loan_amount_czk=value) for value in ([1], {"a": 1}, True, None)])


@TYPES.attempt("a number of 400 or of 60,000 digits, or 1e999", "400 naming `loan_amount_czk`")
def _(world: World) -> str:
    bodies = [json.dumps(ANSWERS).replace("80952", digits) for digits in ("9" * 400, "9" * 60_000, "1e999")]
    return alike([world.ask(data=body, content_type="application/json") for body in bodies])


@TYPES.attempt("NaN, Infinity, or a body that is no JSON", "400 naming the request")
def _(world: World) -> str:
    bodies = ('{"a": NaN}', '{"a": -Infinity}', "{", "", "a=b", "\x00")
    return alike([world.ask(data=body, content_type="application/json") for body in bodies])


@TYPES.attempt("60,000 nested lists", "400 naming the request")
def _(world: World) -> str:
    return said(world.ask(data="[" * 60_000, content_type="application/json"))


@TYPES.attempt(
    "a field that is not asked for, such as `__proto__` or `__class__`", "400 naming `__proto__`, `__class__`"
)
def _(world: World) -> str:
    return said(world.predict(__proto__={"admin": True}, __class__="User"))


@TYPES.attempt("a field name of 5,000 letters", "400 naming the first 64 of them")
def _(world: World) -> str:
    return said(world.predict(**{"x" * 5000: 1})).replace(f"`{'x' * 64}`", "the first 64 of them")


@TYPES.attempt("a field twice in one object", "400 naming `district`")
def _(world: World) -> str:
    return said(world.ask(data='{"district": "a", "district": "b"}', content_type="application/json"))


@TYPES.attempt("a parameter twice in one address", "400 naming `verdict`")
def _(world: World) -> str:
    return said(world.ask("GET", "/api/v1/predictions?verdict=default&verdict=paid_off"))


@TYPES.attempt("a prediction's number beyond 64 bits, negative, or in words", "404")
def _(world: World) -> str:
    numbers = ("9" * 30, "-1", "one", "1;drop", "%00")
    return alike([world.ask("GET", f"/api/v1/predictions/{number}") for number in numbers])


@TYPES.attempt("a body of 70 kB, or a batch of more than 2 MB", "413")
def _(world: World) -> str:
    large = {PREDICT: 70_000, f"{PREDICT}/batch": 2_100_000}
    return alike(
        [world.ask("POST", to, data=b" " * size, content_type="application/json") for to, size in large.items()]
    )


@TYPES.attempt("a batch of 1,001 loans", "400 naming the request")
def _(world: World) -> str:
    return said(world.ask("POST", f"{PREDICT}/batch", json=[{}] * 1001))


@TYPES.attempt("10,000 fields in a form", "413")
def _(world: World) -> str:
    client = world.browser()
    token = token_of(client, "/")
    parts = {f"f{number}": "x" for number in range(10_000)}
    return said(client.post("/", data=parts | {"csrf_token": token}))


ENCODINGS = Area("encodings")


@ENCODINGS.attempt("UTF-16, UTF-8 with a byte order mark, or bytes that are no text", "400 naming the request")
def _(world: World) -> str:
    body = json.dumps(ANSWERS)
    bodies = (body.encode("utf-16"), b"\xef\xbb\xbf" + body.encode(), b"\xff\xfe\xfd")
    return alike([world.ask(data=each, content_type="application/json") for each in bodies])


@ENCODINGS.attempt("a lone surrogate in a value", "400 naming `district`")
def _(world: World) -> str:
    return said(world.predict(district="\ud800"))


@ENCODINGS.attempt("a gzip bomb, or any other Content-Encoding: nothing is unpacked", "415")
def _(world: World) -> str:
    bomb = gzip.compress(b" " * 10_000_000)
    kinds = {"gzip": bomb, "deflate": b"x", "br": b"x", "identity, gzip": bomb}
    return alike(
        [
            world.ask(data=body, content_type="application/json", headers={"Content-Encoding": kind})
            for kind, body in kinds.items()
        ]
    )


@ENCODINGS.attempt("another Content-Type: a form, XML, text", "415")
def _(world: World) -> str:
    kinds = ("application/x-www-form-urlencoded", "application/xml", "text/plain", "multipart/form-data; boundary=x")
    return alike([world.ask(data=json.dumps(ANSWERS), content_type=kind) for kind in kinds])
