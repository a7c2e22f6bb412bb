"""A worker that answers short questions in lots, so that all of a lot share a model call and a transaction.

Whatever has arrived while one lot was worked on is the next. Only questions that take little time each come into a lot:
they are answered in one thread, so a long one would hold up the others.
"""

import time
from collections import deque
from collections.abc import Sequence
from functools import partial
from typing import Any

from webapp import lots
from webapp.observing import metrics
from webapp.patient import Connection, PatientWorker, Threads

#: How a request begins that may come into a lot.
SHORT = b"POST /api/v1/predict?reasons=no "
MOST = 64
#: For so long a lot waits to become as large as the one before: those who were just answered are about to ask again.
LINGER_SECONDS = 0.002


class SharingWorker(PatientWorker):
    """As its parent, with a thread of its own for lots, of which it works on one at a time."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._waiting: deque[Connection] = deque()
        self._working = False
        self._last_size, self._complete_at = 1, 0.0

    def init_process(self) -> None:
        self._lots = Threads(1, self._answer_lot)
        super().init_process()

    def wait_for_and_dispatch_events(self, timeout: float) -> None:
        lingers = self._waiting and not self._working
        super().wait_for_and_dispatch_events(LINGER_SECONDS if lingers else timeout)
        if self._waiting and not self._working:
            self._begin_lot()

    def _queue(self, conn: Connection) -> None:
        if conn.streamed or not conn.arriving.data.startswith(SHORT):
            super()._queue(conn)
            return
        conn.queued = True
        self._queued += 1
        if not self._waiting:
            self._complete_at = time.monotonic() + LINGER_SECONDS
        self._waiting.append(conn)

    def _begin_lot(self) -> None:
        if len(self._waiting) < self._last_size and time.monotonic() < self._complete_at:
            return
        lot = [self._waiting.popleft() for _ in range(min(MOST, len(self._waiting)))]
        self._working, self._last_size = True, len(lot)
        metrics.waiting("lot", len(self._waiting))
        self._lots.give(lot)

    def _answer_lot(self, lot: Sequence[Connection]) -> None:
        stay = [False] * len(lot)
        try:
            stay = lots.run([partial(self._answered, conn) for conn in lot])
        finally:
            self.method_queue.defer(self._finish_lot, lot, stay)

    def _finish_lot(self, lot: Sequence[Connection], stay: Sequence[bool]) -> None:
        self._working = False
        self._complete_at = time.monotonic() + LINGER_SECONDS
        # Answers go out together, from here: whoever has one asks again at once, and would interrupt the work on those
        # of the others. A client that takes nothing in loses its answer; it must not keep the others waiting.
        for conn, stays in zip(lot, stay, strict=True):
            self.finish_request(conn, conn.sock.let_out() and stays)

    def handle_request(self, req: Any, conn: Connection) -> bool:
        if lots.in_lot():
            conn.sock.hold()
        return super().handle_request(req, conn)
