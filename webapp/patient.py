"""A gunicorn worker that slow clients cannot hold up.

gunicorn's threaded worker gives a thread to a connection as soon as its first bytes are there: with as many clients as
there are threads, each sending half of a request, nobody else is answered. Here the main loop gathers requests, and
only a whole one gets a thread. Plain HTTP/1.1; whatever speaks TLS stands in front.
"""

import errno
import socket
import struct
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from queue import SimpleQueue
from selectors import EVENT_READ
from threading import Thread
from typing import Any

from gunicorn.workers.gthread import STOP_KEEPALIVE_LINGER, TConn, ThreadWorker
from werkzeug.exceptions import RequestTimeout

from webapp.arriving import Arriving, State
from webapp.observing import metrics
from webapp.refusals import BUSY, CONTINUE, HEAD_TOO_LONG, TOO_SLOW, URI_TOO_LONG

#: From the first byte of a request to its last. A thread waits as long for the next piece of a large body, and for the
#: client to take in the next piece of an answer.
REQUEST_SECONDS = 10
#: How long a client may take to close its end of a connection that was closed here.
PARTING_SECONDS = 2

_PIECE_BYTES = 16 * 1024
_HEALTH = b"GET /healthz "


class _Client(socket.socket):
    """A client's socket: threads may wait for it, the main loop never does."""

    _held: list[bytes] | None = None

    def hold(self) -> None:
        """Keep what is sent from now on, until ``let_out``."""
        self._held = []

    def sendall(self, data: Any, flags: int = 0) -> None:
        """Send or keep it."""
        if self._held is None:
            super().sendall(data, flags)
        else:
            self._held.append(data)

    def let_out(self) -> bool:
        """Send what was kept, in one piece and without waiting; whether the client took all of it."""
        whole, self._held = b"".join(self._held or ()), None
        with suppress(OSError):
            return self.send(whole, socket.MSG_DONTWAIT) == len(whole)
        return False

    def arrived(self) -> bytes | None:
        """What came next: nothing where the client has gone, None where nothing came yet."""
        try:
            return super().recv(_PIECE_BYTES, socket.MSG_DONTWAIT)
        except BlockingIOError:
            return None
        except OSError:
            return b""

    def tell(self, words: bytes) -> None:
        """Send what is short enough for the system to take at once; who has gone misses it."""
        with suppress(OSError):
            self.send(words, socket.MSG_DONTWAIT)

    def recv(self, size: int, flags: int = 0) -> bytes:
        """Wait for what comes next, in a thread and not for ever. Raises RequestTimeout, which the app words."""
        try:
            return super().recv(size, flags)
        except BlockingIOError as error:
            raise RequestTimeout from error

    def close(self) -> None:
        """Leave it open. A thread closes it after some errors; then a new connection would get its number while the
        poller still takes that for this one's.
        """

    let_go = socket.socket.close


class Connection(TConn):
    """A connection, and the request that arrives on it.

    Attributes
    ----------
    place : deque of Connection, optional
        Where it waits; None while a thread has it, or will.
    watched : bool
        Whether the poller tells when something arrives.
    continued : bool
        Whether the client was told ``100 Continue``.
    queued, streamed : bool
        What it counts as: a request in the queue or with a thread of it; one whose body that thread reads.
    """

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        # The parent's word for: there is no need to wait for the first byte.
        self.data_ready = True
        # Threads read and write a blocking socket; none may wait for ever.
        for waiting in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):
            self.sock.setsockopt(socket.SOL_SOCKET, waiting, struct.pack("ll", REQUEST_SECONDS, 0))
        self.place: deque[Connection] | None = None
        self.watched = False
        self.renew()

    def renew(self) -> None:
        """Expect the first byte of a request."""
        self.arriving = Arriving()
        self.continued = self.queued = self.streamed = False

    def close(self, graceful: bool = False) -> None:
        """Close it at once; the worker has waited before, where there was something to wait for."""
        self.sock.let_go()


class Threads:
    """Threads that work on what they are given, in that order.

    A ThreadPoolExecutor's futures and its count of idle threads cost a tenth of what a short answer does.
    """

    def __init__(self, count: int, work: Callable[[Any], None]) -> None:
        self._given: SimpleQueue[Any] = SimpleQueue()
        self._count, self._work = count, work
        for _ in range(count):
            Thread(target=self._go_on, daemon=True).start()
        self.give = self._given.put

    def shutdown(self, wait: bool = False) -> None:
        """End each thread after what it is at."""
        for _ in range(self._count):
            self._given.put(None)

    def _go_on(self) -> None:
        while (given := self._given.get()) is not None:
            self._work(given)


class PatientWorker(ThreadWorker):
    """Gathers requests in its main loop, and answers whole ones in threads.

    A connection is in one of five places: idle (``keepalived_conns``), in the middle of a request (``pending_conns``),
    with a large body that waits for a thread (``_uploads``), in the queue or with a thread, or about to be closed
    (``_parting``). Only the main loop moves them.

    The application it is started with has an attribute ``queue``: how many requests may wait for a thread. Of several
    listening sockets it accepts from one.

    Attributes
    ----------
    place : int
        Which of the sockets, counted round.
    """

    place = 0

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._listeners: Sequence[socket.socket] = args[2]
        self._most_queued = self.cfg.threads + self.app.queue
        # Their clients decide how long they take, so most threads are kept from them.
        self._most_streamed = max(1, self.cfg.threads // 4)
        self._queued = self._streamed = 0
        self._uploads: deque[Connection] = deque()
        self._parting: deque[Connection] = deque()

    def init_process(self) -> None:
        self.sockets = [self._listeners[self.place % len(self._listeners)]]
        # A supervisor must not take a busy process for a dead one: its question waits behind no other.
        self._health_thread = Threads(1, self._answer)
        super().init_process()

    def get_thread_pool(self) -> Threads:
        return Threads(self.cfg.threads, self._answer)

    def is_parent_alive(self) -> bool:
        lives = bool(super().is_parent_alive())
        if not lives:
            # Nobody would replace it, so it ends; those who are connected are to go elsewhere, too.
            self.alive = False
        return lives

    def accept(self, listener: socket.socket) -> None:
        try:
            found, address = listener.accept()
        except OSError as error:
            if error.errno in (errno.EAGAIN, errno.ECONNABORTED):
                return
            raise
        self.nr_conns += 1
        client = _Client(found.family, found.type, found.proto, found.detach())
        self._rest(Connection(self.cfg, client, address, listener.getsockname()))

    def _rest(self, conn: Connection) -> None:
        seconds = self.cfg.keepalive if self.alive else STOP_KEEPALIVE_LINGER
        _put(conn, self.keepalived_conns, seconds)
        self._watch(conn)

    def _watch(self, conn: Connection) -> None:
        if not conn.watched:
            conn.watched = True
            self.poller.register(conn.sock, EVENT_READ, partial(self._receive, conn))

    def _unwatch(self, conn: Connection) -> None:
        if conn.watched:
            conn.watched = False
            self.poller.unregister(conn.sock)

    def _receive(self, conn: Connection, client: _Client) -> None:
        if conn.place is None:
            # Something was sent ahead of the answer. That is rare, so that a connection is not taken from the poller
            # for each request, and is read when the answer is given.
            self._unwatch(conn)
        elif (piece := client.arrived()) == b"":
            conn.place.remove(conn)
            self._drop(conn)
        elif piece and conn.place is not self._parting:
            self._gather(conn, piece)

    def _gather(self, conn: Connection, piece: bytes) -> None:
        state = conn.arriving.add(piece)
        if state is not State.PARTIAL:
            _take(conn)
            self._dispatch(conn, state)
        elif conn.place is self.keepalived_conns:
            _take(conn)
            _put(conn, self.pending_conns, REQUEST_SECONDS)
        if conn.arriving.takes_continue():
            conn.continued = True
            conn.sock.tell(CONTINUE)

    def _dispatch(self, conn: Connection, state: State) -> None:
        if state is State.TOO_LONG:
            self._refuse(conn, HEAD_TOO_LONG if b"\r\n" in conn.arriving.data else URI_TOO_LONG)
        elif state is State.WHOLE and conn.arriving.data.startswith(_HEALTH):
            self._health_thread.give(conn)
        elif self._queued >= self._most_queued:
            self._refuse(conn, BUSY)
        elif state is State.WHOLE:
            self._queue(conn)
        else:
            # The thread reads the rest of it.
            self._unwatch(conn)
            self._upload(conn)

    def _upload(self, conn: Connection) -> None:
        if self._streamed < self._most_streamed:
            conn.streamed = True
            self._streamed += 1
            self._queue(conn)
        else:
            # Most uploads take a moment, so it is better to wait for that than to send a person away.
            _put(conn, self._uploads, REQUEST_SECONDS)

    def _queue(self, conn: Connection) -> None:
        conn.queued = True
        self._queued += 1
        self.tpool.give(conn)

    def _answer(self, conn: Connection) -> None:
        """Answer a request, in a thread."""
        stays = False
        try:
            stays = self._answered(conn)
        finally:
            self.method_queue.defer(self.finish_request, conn, stays)

    def _answered(self, conn: Connection) -> bool:
        """Answer a request; whether the connection may stay open."""
        conn.init()
        conn.parser.unreader.unread(conn.arriving.data)
        return bool(self.handle(conn))

    def handle_request(self, req: Any, conn: Connection) -> bool:
        if conn.continued:
            req._expected_100_continue = False
        try:
            return bool(super().handle_request(req, conn))
        except BlockingIOError as error:
            # The client does not take in its answer. The parent closes the connection, and logs no error.
            raise StopIteration(str(error)) from error

    def finish_request(self, conn: Connection, stays: bool) -> None:
        self._queued -= conn.queued
        self._streamed -= conn.streamed
        if self._uploads and self._streamed < self._most_streamed:
            self._upload(_take(self._uploads[0]))
        if not stays:
            self._part(conn)
            return
        conn.renew()
        self._rest(conn)
        if sent_ahead := conn.parser.unreader.take_buffered():
            self._gather(conn, sent_ahead)

    def _refuse(self, conn: Connection, answer: bytes) -> None:
        if answer is BUSY:
            metrics.refused("full")
        conn.sock.tell(answer)
        self._part(conn)

    def _part(self, conn: Connection) -> None:
        """Close this end first: what the client still sends must not destroy the answer on its way to it."""
        try:
            conn.sock.shutdown(socket.SHUT_WR)
        except OSError:
            self._drop(conn)
        else:
            _put(conn, self._parting, PARTING_SECONDS)
            self._watch(conn)

    def _drop(self, conn: Connection) -> None:
        self._unwatch(conn)
        self.nr_conns -= 1
        conn.close()

    def murder_pending(self) -> None:
        """End what takes too long; called at each turn of the main loop, at least once a second."""
        for conn in _overdue(self.pending_conns):
            self._refuse(conn, TOO_SLOW)
        for conn in _overdue(self._uploads):
            self._refuse(conn, BUSY)
        for conn in _overdue(self._parting):
            self._drop(conn)


def _put(conn: Connection, place: deque[Connection], seconds: float) -> None:
    """Let it wait in ``place``, where all wait equally long."""
    conn.timeout = time.monotonic() + seconds
    conn.place = place
    place.append(conn)


def _take(conn: Connection) -> Connection:
    """Take it out of where it waits."""
    if conn.place is not None:
        conn.place.remove(conn)
        conn.place = None
    return conn


def _overdue(place: deque[Connection]) -> list[Connection]:
    """Take out those who have waited too long; whoever came first is first."""
    now, over = time.monotonic(), []
    while place and place[0].timeout <= now:
        over.append(_take(place[0]))
    return over
