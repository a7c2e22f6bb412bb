"""Addresses that lead elsewhere, and methods that they do not know."""

from attempts.area import Area
from attempts.world import World, alike, said

ADDRESSES = Area("addresses")


@ADDRESSES.attempt("paths out of the static files, plain and encoded", "404")
def _(world: World) -> str:
    paths = ("/static/../__init__.py", "/static/%2e%2e/__init__.py", "/static/..%2f..%2fpyproject.toml",
             "/vendor/..%2f..%2fpackage.json", "/vendor/%2fetc%2fpasswd")  # fmt: skip
    return alike([world.browser().get(path) for path in paths])


@ADDRESSES.attempt("a method that an address does not know, and one in `X-HTTP-Method-Override`", "405")
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


@ADDRESSES.attempt(
    "a `next` after the login that leads to another site, or breaks the header", "302 to `/staff/dashboard/`"
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


@ADDRESSES.attempt("a foreign `Host` or `X-Forwarded-Host`", "302 to `/staff/login`, without a host")
def _(world: World) -> str:
    headers = {"Host": "example.com", "X-Forwarded-Host": "example.com", "X-Forwarded-Proto": "https"}
    answer = world.browser().get("/staff/dashboard/", headers=headers)
    assert "example.com" not in answer.headers["Location"]
    return f"{said(answer)}, without a host"
