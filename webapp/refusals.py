"""What the server says before the app is asked: whole answers in bytes, after which the connection is closed."""

import json
from http import HTTPStatus

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


def refusal(status: int, detail: str, *headers: str) -> bytes:
    """A problem+json answer with its head; ``headers`` are lines of their own."""
    phrase = HTTPStatus(status).phrase
    body = json.dumps({"type": "about:blank", "title": phrase, "status": status, "detail": detail}).encode()
    lines = [
        f"HTTP/1.1 {status} {phrase}",
        "Content-Type: application/problem+json",
        f"Content-Length: {len(body)}",
        "Connection: close",
        *headers,
    ]
    return "\r\n".join([*lines, "", ""]).encode() + body


TOO_SLOW = refusal(408, "The request did not arrive in time. Send it again, all at once.")
URI_TOO_LONG = refusal(414, "The address is longer than any of this site.")
HEAD_TOO_LONG = refusal(431, "The headers are longer than this site takes.")
BUSY = refusal(503, "More requests wait than can be answered soon. Ask again in a second.", "Retry-After: 1")
