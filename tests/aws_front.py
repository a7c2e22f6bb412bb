"""AWS with its bad days: an HTTP server in front of moto that refuses, delays and fails what it is told to.

What boto3 sends and parses, repeats and gives up is thereby boto3's own; moto answers whatever nobody interferes with.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from itertools import chain, repeat
from typing import Any
from urllib.parse import parse_qs

import urllib3
from servers import S3Server
from werkzeug.serving import WSGIRequestHandler, make_server
from werkzeug.wrappers import Request, Response

_OF_THE_CONNECTION = {"transfer-encoding", "connection", "date", "server"}

#: Status, headers, body.
Answer = tuple[int, dict[str, str], bytes]
#: What a snapshot or export is said to be: Status, and for example PercentProgress and FailureCause.
State = dict[str, str]


class States:
    """States in turn; the last one stays."""

    def __init__(self, states: tuple[State, ...]) -> None:
        self._states = chain(states, repeat(states[-1]))

    def __next__(self) -> State:
        return next(self._states)


Turns = Iterator[Answer | None] | States


@dataclass(frozen=True)
class Asked:
    """One request: ``what`` is an action such as ``rds:StartExportTask``, or for S3 a method and path."""

    what: str
    parameters: dict[str, str]
    headers: dict[str, str]


@dataclass
class Front:
    """Where boto3 is sent, what it asked, and what interferes, in turn, with which requests."""

    url: str
    asked: list[Asked] = field(default_factory=list)
    rules: list[tuple[str, Turns]] = field(default_factory=list)

    def refuse(
        self, what: str, code: str, message: str = "said AWS", status: int = 400, times: int | None = None
    ) -> None:
        """Refuse each request whose name starts with ``what``, or the next ``times`` of them."""
        refusal = _refusal(what, code, message, status)
        self.rules.append((what, repeat(refusal) if times is None else chain([refusal] * times, repeat(None))))

    def states(self, what: str, *states: State) -> None:
        """Answer with these states of a snapshot or export that is there, in turn; the last one stays."""
        self.rules.append((what, States(states)))

    def of(self, what: str) -> list[Asked]:
        """What was asked of the kind that starts with ``what``."""
        return [each for each in self.asked if each.what.startswith(what)]

    def answer(self, asked: Asked, forward: Callable[[], Answer]) -> Answer:
        """Moto's answer, or what interferes."""
        self.asked.append(asked)
        for what, interferences in self.rules:
            if asked.what.startswith(what) and (answer := _interfered(interferences, forward)):
                return answer
        return forward()


def _interfered(interferences: Turns, forward: Callable[[], Answer]) -> Answer | None:
    if isinstance(interferences, States):
        answer = forward()
        # A state is of what is there: until something is, the first one waits.
        return _stated(answer, next(interferences)) if answer[0] == HTTPStatus.OK else answer
    return next(interferences)


def _refusal(what: str, code: str, message: str, status: int) -> Answer:
    error = f"<Code>{code}</Code><Message>{message}</Message>"
    wrapped = f"<ErrorResponse><Error><Type>Sender</Type>{error}</Error></ErrorResponse>"
    body = wrapped if what.startswith("rds:") else f"<Error>{error}</Error>"
    return status, {"Content-Type": "text/xml"}, body.encode()


def _stated(answer: Answer, state: State) -> Answer:
    status, headers, body = answer
    tags = "".join(f"<{name}>{value}</{name}>" for name, value in state.items() if name != "Status")
    for old in ("complete", "available"):
        body = body.replace(f"<Status>{old}</Status>".encode(), f"<Status>{state['Status']}</Status>{tags}".encode())
    return status, headers, body


@contextmanager
def fronted(moto: S3Server) -> Iterator[Front]:
    """A front before a running moto."""
    front = Front("")

    @Request.application
    def served(request: Request) -> Response:
        body = request.get_data(cache=True)
        form = body.decode("latin-1") if request.method == "POST" and request.path == "/" else ""
        parameters = {name: values[0] for name, values in parse_qs(form).items()}
        action = parameters.get("Action")
        what = f"rds:{action}" if action else f"s3:{request.method} {request.full_path}"
        asked = Asked(what, parameters, {name.lower(): value for name, value in request.headers.items()})
        status, headers, answer = front.answer(asked, lambda: _forwarded(moto.endpoint_url, request, body))
        response = Response(b"" if request.method == "HEAD" else answer, status)
        for name, value in headers.items():
            if name.lower() not in _OF_THE_CONNECTION and (name != "Content-Length" or request.method == "HEAD"):
                response.headers[name] = value
        return response

    server = make_server("127.0.0.1", 0, served, threaded=True, request_handler=_Quiet)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    front.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield front
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Quiet(WSGIRequestHandler):
    def log_request(self, *_: Any) -> None:
        """Say nothing."""


def _forwarded(to: str, request: Request, body: bytes) -> Answer:
    kept = {name: value for name, value in request.headers.items() if name.lower() not in {"connection", "expect"}}
    with urllib3.PoolManager() as pool:
        found = pool.request(
            request.method,
            to + request.environ["RAW_URI"],
            body=body,
            headers=kept,
            retries=False,
            decode_content=False,
        )
        return found.status, dict(found.headers.items()), found.data
