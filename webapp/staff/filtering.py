"""The filters of the history, as its address holds them: read, and each mistake named at its field."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from flask import request
from flask_babel import LazyString, lazy_gettext
from flask_babel import gettext as _
from werkzeug.exceptions import BadRequest

from webapp.storage.queries import Filters

#: What people read for the values that are stored.
SOURCE_NAMES: dict[str, LazyString] = {
    "form": lazy_gettext("Form"),
    "lookup": lazy_gettext("Account lookup"),
    "batch": lazy_gettext("Batch"),
    "api": lazy_gettext("API"),
}
VERDICT_NAMES: dict[str, LazyString] = {
    "paid_off": lazy_gettext("Likely paid off"),
    "default": lazy_gettext("Doubtful"),
}
OUTCOME_NAMES: dict[str, LazyString] = {"paid_off": lazy_gettext("Paid off"), "default": lazy_gettext("Defaulted")}

NAMES = ("search", "since", "until", "source", "verdict", "lowest", "highest", "model")
_LONGEST_SEARCH = 64


@dataclass(frozen=True)
class Asked:
    """What an address asks for.

    Attributes
    ----------
    texts : mapping of name to text
        As they were sent, right or wrong; empty ones left out.
    errors : mapping of name to what is wrong
    """

    filters: Filters
    texts: Mapping[str, str]
    errors: dict[str, str] = field(default_factory=dict)


def asked(sent: Mapping[str, str], versions: Sequence[str]) -> Asked:
    """The filters among the parameters of an address.

    Parameters
    ----------
    versions : sequence of str
        The model versions that can be chosen.
    """
    texts = {name: sent.get(name, "").strip() for name in NAMES}
    errors: dict[str, str] = {}
    values: dict[str, Any] = {
        "since": _day("since", texts, errors),
        "until": _day("until", texts, errors),
        "lowest": _share("lowest", texts, errors),
        "highest": _share("highest", texts, errors),
        "source": _choice("source", texts, errors, SOURCE_NAMES),
        "verdict": _choice("verdict", texts, errors, VERDICT_NAMES),
        "model": _choice("model", texts, errors, versions),
        "search": _searched(texts["search"], errors),
    }
    _check_order(values, errors)
    given = {name: text for name, text in texts.items() if text}
    return Asked(Filters() if errors else Filters(**values), given, errors)


def cursor(name: str) -> int | None:
    """The number of a row among the parameters of the address. Raises BadRequest where it is none."""
    text = request.args.get(name, "")
    if text and not (text.isascii() and text.isdigit() and len(text) < 19):
        raise BadRequest
    return int(text) if text else None


def _searched(text: str, errors: dict[str, str]) -> str:
    if len(text) > _LONGEST_SEARCH:
        errors["search"] = str(_("Give at most %(most)s characters of a reference.", most=_LONGEST_SEARCH))
    elif not text.isprintable():
        errors["search"] = str(_("A reference has no control characters."))
    return text


def _day(name: str, texts: Mapping[str, str], errors: dict[str, str]) -> date | None:
    try:
        return date.fromisoformat(texts[name]) if texts[name] else None
    except ValueError:
        errors[name] = str(_("“%(given)s” is not a day. Give one like 2026-03-31.", given=texts[name][:32]))
        return None


def _share(name: str, texts: Mapping[str, str], errors: dict[str, str]) -> float | None:
    """Per cent, with a point or a comma."""
    if not texts[name]:
        return None
    try:
        percent = float(texts[name].replace(",", "."))
    except ValueError:
        percent = math.nan
    if not 0 <= percent <= 100:
        errors[name] = str(_("“%(given)s” is not a number from 0 to 100.", given=texts[name][:32]))
        return None
    return percent / 100


def _choice(
    name: str, texts: Mapping[str, str], errors: dict[str, str], choices: Sequence[str] | Mapping[str, Any]
) -> str | None:
    if texts[name] and texts[name] not in choices:
        errors[name] = str(_("There is no “%(given)s”. Choose one of the list.", given=texts[name][:64]))
        return None
    return texts[name] or None


def _check_order(values: Mapping[str, Any], errors: dict[str, str]) -> None:
    if values["since"] and values["until"] and values["since"] > values["until"]:
        errors["until"] = str(_("The last day must not be before the first."))
    if None not in (values["lowest"], values["highest"]) and values["lowest"] > values["highest"]:
        errors["highest"] = str(_("The highest probability must not be below the lowest."))
