"""The events that AWS invokes a function with, in the shapes that its documentation and real logs show."""

import base64
import re
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode

ASKER = "203.0.113.7"
#: What a sender may write to be taken for another.
CLAIMED = "198.51.100.99"
API_DOMAIN = "abcde12345.execute-api.eu-central-1.amazonaws.com"

TOKEN = re.compile(r'name="csrf_token" value="([^"]+)"')

Event = dict[str, Any]


@dataclass(frozen=True)
class Asked:
    """A request as a browser makes it, before something at AWS turns it into an event."""

    method: str
    path: str
    query: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    cookies: tuple[str, ...] = ()
    body: bytes = b""

    def received(self, host: str) -> dict[str, str]:
        """The headers as AWS hands them on."""
        added = {"X-Forwarded-For": f"{CLAIMED}, {ASKER}", "X-Forwarded-Proto": "https", "X-Forwarded-Port": "443"}
        return {"Host": host, "User-Agent": "Mozilla/5.0", **self.headers, **added}


def _body(asked: Asked, always_packed: bool) -> Event:
    if not asked.body:
        return {"body": None, "isBase64Encoded": False}
    if always_packed:
        return {"body": base64.b64encode(asked.body).decode(), "isBase64Encoded": True}
    return {"body": asked.body.decode(), "isBase64Encoded": False}


def rest_api(asked: Asked, stage: str = "prod", domain: str = API_DOMAIN) -> Event:
    """A REST API of API Gateway; its own domain shows the stage, the path of the event does not."""
    headers = asked.received(domain) | ({"Cookie": "; ".join(asked.cookies)} if asked.cookies else {})
    shown = f"/{stage}{asked.path}" if domain == API_DOMAIN else asked.path
    query = {name: values[-1] for name, values in parse_qs(asked.query, keep_blank_values=True).items()}
    return {
        "resource": "/{proxy+}",
        "path": asked.path,
        "httpMethod": asked.method,
        "headers": headers,
        "multiValueHeaders": {name: [value] for name, value in headers.items()},
        "queryStringParameters": query or None,
        "multiValueQueryStringParameters": parse_qs(asked.query, keep_blank_values=True) or None,
        "pathParameters": {"proxy": asked.path.lstrip("/")},
        "stageVariables": None,
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "abcde12345",
            "domainName": domain,
            "domainPrefix": domain.split(".")[0],
            "httpMethod": asked.method,
            "identity": {"sourceIp": ASKER, "userAgent": "Mozilla/5.0", "accountId": None, "user": None},
            "path": shown,
            "protocol": "HTTP/1.1",
            "requestId": "c6af9ac6-7b61-11e6-9a41-93e8deadbeef",
            "resourcePath": "/{proxy+}",
            "stage": stage,
        },
        **_body(asked, always_packed=True),
    }


def http_api(asked: Asked, stage: str = "$default", domain: str = API_DOMAIN) -> Event:
    """An HTTP API of API Gateway, payload format 2.0; a stage with a name begins every path, whatever the domain."""
    path = asked.path if stage == "$default" else f"/{stage}{asked.path}"
    return {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": asked.query,
        "cookies": list(asked.cookies),
        "headers": {name.lower(): value for name, value in asked.received(domain).items()},
        "queryStringParameters": dict(parse_qsl(asked.query)),
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "abcde12345",
            "domainName": domain,
            "domainPrefix": domain.split(".")[0],
            "http": {
                "method": asked.method,
                "path": path,
                "protocol": "HTTP/1.1",
                "sourceIp": ASKER,
                "userAgent": "Mozilla/5.0",
            },
            "requestId": "JKJaXmPLvHcESHA=",
            "routeKey": "$default",
            "stage": stage,
            "time": "10/Mar/2026:05:16:23 +0000",
            "timeEpoch": 1773119783636,
        },
        **_body(asked, always_packed=False),
    }


def function_url(asked: Asked) -> Event:
    """The URL of a function: the format of an HTTP API without stages, with every body packed."""
    event = http_api(asked, domain="abcdefghijkl.lambda-url.eu-central-1.on.aws")
    return event | _body(asked, always_packed=True)


def load_balancer(asked: Asked, *, several_values: bool = True) -> Event:
    """A load balancer whose target group hands on lists of values, as it should, or single ones."""
    headers = {name.lower(): value for name, value in asked.received("loans.example").items()}
    if asked.cookies:
        headers["cookie"] = "; ".join(asked.cookies)
    # It leaves what is escaped as it came.
    query: dict[str, list[str]] = defaultdict(list)
    for pair in filter(None, asked.query.split("&")):
        name, _, value = pair.partition("=")
        query[name].append(value)
    event = {
        "requestContext": {"elb": {"targetGroupArn": "arn:aws:elasticloadbalancing:eu-central-1:123456789012:tg/a/b"}},
        "httpMethod": asked.method,
        "path": asked.path,
        **_body(asked, always_packed=False),
    }
    if several_values:
        return event | {
            "multiValueHeaders": {name: [value] for name, value in headers.items()},
            "multiValueQueryStringParameters": dict(query),
        }
    single = {name: values[-1] for name, values in query.items()}
    return event | {"headers": headers, "queryStringParameters": single}


def load_balancer_single(asked: Asked) -> Event:
    """A load balancer as it is set up at first."""
    return load_balancer(asked, several_values=False)


SENDERS: dict[str, Callable[[Asked], Event]] = {
    "REST API": rest_api,
    "HTTP API": http_api,
    "function URL": function_url,
    "load balancer": load_balancer,
    "load balancer, single values": load_balancer_single,
}


@dataclass(frozen=True)
class Answer:
    """What the browser is shown of what the function returned."""

    status: int
    headers: dict[str, str]
    cookies: tuple[str, ...]
    body: bytes
    packed: bool

    @property
    def text(self) -> str:
        return self.body.decode()


def unpacked(returned: Event) -> Answer:
    """The answer as AWS hands it on, in whichever format it was returned."""
    several = returned.get("multiValueHeaders", {})
    headers = {name.lower(): values[-1] for name, values in several.items()}
    headers |= {name.lower(): value for name, value in returned.get("headers", {}).items()}
    cookies = returned.get("cookies") or several.get("Set-Cookie") or [headers.get("set-cookie")]
    body = base64.b64decode(returned["body"]) if returned["isBase64Encoded"] else returned["body"].encode()
    return Answer(returned["statusCode"], headers, tuple(filter(None, cookies)), body, returned["isBase64Encoded"])


class Browser:
    """Keeps cookies, and asks a handler through one of the senders."""

    def __init__(self, handler: Callable[[Event, Any], Event], sender: Callable[[Asked], Event]) -> None:
        self._handler, self.sender = handler, sender
        self.jar: SimpleCookie = SimpleCookie()
        event = sender(Asked("GET", "/"))
        headers = event.get("headers") or {name: values[-1] for name, values in event["multiValueHeaders"].items()}
        self.host = {name.lower(): value for name, value in headers.items()}["host"]

    def get(self, path: str, query: str = "", **headers: str) -> Answer:
        """Open an address."""
        return self._ask(Asked("GET", path, query, headers, self._cookies()))

    def post(self, path: str, data: Mapping[str, Any], *, referrer: str = "", **headers: str) -> Answer:
        """Send a form."""
        typed = {"Content-Type": "application/x-www-form-urlencoded", **({"Referer": referrer} if referrer else {})}
        path, _, query = path.partition("?")
        return self._ask(Asked("POST", path, query, typed | headers, self._cookies(), urlencode(data).encode()))

    def predict(self, answers: Mapping[str, Any]) -> Answer:
        """Open the form, fill it and send it."""
        token = TOKEN.search(self.get("/").text)
        filled = {**answers, "csrf_token": token[1] if token else ""}
        return self.post("/", filled, referrer=f"https://{self.host}/")

    def send(self, path: str, body: bytes, **headers: str) -> Answer:
        """Send a body as it is."""
        return self._ask(Asked("POST", path, "", headers, self._cookies(), body))

    def _ask(self, asked: Asked) -> Answer:
        answer = unpacked(self._handler(self.sender(asked), None))
        for cookie in answer.cookies:
            self.jar.load(cookie)
        return answer

    def _cookies(self) -> tuple[str, ...]:
        return tuple(f"{name}={morsel.coded_value}" for name, morsel in self.jar.items())
