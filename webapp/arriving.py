"""How much of a request has arrived, told from its bytes; gunicorn's parser reads and judges it afterwards."""

import re
from enum import Enum, auto

#: A head beyond this is refused; gunicorn's parser refuses single lines earlier.
HEAD_BYTES = 32 * 1024
#: A body up to this is waited for without a thread. What the form and the API take is never larger.
BODY_BYTES = 64 * 1024

_END = b"\r\n\r\n"
_FRAMING = re.compile(rb"\r\n(content-length|transfer-encoding|expect)[ \t]*:[ \t]*([^\r\n]*)", re.IGNORECASE)
_LENGTH_DIGITS = 18


class State(Enum):
    """What can be done with a request."""

    PARTIAL = auto()
    """More of it must come."""
    WHOLE = auto()
    """It can be answered without waiting for the client again. Nonsense is whole too: the parser refuses it."""
    STREAMED = auto()
    """Its head is there, and its body is too large to be waited for, or of unknown length."""
    TOO_LONG = auto()
    """Its head is longer than any should be."""


class Arriving:
    """A request that arrives in pieces.

    Attributes
    ----------
    data : bytearray
        All that came; behind a whole request may lie the beginning of the next.
    """

    def __init__(self) -> None:
        self.data = bytearray()
        self._searched = 0
        self._bytes_wanted: int | None = None
        self._expects = False

    def add(self, piece: bytes) -> State:
        """Take in what came next."""
        self.data += piece
        if self._bytes_wanted is None and (found := self._measure()):
            return found
        return State.PARTIAL if len(self.data) < (self._bytes_wanted or 0) else State.WHOLE

    def takes_continue(self) -> bool:
        """Whether the client holds the body back until it is told ``100 Continue``; true once."""
        expects, self._expects = self._expects, False
        return expects

    def _measure(self) -> State | None:
        """Find how long the request is; the state of one whose length cannot be told, or is not to be waited for."""
        end = self.data.find(_END, self._searched)
        if (len(self.data) if end < 0 else end) > HEAD_BYTES:
            return State.TOO_LONG
        if end < 0:
            # The end may be torn between two pieces.
            self._searched = max(0, len(self.data) - len(_END) + 1)
            return State.PARTIAL
        head = bytes(self.data[:end])
        found = _FRAMING.findall(head)
        framing = {name.lower(): value.strip() for name, value in found}
        length = framing.get(b"content-length", b"")
        if b"transfer-encoding" in framing or len(length) > _LENGTH_DIGITS:
            return State.STREAMED
        # No number, or two: the parser refuses that, and needs no body to do so.
        body_bytes = int(length) if length.isdigit() and len(found) == len(framing) else 0
        if body_bytes > BODY_BYTES:
            return State.STREAMED
        self._bytes_wanted = end + len(_END) + body_bytes
        # HTTP/1.0 knows no such answer.
        first_line = head.lstrip(b"\r\n").partition(b"\r\n")[0]
        self._expects = framing.get(b"expect", b"").lower() == b"100-continue" and first_line.endswith(b" HTTP/1.1")
        return None
