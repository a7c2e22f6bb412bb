"""How a view is put into the OpenAPI document: beside its code, from the models that it reads and returns.

spectree writes the document and turns returned models into JSON. It reads no request; ``webapp.api.reading`` does.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, ParamSpec

from flask import Response
from pydantic import BaseModel
from spectree import Response as Answers
from spectree import SecurityScheme, SpecTree
from spectree.models import InType, SecureType, SecuritySchemeData

from payoff import __version__
from webapp.api.schemas import Problem

P = ParamSpec("P")

_ABOUT = """Scores loans, and tells of what was scored.

**Keys.** Every request but those for health and for this document carries a key, which has the role of its user:
*viewer* asks for predictions and reads, *officer* looks accounts up and records outcomes as well. No cookie counts.

**Errors** are problem details (RFC 9457), `application/problem+json`; where fields are faulty, `errors` names each of
them with its reason. An address that does not exist is answered 404, a method that it does not know 405 with `Allow`.

**Limits.** `RateLimit-Limit`, `RateLimit-Remaining` and `RateLimit-Reset` (seconds) say how often a key may ask; a 429
says in `Retry-After` after how many seconds to come back. A body may have 64 kB, a batch 2 MB."""

_SCHEMES = {
    "bearer": SecuritySchemeData(
        type=SecureType.HTTP, scheme="bearer", description="A key: `Authorization: Bearer payoff_…`"
    ),
    "header": SecuritySchemeData(
        type=SecureType.API_KEY, name="X-API-Key", field_in=InType.HEADER, description="The same key."
    ),
}

documented = SpecTree(
    "flask",
    mode="strict",
    annotations=False,
    title="Payoff",
    version=__version__,
    description=_ABOUT,
    security_schemes=[SecurityScheme(name=name, data=data) for name, data in _SCHEMES.items()],
    security=[{name: []} for name in _SCHEMES],
    # spectree adds one error to every operation: the one that each can end in.
    validation_error_status=503,
    validation_error_model=Problem,
    naming_strategy=lambda model: model.__name__,
    nested_naming_strategy=lambda _parent, child: child,
)

#: What an error means here, where its name does not say it.
_MEANINGS = {
    400: "Something sent is faulty; `errors` names every field.",
    401: "No key was sent, or it does not count.",
    403: "The key's role does not reach so far.",
    404: "There is no such thing.",
    413: "The body is too large.",
    415: "The body is not `application/json`.",
    429: "The key was used too often; `Retry-After` says when to come back.",
}
#: What every operation with a key can end in.
_KEYED = (401, 429)


def described(
    tag: str,
    answer: type[BaseModel],
    meaning: str,
    errors: Iterable[int] = (),
    *,
    body: type[BaseModel] | None = None,
    query: type[BaseModel] | None = None,
    path: Mapping[str, str] | None = None,
    keyed: bool = True,
) -> Callable[[Callable[P, Any]], Callable[P, Response]]:
    """Put a view into the document; its docstring becomes the operation's summary and description.

    Parameters
    ----------
    answer : type of BaseModel
        What the view returns, ``meaning`` in words.
    errors : iterable of int
        The statuses of the errors that it can end in, beside those of every operation.
    body, query : type of BaseModel, optional
        What it reads.
    path : mapping of parameter to what it is, optional
    keyed : bool
        Whether it needs a key.
    """
    statuses = sorted({*errors, *(_KEYED if keyed else ())})
    answers = Answers(HTTP_200=(answer, meaning), **{f"HTTP_{each}": (Problem, _MEANINGS[each]) for each in statuses})

    def decorate(view: Callable[P, Any]) -> Callable[P, Response]:
        decorated: Callable[P, Response] = documented.validate(
            json=body, query=query, resp=answers, tags=[tag], security=None if keyed else [],
            operation_id=view.__name__, path_parameter_descriptions=path, skip_validation=True,
        )(view)  # fmt: skip
        return decorated

    return decorate
