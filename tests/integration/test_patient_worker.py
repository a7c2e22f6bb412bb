"""The server beside clients that take their time: who has sent all of a request is answered at once."""

import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from email.message import Message
from http.client import parse_headers
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parents[1]
GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nHost: x\r\n"
HALVES = {"half of a head": GET[:20], "half of a body": POST + b"Content-Length: 1000\r\n\r\n" + b"x" * 500}
#: What the hasty server grants a request.
HASTY_SECONDS = 1


class Client:
    """A connection, of which one answer is read at a time."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=20)
        self._lines = self.socket.makefile("rb")

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *_: object) -> None:
        self._lines.close()
        self.socket.close()

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def line(self) -> bytes:
        return self._lines.readline()

    def hear(self) -> "Answer":
        """The next answer."""
        status = int(self.line().split()[1])
        headers = parse_headers(self._lines)
        return Answer(status, headers, self._lines.read(int(headers["Content-Length"])).decode())

    def rest(self) -> bytes:
        """All that comes before the server hangs up."""
        return self._lines.read()

    def hears_nothing(self, seconds: float) -> bool:
        return not select.select([self.socket], [], [], seconds)[0]


@dataclass
class Answer:
    status: int
    headers: Message
    text: str


@dataclass
class Running:
    """A server, and the file that its log goes to."""

    port: int
    process: subprocess.Popen[str]
    log: Path

    def connect(self) -> Client:
        return Client(self.port)

    def ask(self, path: str = "/") -> tuple[int, str]:
        """Status and text of what a newcomer is answered."""
        answer = self.says(b"GET %s HTTP/1.1\r\nHost: x\r\n\r\n" % path.encode())
        return answer.status, answer.text

    def says(self, request: bytes) -> Answer:
        with self.connect() as client:
            # The server may have had enough before all is sent.
            with suppress(ConnectionError):
                client.send(request)
            return client.hear()


@contextmanager
def running(folder: Path, threads: int, queue: int, seconds: int = 10) -> Iterator[Running]:
    log = folder / "server.log"
    command = [sys.executable, str(TESTS / "waiting_server.py"), str(threads), str(queue), str(seconds)]
    environment = os.environ | {"PYTHONPATH": str(TESTS.parent)}
    with (
        log.open("w") as errors,
        subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=errors, text=True) as process,
    ):
        assert process.stdout
        server = Running(int(process.stdout.readline()), process, log)
        try:
            assert server.ask() == (200, "0 bytes")
            yield server
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
            assert process.wait(30) == 0
        finally:
            process.kill()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(tmp_path_factory.mktemp("server"), threads=4, queue=4) as started:
        yield started


@pytest.fixture(scope="module")
def hasty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(tmp_path_factory.mktemp("hasty"), threads=4, queue=4, seconds=HASTY_SECONDS) as started:
        yield started


@contextmanager
def quick(seconds: float = 1.0) -> Iterator[None]:
    begun = time.monotonic()
    yield
    assert time.monotonic() - begun < seconds


@pytest.mark.parametrize("half", HALVES)
def test_500_half_sent_requests_hold_up_nobody(server: Running, half: str) -> None:
    with ExitStack() as stack:
        held = [stack.enter_context(server.connect()) for _ in range(500)]
        for connection in held:
            connection.send(HALVES[half])
        for _ in range(10):
            with quick():
                assert server.ask() == (200, "0 bytes")


def test_a_request_in_single_bytes_is_answered(server: Running) -> None:
    with server.connect() as connection:
        connection.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in POST + b"Content-Length: 3\r\n\r\nabc":
            connection.send(bytes([byte]))
            time.sleep(0.002)
        assert connection.hear().text == "3 bytes"


@pytest.mark.parametrize("half", HALVES)
def test_a_request_that_takes_too_long_is_refused(hasty: Running, half: str) -> None:
    with quick(HASTY_SECONDS + 2):
        answer = hasty.says(HALVES[half])
    assert (answer.status, answer.headers["Connection"]) == (408, "close")
    assert json.loads(answer.text)["status"] == 408


def test_bytes_that_trickle_in_do_not_buy_time(hasty: Running) -> None:
    with hasty.connect() as connection, quick(HASTY_SECONDS + 2):
        for byte in GET[:20]:
            connection.send(bytes([byte]))
            time.sleep(HASTY_SECONDS / 30)
        assert connection.hear().status == 408


def test_a_connection_may_rest_for_longer_than_a_request_may_take(hasty: Running) -> None:
    with hasty.connect() as connection:
        time.sleep(HASTY_SECONDS + 1.2)
        connection.send(GET)
        assert connection.hear().status == 200


def slept(server: Running, seconds: float, count: int, answers: list[int]) -> list[threading.Thread]:
    def ask() -> None:
        answers.append(server.ask(f"/slow?seconds={seconds}")[0])

    threads = [threading.Thread(target=ask) for _ in range(count)]
    for thread in threads:
        thread.start()
    return threads


def test_when_the_queue_is_full_a_newcomer_is_told_so_at_once_and_a_supervisor_is_answered(server: Running) -> None:
    answers: list[int] = []
    threads = slept(server, 1, 8, answers)
    time.sleep(0.4)
    with quick(0.5):
        refused = server.says(GET)
        assert server.ask("/healthz") == (200, "ok")
    assert (refused.status, refused.headers["Retry-After"]) == (503, "1")
    assert refused.headers["Content-Type"] == "application/problem+json"
    for thread in threads:
        thread.join()
    assert answers == [200] * 8
    assert server.ask() == (200, "0 bytes")


@pytest.mark.parametrize("size", [64 * 1024, 64 * 1024 + 1, 3_000_000])
def test_a_large_body_arrives(server: Running, size: int) -> None:
    with server.connect() as connection:
        for _ in range(2):
            connection.send(POST + b"Content-Length: %d\r\n\r\n" % size + b"x" * size)
            assert connection.hear().text == f"{size} bytes"


def test_a_body_in_chunks_arrives_also_when_another_follows_at_once(server: Running) -> None:
    chunks = POST + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n4\r\ndefg\r\n0\r\n\r\n"
    with server.connect() as connection:
        connection.send(chunks + chunks)
        assert [connection.hear().text, connection.hear().text] == ["7 bytes", "7 bytes"]


def test_one_thread_in_four_reads_large_bodies_and_another_of_them_waits_its_turn(server: Running) -> None:
    large = POST + b"Content-Length: 100000\r\n\r\n"
    with server.connect() as first, server.connect() as second:
        for connection in (first, second):
            connection.send(large)
            time.sleep(0.1)
        second.send(b"x" * 100_000)
        with quick():
            assert server.ask() == (200, "0 bytes")
        assert second.hears_nothing(0.3)
        first.send(b"x" * 100_000)
        assert [first.hear().text, second.hear().text] == ["100000 bytes", "100000 bytes"]


def test_a_large_body_that_stops_coming_gives_its_thread_back_and_troubles_no_log(hasty: Running) -> None:
    with hasty.connect() as large, hasty.connect() as chunked:
        large.send(POST + b"Content-Length: 100000\r\n\r\nx")
        assert large.hear().status == 408
        chunked.send(POST + b"Transfer-Encoding: chunked\r\n\r\n3\r\nab")
        assert chunked.hear().status == 408
    assert hasty.says(POST + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n").text == "0 bytes"
    assert hasty.log.read_text() == ""


def test_a_large_body_whose_turn_does_not_come_is_refused(hasty: Running) -> None:
    with hasty.connect() as first, hasty.connect() as second:
        first.send(POST + b"Content-Length: 100000\r\n\r\n")
        second.send(POST + b"Content-Length: 100000\r\n\r\n")
        for _ in range(5):
            time.sleep(HASTY_SECONDS / 2)
            first.send(b"x")
        assert second.hear().status == 503


def test_requests_sent_one_behind_the_other_are_answered_in_their_order(server: Running) -> None:
    posts = [POST + b"Content-Length: %d\r\n\r\n" % length + b"x" * length for length in (1, 2, 3)]
    sent = b"".join(posts)
    with server.connect() as connection:
        connection.send(sent[:-2])
        assert [connection.hear().text, connection.hear().text] == ["1 bytes", "2 bytes"]
        connection.send(sent[-2:] + GET)
        assert [connection.hear().text, connection.hear().text] == ["3 bytes", "0 bytes"]


def test_half_of_a_request_behind_a_whole_one_holds_no_thread(server: Running) -> None:
    with ExitStack() as stack:
        for _ in range(20):
            connection = stack.enter_context(server.connect())
            connection.send(GET + GET[:20])
            assert connection.hear().status == 200
        with quick():
            assert server.ask() == (200, "0 bytes")


def test_what_is_sent_while_the_answer_is_awaited_is_answered_next(server: Running) -> None:
    with server.connect() as connection:
        connection.send(GET.replace(b"/ ", b"/slow?seconds=0.3 "))
        time.sleep(0.1)
        connection.send(POST + b"Content-Length: 1\r\n\r\nx")
        assert [connection.hear().text, connection.hear().text] == ["at last", "1 bytes"]


@pytest.mark.parametrize("size", [4, 100_000])
def test_a_body_that_is_held_back_is_asked_for_once(server: Running, size: int) -> None:
    with server.connect() as connection:
        connection.send(POST + b"Expect: 100-continue\r\nContent-Length: %d\r\n\r\n" % size)
        with quick():
            assert [connection.line(), connection.line()] == [b"HTTP/1.1 100 Continue\r\n", b"\r\n"]
        connection.send(b"x" * size)
        assert connection.line() == b"HTTP/1.1 200 OK\r\n"


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\n\r\n", 414),
        (b"GET / HTTP/1.1\r\nX: " + b"a" * 100_000 + b"\r\n\r\n", 431),
        (POST + b"Content-Length: 2\r\nContent-Length: 20\r\n\r\n{}", 400),
        (b"GET / HTTP/1.1\r\nHost : x\r\n\r\n", 400),
    ],
)
def test_nonsense_is_refused_in_words(server: Running, request_: bytes, status: int) -> None:
    assert server.says(request_).status == status


def test_clients_that_do_not_hang_up_hold_up_nobody(server: Running) -> None:
    with ExitStack() as stack:
        for _ in range(5):
            connection = stack.enter_context(server.connect())
            connection.send(GET[:-2] + b"Connection: close\r\n\r\n")
            assert connection.hear().status == 200
        with quick():
            assert server.ask() == (200, "0 bytes")


def test_a_client_that_does_not_read_its_answer_gives_its_thread_back(hasty: Running) -> None:
    with ExitStack() as stack:
        for _ in range(4):
            deaf = stack.enter_context(hasty.connect())
            deaf.send(GET.replace(b"/ ", b"/long "))
        time.sleep(0.3)
        # Once for the part that the system still takes, once for the next.
        with quick(2 * HASTY_SECONDS + 2):
            assert hasty.ask() == (200, "0 bytes")
        assert hasty.log.read_text() == ""


def test_an_answer_that_breaks_off_ends_its_connection_alone(server: Running) -> None:
    for _ in range(3):
        with server.connect() as connection:
            connection.send(GET.replace(b"/ ", b"/torn "))
            with quick():
                assert not connection.rest().endswith(b"0\r\n\r\n")
        assert server.ask() == (200, "0 bytes")


def test_a_server_that_is_told_to_stop_answers_whoever_has_begun(tmp_path: Path) -> None:
    rests = {"half of a head": GET[20:], "half of a body": b"x" * 500}
    with running(tmp_path, threads=2, queue=2) as stopping, ExitStack() as stack:
        begun = {half: stack.enter_context(stopping.connect()) for half in HALVES}
        for half, connection in begun.items():
            connection.send(HALVES[half])
        time.sleep(0.2)
        stopping.process.send_signal(signal.SIGTERM)
        time.sleep(1.5)
        for half, connection in begun.items():
            connection.send(rests[half])
            answer = connection.hear()
            assert (answer.status, answer.headers["Connection"]) == (200, "close")
        assert stopping.process.wait(10) == 0
