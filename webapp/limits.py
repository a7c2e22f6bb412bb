"""How often somebody may ask: a program by its key, a person by the address; counted for all processes together."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from ipaddress import IPv6Address, ip_address, ip_network
from math import ceil
from operator import attrgetter
from typing import ParamSpec, TypeVar

from flask import Blueprint, Flask, Response, current_app, g, request
from limits import RateLimitItem, parse_many
from werkzeug.exceptions import TooManyRequests

from payoff.errors import SettingsError
from payoff.settings import Settings
from webapp.storage import counting

P = ParamSpec("P")
R = TypeVar("R")

#: The settings that hold a rate.
RATES = ("api_rate", "form_rate", "login_rate")
EXTENSION = "payoff.rates"


@dataclass(frozen=True)
class Rate:
    """A rate as it was set, and its windows."""

    text: str
    limits: tuple[RateLimitItem, ...]


@dataclass(frozen=True)
class _Window:
    """How many requests an asker's window has, how many are left of it, and when it ends (seconds of the epoch)."""

    most: int
    left: int
    ends: float


def address() -> str:
    """Who asks, for want of a name: an IPv4 address, or the /64 network that an IPv6 subscriber has to himself."""
    try:
        asking = ip_address(request.remote_addr or "")
    except ValueError:
        return "unknown"
    if isinstance(asking, IPv6Address):
        return str(asking.ipv4_mapped or ip_network((asking, 64), strict=False))
    return str(asking)


def limited(name: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Count what is posted to a view by the address, against the setting ``name``."""

    def decorate(view: Callable[P, R]) -> Callable[P, R]:
        @wraps(view)
        def counted(*args: P.args, **kwargs: P.kwargs) -> R:
            if request.method == "POST":
                _count(name, address())
            return view(*args, **kwargs)

        return counted

    return decorate


def limit_api(blueprint: Blueprint, asker: Callable[[], str]) -> None:
    """Count what is asked of ``blueprint``; ``asker`` says whose key it is."""
    blueprint.before_request(lambda: _count("api_rate", asker()))


def restrain(app: Flask, settings: Settings) -> None:
    """Count requests, refuse those beyond a rate, and say in each answer how many are left.

    Raises
    ------
    SettingsError
        A rate is none.
    """
    app.extensions[EXTENSION] = {name: _read(name, getattr(settings, name)) for name in RATES}
    app.after_request(_told)


def _read(name: str, rate: str) -> Rate:
    try:
        # What cannot be read would otherwise be no limit at all.
        return Rate(rate, tuple(parse_many(rate)))
    except ValueError as error:
        raise SettingsError(
            f"PAYOFF_{name.upper()}={rate!r} is no rate; expected a number and a time, such as 600/minute"
        ) from error


def _count(name: str, whose: str) -> None:
    """Count a request. Raises TooManyRequests."""
    rate: Rate = current_app.extensions[EXTENSION][name]
    for limit in rate.limits:
        so_far, ends = counting.count(limit.key_for(name, whose), limit.get_expiry())
        window = _Window(limit.amount, max(0, limit.amount - so_far), ends)
        # Of several, the one that is used up first.
        g.window = min(g.get("window", window), window, key=attrgetter("left"))
        if so_far > limit.amount:
            raise TooManyRequests(f"At most {rate.text} is answered. Wait as many seconds as Retry-After says.")


def _told(response: Response) -> Response:
    """The headers of draft-ietf-httpapi-ratelimit-headers-06, whose times are seconds from now."""
    window: _Window | None = g.get("window")
    if window is None:
        return response
    seconds = str(max(0, ceil(window.ends - time.time())))
    response.headers["RateLimit-Limit"] = str(window.most)
    response.headers["RateLimit-Remaining"] = str(window.left)
    response.headers["RateLimit-Reset"] = seconds
    if response.status_code == TooManyRequests.code:
        response.headers["Retry-After"] = seconds
    return response
