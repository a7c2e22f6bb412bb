"""The OpenAPI document: what spectree makes of views and models, completed by what their signatures do not say."""

from collections.abc import Iterator
from copy import deepcopy
from functools import cache
from typing import Any

from webapp.api.describing import documented

#: Said once, and meant by each answer that names it.
_HEADERS: dict[str, tuple[str, str]] = {
    "RateLimit-Limit": ("integer", "How often this key may ask in a window of time."),
    "RateLimit-Remaining": ("integer", "How often it still may in this window."),
    "RateLimit-Reset": ("integer", "Seconds until the next window."),
    "Retry-After": ("integer", "Seconds to wait before asking again."),
    "WWW-Authenticate": ("string", "Bearer, and what is wrong with the key if one was sent."),
    "Link": ("string", "The pages beside this one (RFC 8288), `rel` prev and next."),
}
_COUNTED = ("RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset")
_OF_STATUS = {"401": ("WWW-Authenticate",), "429": ("Retry-After",)}

#: In the order in which a reader meets them.
_TAGS = ("Predictions", "History", "Models", "Health")
#: Models of addresses, whose fields have become parameters.
_QUERIES = ("Asked", "Pair", "Period")
_LOAN = {
    "application": "2026/117",
    "loan_amount_czk": 80952,
    "loan_duration_months": 24,
    "granted_on": "1997-05-10",
    "opened_on": "1995-03-02",
    "owner_born_on": "1960-02-04",
    "district": "Benesov",
    "account_statement_frequency": "monthly",
    "card_type": "none",
    "transaction_balance_last": 30000,
    "transaction_balance_min_180d": 5000,
    "month_balance_min_mean_180d": 12000,
    "month_income_mean_180d": 22000,
    "month_spending_mean_180d": 20000,
    "transaction_balance_mean": 35000,
    "transaction_amount_mean": 4500,
    "transaction_count": 120,
    "transaction_count_90d": 18,
}
EXAMPLES: dict[str, Any] = {
    "Loan": _LOAN,
    "Loans": [_LOAN],
    "AccountLoan": {"loan_amount_czk": 80952, "loan_duration_months": 24, "granted_on": "1998-06-01"},
    "Outcome": {"outcome": "paid_off"},
}


@cache
def document() -> dict[str, Any]:
    """The document, OpenAPI 3.1; made once, from the routes of the running app."""
    made: dict[str, Any] = deepcopy(documented.spec)
    made["servers"] = [{"url": "/", "description": "This server."}]
    made["tags"] = [{"name": name} for name in _TAGS]
    made["components"]["headers"] = {
        name: {"description": meaning, "schema": {"type": kind}} for name, (kind, meaning) in _HEADERS.items()
    }
    for operation in operations(made):
        for status, response in operation["responses"].items():
            _complete(operation, status, response)
        for parameter in operation["parameters"]:
            _mend(parameter)
    schemas = made["components"]["schemas"]
    for name in _QUERIES:
        del schemas[name]
    for name, example in EXAMPLES.items():
        schemas[name]["examples"] = [example]
    return made


def operations(made: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Every operation of a document."""
    for path in made["paths"].values():
        yield from path.values()


def _complete(operation: dict[str, Any], status: str, response: dict[str, Any]) -> None:
    """Errors are problem details; headers stand beside the bodies."""
    if status >= "400":
        response["content"] = {"application/problem+json": response["content"].pop("application/json")}
    # Every answer to a key is counted; said where it matters.
    counted = "security" not in operation and status in ("200", "429")
    names = [*(_COUNTED if counted else ()), *_OF_STATUS.get(status, ())]
    if operation["operationId"] == "list_predictions" and status == "200":
        names.append("Link")
    if names:
        response["headers"] = {name: {"$ref": f"#/components/headers/{name}"} for name in names}


def _mend(parameter: dict[str, Any]) -> None:
    """Spectree repeats descriptions and takes numbers in a path for 32 bits wide; an address knows no null."""
    schema = parameter["schema"]
    if schema.get("format") == "int32":
        schema["format"] = "int64"
    schema.pop("description", None)
    if "anyOf" in schema:
        (real,) = [each for each in schema.pop("anyOf") if each != {"type": "null"}]
        schema |= real
        del schema["default"]
