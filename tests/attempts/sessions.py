"""Cookies, the tokens of forms, and passwords that are guessed."""

from flask.sessions import SecureCookieSessionInterface
from flask.testing import FlaskClient
from itsdangerous import URLSafeTimedSerializer
from pages import token_of
from web import ANSWERS, PASSWORD

from attempts.area import Area
from attempts.world import World, alike, said
from webapp.storage.tables import User

COOKIES = Area("sessions")


def _cookie(client: FlaskClient) -> str:
    held = client.get_cookie("session")
    assert held
    return str(held.value)


def _with_cookie(world: World, value: str) -> str:
    client = world.browser()
    client.set_cookie("session", value)
    return said(client.get("/staff/dashboard/"))


@COOKIES.attempt("a copy of the cookie after the logout", "302 to `/staff/login`")
def _(world: World) -> str:
    client = world.logged_in()
    copy = _cookie(client)
    assert _with_cookie(world, copy) == "200"
    client.post("/staff/logout", data={"csrf_token": token_of(client, "/")})
    return _with_cookie(world, copy)


@COOKIES.attempt("the cookie from before the login, which the login replaces", "302 to `/staff/login`")
def _(world: World) -> str:
    client = world.browser()
    token_of(client, "/staff/login")
    before = _cookie(client)
    world.log_in(client, "viewer")
    return _with_cookie(world, before)


@COOKIES.attempt("a cookie that is not signed, cut short, or changed in a letter", "302 to `/staff/login`")
def _(world: World) -> str:
    real = _cookie(world.logged_in())
    payload, rest = real.split(".", 1)
    changed = payload[:-2] + ("AA" if payload[-2:] != "AA" else "BB")
    forged = (payload, f"{payload}.", f"{changed}.{rest}", real[:-3], "eyJsb2dpbiI6IjEifQ", "", "x" * 3_000)
    (words,) = {_with_cookie(world, each) for each in forged}
    return words


@COOKIES.attempt("a cookie signed with another key", "302 to `/staff/login`")
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


@COOKIES.attempt("a form without a token, with a made-up one, or with that of another session", "400")
def _(world: World) -> str:
    stranger = token_of(world.browser(), "/")
    answers = []
    for token in ("", "made up", stranger):
        client = world.browser()
        token_of(client, "/")
        answers.append(client.post("/", data=ANSWERS | {"csrf_token": token}))
    return alike(answers)


@COOKIES.attempt("a logout from another site, without a token", "400, and the login stands")
def _(world: World) -> str:
    client = world.logged_in()
    answer = client.post("/staff/logout")
    assert client.get("/staff/dashboard/").status_code == 200
    return f"{said(answer)}, and the login stands"


@COOKIES.attempt("a sixth password after five wrong ones, though it is right", "400")
def _(world: World) -> str:
    client = world.browser()
    tries = [world.log_in(client, "admin", password) for password in ["wrong password"] * 5 + [PASSWORD]]
    with world.transaction() as session:
        session.query(User).update({"failures": 0, "locked_until": None})
    return alike(tries)
