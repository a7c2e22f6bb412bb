"""Serves the web app with gunicorn, started from Python so that one command does it all."""

import resource
import socket
import sys
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from ipaddress import ip_address
from typing import Any

from flask import Flask
from gunicorn.app.base import BaseApplication

from payoff.errors import SettingsError
from payoff.lake import open_lake
from payoff.memory import leave_to_share
from payoff.registry import SERVED
from payoff.settings import Settings
from webapp import create_app
from webapp.batch.attached import EXTENSION as BATCHES
from webapp.lookups import LOOKED_UP
from webapp.observing.logs import ServerLog, log_as
from webapp.observing.together import counted_together, forget, take_part
from webapp.predictions import Scorer
from webapp.serving import lake_models
from webapp.sharing import SharingWorker
from webapp.warming import warm_up

#: How long a connection may rest. Longer than a load balancer's patience (AWS: 60 s), or it would now and then send a
#: request on a connection that is being closed here, and answer 502.
KEEP_ALIVE_SECONDS = 65

#: Requests that a process works on at once; most of them wait, for the model or for the database.
THREADS = 32

#: The feature sets of the models that answer.
_ANSWERED = (SERVED, LOOKED_UP)
_BACKLOG = 1024
#: Connections that a process holds open, and the files it needs besides.
_CONNECTIONS = 4096
_OTHER_FILES = 256


def serve(settings: Settings, *, preloads: bool = False) -> None:
    """Serve until interrupted; prints the address once it can be opened.

    Parameters
    ----------
    preloads : bool
        Whether models are loaded before the processes part, which then share them. Only for a process in which no
        library computes in threads of its own, see :func:`payoff.threads.compute_alone`.

    Raises
    ------
    SettingsError
        The address is taken or cannot be used.
    """
    log_as(settings.log_format)
    listeners = _one_each(listen(settings), settings.workers)
    address = _url(settings.host, listeners[0].getsockname()[1])
    with counted_together():
        _Server(settings, listeners, address, _prepare(settings, preloads)).run()


def _prepare(settings: Settings, preloads: bool) -> dict[str, Scorer]:
    """What is done once for all processes; the models that they share, by version."""
    # All of them then find one key, and a bad setting is said once. The app ends here: connections cannot be shared.
    lake = open_lake(settings)
    models = lake_models(settings, lake)
    app = create_app(settings, lake, models, works_batches=False)
    if preloads:
        warm_up(app, _ANSWERED)
    return models.loaded()


def listen(settings: Settings) -> socket.socket:
    """A socket bound to host and port of the settings; port 0 takes a free one.

    Raises
    ------
    SettingsError
        The address is taken or cannot be used.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            settings.host, settings.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind, protocol)
    except (OSError, UnicodeError) as error:
        raise SettingsError(f"the host {settings.host!r} cannot be used: {error}. Set PAYOFF_HOST.") from error
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        raise SettingsError(
            f"{settings.host}:{settings.port} cannot be listened on: {error}. "
            "Stop what uses it, set PAYOFF_PORT to another port (0 takes a free one), or check PAYOFF_HOST."
        ) from error
    return listener


def _one_each(listener: socket.socket, workers: int) -> list[socket.socket]:
    """A socket of its own for each worker, all on the same address, in place of one for all.

    Of one for all, a worker that happens to be awake takes all newcomers, while the other has nothing to do. Linux
    deals connections out among sockets of the same address; other systems do not.
    """
    if sys.platform != "linux":
        return [listener]
    address = listener.getsockname()
    listener.close()
    return [_shared(listener.family, address) for _ in range(workers)]


def _shared(family: int, address: Any) -> socket.socket:
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    listener.bind(address)
    listener.listen(_BACKLOG)
    return listener


def _url(host: str, port: int) -> str:
    """Where a browser on this machine finds the site; an address that stands for all is none to open."""
    try:
        address = ip_address(host)
    except ValueError:
        return f"http://{host}:{port}"
    if address.is_unspecified:
        address = ip_address("::1" if address.version == 6 else "127.0.0.1")
    return f"http://[{address}]:{port}" if address.version == 6 else f"http://{address}:{port}"


def _connections() -> int:
    """How many connections a process may hold open, after asking the system to allow as many as are wanted."""
    allowed, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _CONNECTIONS + _OTHER_FILES
    if most != resource.RLIM_INFINITY:
        wanted = min(wanted, most)
    # An allowance without limit is -1, too.
    if 0 <= allowed < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, most))
        allowed = wanted
    return _CONNECTIONS if allowed < 0 else min(_CONNECTIONS, allowed - _OTHER_FILES)


class _Server(BaseApplication):
    """gunicorn with the options this app needs; every worker makes its own app, with models loaded before.

    Parameters
    ----------
    loaded : mapping of version to model
        Those that a worker need not load.
    """

    def __init__(
        self,
        settings: Settings,
        listeners: Sequence[socket.socket],
        address: str,
        loaded: Mapping[str, Scorer] | None = None,
    ) -> None:
        self._settings, self._loaded = settings, loaded or {}
        self.queue = settings.queue
        self._options = {
            # gunicorn closes the descriptors it is given, so it gets some of its own.
            "bind": [f"fd://{listener.detach()}" for listener in listeners],
            "workers": settings.workers,
            "worker_class": SharingWorker,
            "worker_connections": _connections(),
            "threads": THREADS,
            "timeout": 60,
            "graceful_timeout": 30,
            "keepalive": KEEP_ALIVE_SECONDS,
            # webapp.security decides whom to believe about https and addresses; gunicorn would believe its neighbours.
            "forwarded_allow_ips": "",
            "secure_scheme_headers": {},
            "loglevel": "warning",
            # A file is sent in pieces instead: the system call would wait for ever for a client that does not read.
            "sendfile": False,
            "control_socket_disable": True,
            "logger_class": ServerLog,
            "on_starting": lambda _: leave_to_share(),
            "pre_fork": _give_place,
            "when_ready": lambda _: _announce(address),
            "post_worker_init": _begin,
            "child_exit": lambda _, worker: forget(worker.pid),
        }
        super().__init__()

    def load_config(self) -> None:
        for name, value in self._options.items():
            self.cfg.set(name, value)

    def load(self) -> Flask:
        lake = open_lake(self._settings)
        return create_app(self._settings, lake, lake_models(self._settings, lake, self._loaded))


def _give_place(server: Any, worker: Any) -> None:
    """Say which socket is the worker's: the first that no other has. What waits there was meant for one that died."""
    taken = {each.place for each in server.WORKERS.values()}
    worker.place = next((place for place in range(len(server.LISTENERS)) if place not in taken), worker.age)


def _announce(address: str) -> None:
    # Where nothing can be written, nobody is told, and everybody served.
    with suppress(OSError):
        print(f"Payoff is ready: {address} (Ctrl+C stops it)", flush=True)


def _begin(worker: Any) -> None:
    take_part()
    _warm_up(worker)
    worker.wsgi.extensions[BATCHES].watch()


def _warm_up(worker: Any) -> None:
    """Load the models beside the worker's own loop, which must go on to tell the master that it lives."""
    threading.Thread(target=warm_up, args=(worker.wsgi, _ANSWERED), name="load-model", daemon=True).start()
