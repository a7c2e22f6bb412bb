"""The settings: misspelt ones, and those that do not fit together."""

from collections.abc import Iterator
from difflib import get_close_matches

from payoff.doctor.finding import Finding
from payoff.settings import Settings, unknown_variables

_LOOPBACK = ("127.0.0.1", "::1", "localhost")


def look(settings: Settings) -> Iterator[Finding]:
    """Variables that nobody reads, and a key that is not shared."""
    known = [f"PAYOFF_{name.upper()}" for name in Settings.model_fields]
    for variable in unknown_variables():
        near = get_close_matches(variable, known, n=1)
        meant = f"It may be meant as {near[0]}." if near else "`payoff settings` lists those there are."
        yield Finding("doubtful", f"{variable} is set, but is no setting", meant)
    if settings.secret_key is None and settings.host not in _LOOPBACK:
        yield Finding(
            "doubtful",
            f"the app listens on {settings.host} and signs its cookies with a key that it makes itself",
            "Set PAYOFF_SECRET_KEY to 32 random characters or more, the same on every machine, so that logins outlive "
            "the machine.",
        )
    chosen = len(settings.model_fields_set)
    yield Finding("good", f"{chosen} of {len(known)} settings are set, the others have their defaults")
