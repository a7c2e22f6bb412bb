"""What AWS Lambda is invoked with: the requests of API Gateway, of function URLs and of load balancers."""

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from payoff.errors import ContractError

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

Event = dict[str, Any]
#: From an event and Lambda's context to an answer.
Handler = Callable[[Event, Any], dict[str, Any]]

#: What an event must have, by the version of its format. A function URL sends 2.0, a load balancer names none.
_FIELDS = {
    "1.0": ("httpMethod", "path", "requestContext"),
    "2.0": ("rawPath", "rawQueryString", "headers", "requestContext"),
}
#: In the domain that every API has from the start, where its stage is part of each address.
_OWN_DOMAIN = ".execute-api."


def answering(app: "WSGIApplication") -> Handler:
    """A function that has ``app`` answer events."""
    from apig_wsgi import make_lambda_handler

    # Whatever is no text goes in base64, and the gateway unpacks it.
    answer = make_lambda_handler(_placed(app), binary_support=True)

    def checked(event: Event, context: Any) -> dict[str, Any]:
        _refuse_strange(event)
        answered: dict[str, Any] = answer(event, context)
        return answered

    return checked


def _refuse_strange(event: Event) -> None:
    """Refuse what comes from nowhere that a web app can stand behind: no answer of ours would be understood there.

    Raises
    ------
    ContractError
        It is no event, or a field is missing.
    """
    fields = event if isinstance(event, dict) else {}
    wanted = _FIELDS.get(str(fields.get("version", "1.0")))
    if wanted is None or any(name not in fields for name in wanted) or not isinstance(fields["requestContext"], dict):
        raise ContractError(
            f"the event has the fields {', '.join(sorted(map(str, fields))[:10]) or 'of none'}; expected a request as "
            "API Gateway (REST, or HTTP with payload format 2.0), a function URL or a load balancer sends it. To try "
            "the function, open its address."
        )


def _placed(app: "WSGIApplication") -> "WSGIApplication":
    """``app``, told below what prefix it stands, and who asks."""

    def told(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        event = environ["apig_wsgi.full_event"]
        prefix, shown = _stage(event)
        if event.get("version") == "2.0":
            environ["PATH_INFO"] = environ["PATH_INFO"].removeprefix(prefix) or "/"
        return app(environ | {"SCRIPT_NAME": shown, "REMOTE_ADDR": _asker(event, environ)}, start_response)

    return told


def _stage(event: Event) -> tuple[str, str]:
    """The stage as the address of the event begins with it, and as the browser's does; empty where it does not.

    API Gateway's own domains show the stage. A REST API takes it out of the path before it asks; an HTTP API leaves it
    there, and even puts it there where a domain of one's own has none.
    """
    context = event["requestContext"]
    prefix = f"/{context.get('stage', '')}"
    asked = event["rawPath"] if event.get("version") == "2.0" else context.get("path", event["path"])
    if not f"{asked}/".startswith(f"{prefix}/") or prefix == "/":
        return "", ""
    if event.get("version") == "2.0":
        return prefix, prefix if _OWN_DOMAIN in context.get("domainName", "") else ""
    return prefix, prefix if asked != event["path"] else ""


def _asker(event: Event, environ: Mapping[str, Any]) -> str:
    """The address that AWS was asked from; senders may write what they like before the last in X-Forwarded-For."""
    context = event["requestContext"]
    if "elb" in context:
        return str(environ.get("HTTP_X_FORWARDED_FOR", "")).rpartition(",")[2].strip()
    return str((context.get("http") or context.get("identity") or {}).get("sourceIp", ""))
