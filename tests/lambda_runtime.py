"""The Runtime API by which AWS Lambda hands events to a function, as far as its client asks."""

import json
import queue
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

_ARN = "arn:aws:lambda:eu-central-1:123456789012:function:payoff"


class FunctionError(Exception):
    """The function answered an event with an error; its type and message."""


class Runtime:
    """What stands in for Lambda.

    Attributes
    ----------
    address : str
        For ``AWS_LAMBDA_RUNTIME_API``.
    """

    def __init__(self, address: str) -> None:
        self.address = address
        self.asked = threading.Event()
        self.events: queue.Queue[tuple[str, bytes]] = queue.Queue()
        self.answers: queue.Queue[tuple[str, dict[str, Any]]] = queue.Queue()

    def wait(self, seconds: float) -> None:
        """Until the function has started and asks for its first event."""
        if not self.asked.wait(seconds):
            raise TimeoutError(f"the function has asked for no event within {seconds} s")

    def invoke(self, event: object, _context: object = None, seconds: float = 60) -> dict[str, Any]:
        """Hand ``event`` over and wait for the answer."""
        self.events.put((str(uuid.uuid4()), json.dumps(event).encode()))
        kind, answer = self.answers.get(timeout=seconds)
        if kind != "response":
            raise FunctionError(f"{answer.get('errorType')}: {answer.get('errorMessage')}")
        return answer


@contextmanager
def running_runtime() -> Iterator[Runtime]:
    """A Runtime API on a free port."""

    class Answers(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle(self) -> None:
            # The function is ended while it waits for an event.
            with suppress(ConnectionError):
                super().handle()

        def do_GET(self) -> None:
            runtime.asked.set()
            request_id, event = runtime.events.get()
            self.send_response(200)
            self.send_header("Lambda-Runtime-Aws-Request-Id", request_id)
            self.send_header("Lambda-Runtime-Deadline-Ms", str(int((time.time() + 30) * 1000)))
            self.send_header("Lambda-Runtime-Invoked-Function-Arn", _ARN)
            self._end(event)

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            runtime.answers.put((self.path.rpartition("/")[2], json.loads(body)))
            self.send_response(202)
            self._end(b"{}")

        def _end(self, body: bytes) -> None:
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    # A function that was ended leaves its last question open.
    server.daemon_threads, server.block_on_close = True, False
    runtime = Runtime(f"127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield runtime
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
