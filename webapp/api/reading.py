"""What a program sent, read strictly: RFC 8259 without NaN and without a name twice; every fault by its field."""

import json
import re
from collections import Counter
from collections.abc import Mapping
from typing import Any, TypeVar

from flask import request
from pydantic import BaseModel, BeforeValidator, ValidationError
from pydantic_core import ErrorDetails
from werkzeug.exceptions import RequestEntityTooLarge, UnsupportedMediaType

from payoff.errors import InvalidAnswers
from webapp.security import LARGEST_REQUEST

M = TypeVar("M", bound=BaseModel)

_WHOLE = re.compile("[0-9]{1,16}")
_DECIMAL = re.compile(r"-?[0-9]{1,16}(\.[0-9]{1,16})?")


def json_object() -> dict[str, Any]:
    """The JSON object that was sent.

    Raises
    ------
    InvalidAnswers
        It is none, or gives a name twice.
    """
    value = _json(LARGEST_REQUEST)
    if not isinstance(value, dict):
        raise InvalidAnswers({"": "is not a JSON object of field names and values"})
    return value


def json_list(most: int, largest: int) -> list[Any]:
    """The JSON list of 1 to ``most`` values that was sent, in fewer than ``largest`` bytes.

    Raises
    ------
    InvalidAnswers
        It is none, or too long.
    """
    request.max_content_length = largest
    value = _json(largest)
    if not isinstance(value, list) or not value:
        raise InvalidAnswers({"": f"is not a JSON list of 1 to {most:,} loans"})
    if len(value) > most:
        raise InvalidAnswers({"": f"has {len(value):,} loans; at most {most:,} are answered at once"})
    return value


def read_query(model: type[M]) -> M:
    """The parameters of the address, as ``model`` has them.

    Raises
    ------
    InvalidAnswers
        Names every faulty parameter: unknown, given twice, or not what it should be.
    """
    if twice := [name for name, values in request.args.lists() if len(values) > 1]:
        raise InvalidAnswers({name[:64]: "is given more than once" for name in twice})
    return checked(model, request.args)


def checked(model: type[M], values: Mapping[str, Any]) -> M:
    """``values`` as ``model`` has them. Raises InvalidAnswers, which names every faulty field."""
    try:
        return model.model_validate(dict(values))
    except ValidationError as error:
        faults = error.errors()
        raise InvalidAnswers(
            {str(each["loc"][0])[:64] if each["loc"] else "": _worded(each) for each in faults}
        ) from error


def _whole(value: object) -> object:
    if isinstance(value, str) and not _WHOLE.fullmatch(value):
        raise ValueError("is not a whole number")
    return value


def _decimal(value: object) -> object:
    if isinstance(value, str) and not _DECIMAL.fullmatch(value):
        raise ValueError("is not a number such as 0.25")
    return value


def _number(value: object) -> object:
    # Python counts True as 1.
    if isinstance(value, str | bool):
        raise ValueError("is not a number")
    return value


#: For numbers in an address; pydantic alone would read ``1_0`` and ``1e0``, too. Last, so that limits come after them.
WHOLE = BeforeValidator(_whole)
DECIMAL = BeforeValidator(_decimal)
#: For numbers in JSON, which may be text for pydantic.
NUMBER = BeforeValidator(_number)


def _json(largest: int) -> Any:
    if request.mimetype != "application/json":
        raise UnsupportedMediaType("Send JSON with the header Content-Type: application/json.")
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        # Nothing is unpacked, so that nothing small can become large.
        raise UnsupportedMediaType("Send the body as it is; no Content-Encoding is undone.")
    body = request.get_data()
    if len(body) >= largest:
        # A body sent in chunks states no length; werkzeug cuts it at the limit instead of refusing it.
        raise RequestEntityTooLarge(f"Send fewer than {largest:,} bytes.")
    try:
        return _DECODER.decode(body.decode("utf-8"))
    except json.JSONDecodeError as error:
        raise InvalidAnswers({"": f"is not JSON: {error.msg}, line {error.lineno}, column {error.colno}"}) from error
    except UnicodeDecodeError as error:
        raise InvalidAnswers({"": "is not JSON: not encoded as UTF-8"}) from error
    except RecursionError as error:
        raise InvalidAnswers({"": "is nested too deeply"}) from error


def _no_number(name: str) -> float:
    raise InvalidAnswers({"": f"is not JSON: {name} is no number"})


def _unambiguous(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    # JSON can spell lone surrogates, which are no characters: no program could read the name back in an answer.
    named = [(name.encode("utf-8", "replace").decode(), value) for name, value in pairs]
    fields = dict(named)
    if len(fields) < len(named):
        times = Counter(name for name, _ in named)
        raise InvalidAnswers({name[:64]: "is given more than once" for name in fields if times[name] > 1})
    return fields


#: Integers become floats at once: Python refuses to read those of thousands of digits.
_DECODER = json.JSONDecoder(parse_int=float, parse_constant=_no_number, object_pairs_hook=_unambiguous)


def _worded(item: ErrorDetails) -> str:
    """What is wrong, what was expected; never the value itself, which may be hostile."""
    context = item.get("ctx", {})
    words = {
        "missing": "is missing",
        "extra_forbidden": "is not asked for",
        "value_error": str(context.get("error", "")),
        "literal_error": f"must be one of {context.get('expected', '')}",
        "greater_than_equal": f"must be at least {context.get('ge', '')}",
        "less_than_equal": f"must be at most {context.get('le', '')}",
        "greater_than": f"must be more than {context.get('gt', '')}",
        "less_than": f"must be less than {context.get('lt', '')}",
        "string_too_long": f"must have at most {context.get('max_length', '')} characters",
        "string_too_short": f"must have at least {context.get('min_length', '')} characters",
    }
    return words.get(item["type"], "is not what it should be")
