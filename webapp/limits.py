"""How often somebody may ask: a program by its key, a person by the address; counted for all processes together."""

import time
from collections.abc import Callable
from ipaddress import IPv6Address, ip_address, ip_network
from math import ceil
from operator import itemgetter

from flask import Blueprint, Flask, Response, current_app, g, request
from flask_limiter import Limiter
from limits import parse_many
from limits.strategies import FixedWindowRateLimiter
from werkzeug.exceptions import TooManyRequests

from payoff.errors import SettingsError
from payoff.settings import Settings
from webapp.storage import counting

#: The settings that hold a rate.
RATES = ("api_rate", "form_rate", "login_rate")
_RATES = "payoff.rates"
_API_LIMITS = "payoff.api_limits"
_PREFIX = ("payoff", "api")


def address() -> str:
    """Who asks, for want of a name: an IPv4 address, or the /64 network that an IPv6 subscriber has to himself."""
    try:
        asking = ip_address(request.remote_addr or "")
    except ValueError:
        return "unknown"
    if isinstance(asking, IPv6Address):
        return str(asking.ipv4_mapped or ip_network((asking, 64), strict=False))
    return str(asking)


def _rate(name: str) -> Callable[[], str]:
    return lambda: str(current_app.extensions[_RATES][name])


def _too_often(name: str) -> Callable[[], str]:
    return lambda: (
        f"At most {current_app.extensions[_RATES][name]} is answered. Wait as many seconds as Retry-After says."
    )


_strategy = FixedWindowRateLimiter(counting.CountStorage())
limiter = Limiter(address, storage_uri=f"{counting.SCHEME}://", strategy="fixed-window", key_prefix="payoff")
#: For the form, and for what asks the model on its behalf.
form_limit = limiter.shared_limit(_rate("form_rate"), "form", methods=["POST"], error_message=_too_often("form_rate"))
#: For the login.
login_limit = limiter.shared_limit(
    _rate("login_rate"), "login", methods=["POST"], error_message=_too_often("login_rate")
)


def limit_api(blueprint: Blueprint, asker: Callable[[], str]) -> None:
    """For all of the API together: ``asker`` says whose key it is.

    Counted as Flask-Limiter would, which spends as long on finding out what to count as the app on all else.
    """

    def count() -> None:
        whose = asker()
        g.api_windows = [(limit, whose) for limit in current_app.extensions[_API_LIMITS]]
        for limit, _ in g.api_windows:
            if not _strategy.hit(limit, *_PREFIX, whose):
                raise TooManyRequests(_too_often("api_rate")())

    blueprint.before_request(count)


def restrain(app: Flask, settings: Settings) -> None:
    """Count requests, refuse those beyond a rate, and say in each answer how many are left.

    Raises
    ------
    SettingsError
        A rate is none.
    """
    app.extensions[_RATES] = {name: _checked(name, getattr(settings, name)) for name in RATES}
    app.extensions[_API_LIMITS] = parse_many(settings.api_rate)
    limiter.init_app(app)
    app.after_request(_told)


@limiter.request_filter
def _counts_itself() -> bool:
    return request.path.startswith("/api/")


def _checked(name: str, rate: str) -> str:
    try:
        # What cannot be read would otherwise be no limit at all.
        parse_many(rate)
    except ValueError as error:
        raise SettingsError(
            f"PAYOFF_{name.upper()}={rate!r} is no rate; expected a number and a time, such as 600/minute"
        ) from error
    return rate


def _told(response: Response) -> Response:
    """The headers of draft-ietf-httpapi-ratelimit-headers-06, whose times are seconds from now."""
    window = _window()
    if window is None:
        return response
    most, left, ends = window
    seconds = str(max(0, ceil(ends - time.time())))
    response.headers["RateLimit-Limit"] = str(most)
    response.headers["RateLimit-Remaining"] = str(left)
    response.headers["RateLimit-Reset"] = seconds
    if response.status_code == 429:
        response.headers["Retry-After"] = seconds
    return response


def _window() -> tuple[int, int, float] | None:
    """How many requests the asker's window has, how many are left of it, and when it ends (seconds of the epoch)."""
    if "api_windows" in g:
        stats = [(limit, _strategy.get_window_stats(limit, *_PREFIX, whose)) for limit, whose in g.api_windows]
        # Of several windows, the one that is used up first.
        return min(((limit.amount, each.remaining, each.reset_time) for limit, each in stats), key=itemgetter(1))
    if _counts_itself() or (limit := limiter.current_limit) is None:
        return None
    ends, left = limit.window
    return limit.limit.amount, left, ends
