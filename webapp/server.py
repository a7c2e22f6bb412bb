"""Serves the web app with gunicorn, started from Python so that one command does it all."""

import socket
import threading
from contextlib import suppress
from ipaddress import ip_address
from typing import Any

from flask import Flask
from gunicorn.app.base import BaseApplication

from payoff.errors import SettingsError
from payoff.registry import SERVED
from payoff.settings import Settings
from webapp import create_app
from webapp.batch.attached import EXTENSION as BATCHES
from webapp.lookups import LOOKED_UP
from webapp.observing.logs import ServerLog, log_as
from webapp.observing.together import counted_together, forget, take_part
from webapp.warming import warm_up

#: How long a connection may rest. Longer than a load balancer's patience (AWS: 60 s), or it would now and then send a
#: request on a connection that is being closed here, and answer 502.
KEEP_ALIVE_SECONDS = 65

_BACKLOG = 256


def serve(settings: Settings) -> None:
    """Serve until interrupted; prints the address once it can be opened.

    Raises
    ------
    SettingsError
        The address is taken or cannot be used.
    """
    log_as(settings.log_format)
    listener = listen(settings)
    address = _url(settings.host, listener.getsockname()[1])
    with counted_together():
        # Made before the processes part, so that all of them share one key and a bad setting is said once.
        create_app(settings)
        _Server(settings, listener, address).run()


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


def _url(host: str, port: int) -> str:
    """Where a browser on this machine finds the site; an address that stands for all is none to open."""
    try:
        address = ip_address(host)
    except ValueError:
        return f"http://{host}:{port}"
    if address.is_unspecified:
        address = ip_address("::1" if address.version == 6 else "127.0.0.1")
    return f"http://[{address}]:{port}" if address.version == 6 else f"http://{address}:{port}"


class _Server(BaseApplication):
    """gunicorn with the options this app needs; every worker makes its own app and loads its own model."""

    def __init__(self, settings: Settings, listener: socket.socket, address: str) -> None:
        self._settings = settings
        self._options = {
            # gunicorn closes the descriptor it is given, so it gets one of its own.
            "bind": f"fd://{listener.detach()}",
            "workers": settings.workers,
            "worker_class": "gthread",
            "threads": 4,
            "timeout": 60,
            "graceful_timeout": 30,
            "keepalive": KEEP_ALIVE_SECONDS,
            # webapp.security decides whom to believe about https and addresses; gunicorn would believe its neighbours.
            "forwarded_allow_ips": "",
            "secure_scheme_headers": {},
            "loglevel": "warning",
            "control_socket_disable": True,
            "logger_class": ServerLog,
            "when_ready": lambda _: _announce(address),
            "post_worker_init": _begin,
            "child_exit": lambda _, worker: forget(worker.pid),
        }
        super().__init__()

    def load_config(self) -> None:
        for name, value in self._options.items():
            self.cfg.set(name, value)

    def load(self) -> Flask:
        return create_app(self._settings)


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
    load = (worker.wsgi, (SERVED, LOOKED_UP))
    threading.Thread(target=warm_up, args=load, name="load-model", daemon=True).start()
