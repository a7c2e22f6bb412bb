"""A small app behind the worker under test, in processes of its own: ``waiting_server.py THREADS QUEUE SECONDS``.

It says its port on its first line.
"""

import socket
import sys
import time
from collections.abc import Iterator

from flask import Flask, request
from gunicorn.app.base import BaseApplication

from webapp import patient


def app() -> Flask:
    made = Flask(__name__)

    @made.route("/", methods=["GET", "POST"])
    def length() -> str:
        return f"{len(request.get_data())} bytes"

    @made.get("/healthz")
    def alive() -> str:
        return "ok"

    @made.get("/slow")
    def slow() -> str:
        time.sleep(float(request.args["seconds"]))
        return "at last"

    @made.get("/long")
    def long() -> str:
        return "x" * 50_000_000

    @made.get("/torn")
    def torn() -> Iterator[str]:
        yield "the beginning"
        raise RuntimeError("no end")

    return made


class Server(BaseApplication):
    """gunicorn with one worker."""

    def __init__(self, listener: socket.socket, threads: int, queue: int) -> None:
        self.queue = queue
        self._options = {
            "bind": f"fd://{listener.detach()}",
            "worker_class": patient.PatientWorker,
            "worker_connections": 2000,
            "threads": threads,
            "keepalive": 65,
            "graceful_timeout": 30,
            "control_socket_disable": True,
            "loglevel": "warning",
        }
        super().__init__()

    def load_config(self) -> None:
        for name, value in self._options.items():
            self.cfg.set(name, value)

    def load(self) -> Flask:
        return app()


if __name__ == "__main__":
    threads, queue, patient.REQUEST_SECONDS = map(int, sys.argv[1:])
    listening = socket.create_server(("127.0.0.1", 0), backlog=1024)
    print(listening.getsockname()[1], flush=True)
    Server(listening, threads, queue).run()
