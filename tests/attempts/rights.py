"""What is beyond somebody's role, is somebody else's, or is asked for too often."""

import secrets
from datetime import UTC, datetime

from flask import Flask
from limits import parse_many
from pages import token_of
from web import PASSWORD, api_key

from attempts.area import Area
from attempts.world import World, alike, said
from webapp import limits
from webapp.storage.tables import ApiKey, Batch
from webapp.storage.users import add_key, add_user, find_user, key_of, revoke_key, set_disabled

RIGHTS = Area("rights")


@RIGHTS.attempt("the API without a key, with a made-up one, or with an officer's cookie", "401")
def _(world: World) -> str:
    return alike(
        [
            world.browser().get("/api/v1/predictions"),
            world.ask("GET", "/api/v1/predictions", headers={"X-API-Key": "payoff_made_up"}),
            world.ask("GET", "/api/v1/predictions", headers={"X-API-Key": "", "Authorization": "Basic YTpi"}),
            world.logged_in("officer").get("/api/v1/predictions"),
        ]
    )


@RIGHTS.attempt("a key that was revoked, or whose user may not enter any more", "401")
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


@RIGHTS.attempt("a viewer's key where an officer's is needed", "403")
def _(world: World) -> str:
    world.predict()
    return alike(
        [
            world.ask("POST", "/api/v1/accounts/1/predict", json={}),
            world.ask("PUT", "/api/v1/predictions/1/outcome", json={"outcome": "default"}),
        ]
    )


@RIGHTS.attempt("a viewer at an officer's or an administrator's page", "403")
def _(world: World) -> str:
    client = world.logged_in()
    return alike([client.get(page) for page in ("/staff/lookup/", "/staff/batches/", "/staff/people/")])


@RIGHTS.attempt("another user's API key to be revoked, another officer's batch to be deleted", "404; 403")
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


@RIGHTS.attempt("any page of staff without a login", "302 to `/staff/login`")
def _(world: World) -> str:
    client = world.browser()
    pages = [place for place in _places(world.app) if not place.startswith(("/staff/log",))]
    assert len(pages) >= 6
    return alike([client.get(page) for page in pages])


def _places(app: Flask) -> list[str]:
    """The addresses of staff's pages that need no further word."""
    rules = (rule for rule in app.url_map.iter_rules() if rule.rule.startswith("/staff/") and not rule.arguments)
    return [rule.rule for rule in rules if "GET" in (rule.methods or ())]


TOO_OFTEN = Area("too often")


@TOO_OFTEN.attempt("more than the rate, under a new `X-Forwarded-For` each time", "429")
def _(world: World) -> str:
    rates = world.app.extensions[limits.EXTENSION]
    usual, rates["api_rate"] = rates["api_rate"], limits.Rate("3/hour", tuple(parse_many("3/hour")))
    try:
        forged = [{"X-Forwarded-For": f"192.0.2.{n}", "X-Real-IP": f"192.0.2.{n}"} for n in range(4)]
        return said([world.browser().get("/api/v1/models", headers=each) for each in forged][-1])
    finally:
        rates["api_rate"] = usual
