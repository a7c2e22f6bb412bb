"""A visitor of the site in a container: waits for it, fills the form, and goes on while it is being stopped."""

import re
import socket
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from http.cookiejar import CookieJar
from urllib.parse import urlencode

from building import CannotRehearse

TOKEN = re.compile(r'name="csrf_token" value="([^"]+)"')
_PATIENCE_SECONDS = 120


class Visitor:
    """A browser as far as a form needs one: it keeps cookies and sends tokens back."""

    def __init__(self, port: int) -> None:
        self.port, self._jar = port, CookieJar()
        self._opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(self._jar))

    def get(self, path: str, seconds: float = 60) -> tuple[int, str]:
        """Open a page; its status and text, (0, "") where nobody answers within so many ``seconds``."""
        return self._open(urllib.request.Request(f"http://127.0.0.1:{self.port}{path}"), seconds)

    def wait(self, path: str, started: float) -> float:
        """Ask until the answer is 200; seconds since ``started``, on the clock that only grows."""
        while time.monotonic() - started < _PATIENCE_SECONDS:
            if self.get(path)[0] == 200:
                return time.monotonic() - started
            time.sleep(0.02)
        raise CannotRehearse(f"{path} of port {self.port} was not answered within {_PATIENCE_SECONDS} s")

    def predict(self, answers: Mapping[str, object]) -> tuple[int, str]:
        """Fill the form and send it; the status and text of the answer."""
        data = self._filled(answers)
        return self._open(urllib.request.Request(f"http://127.0.0.1:{self.port}/", data=data))

    def predict_slowly(self, answers: Mapping[str, object]) -> "SlowRequest":
        """Fill the form, and send the first half of it."""
        body = self._filled(answers)
        cookies = "; ".join(f"{cookie.name}={cookie.value}" for cookie in self._jar)
        return SlowRequest(self.port, cookies, body)

    def _filled(self, answers: Mapping[str, object]) -> bytes:
        found = TOKEN.search(self.get("/")[1])
        if not found:
            raise CannotRehearse("the form has no token")
        return urlencode({**answers, "csrf_token": found[1]}).encode()

    def _open(self, request: urllib.request.Request, seconds: float = 60) -> tuple[int, str]:
        try:
            with self._opener.open(request, timeout=seconds) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()
        except OSError:
            return 0, ""


class SlowRequest:
    """A form whose second half is still to come."""

    def __init__(self, port: int, cookies: str, body: bytes) -> None:
        half = len(body) // 2
        head = [
            "POST / HTTP/1.1", f"Host: 127.0.0.1:{port}", f"Cookie: {cookies}", f"Content-Length: {len(body)}",
            "Content-Type: application/x-www-form-urlencoded", "Connection: close", "", "",
        ]  # fmt: skip
        self._rest = body[half:]
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=60)
        self._socket.sendall("\r\n".join(head).encode() + body[:half])

    def finish(self) -> tuple[int, str]:
        """Send the rest; the status and text of the answer, (0, "") where there is none."""
        with self._socket as connection:
            try:
                connection.sendall(self._rest)
                received = b"".join(iter(lambda: connection.recv(65536), b""))
            except OSError:
                return 0, ""
        head, _, body = received.partition(b"\r\n\r\n")
        return int(head.split()[1]) if head else 0, body.decode()
