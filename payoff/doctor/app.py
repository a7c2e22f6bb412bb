"""The web app: whether it listens, and could make and keep a prediction now."""

import json
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPException
from ipaddress import ip_address
from typing import Any

from payoff.doctor.finding import Finding
from payoff.settings import Settings

_PATIENCE_SECONDS = 10


def look(settings: Settings) -> Iterator[Finding]:
    """Ask it how it is."""
    host, port = _reachable(settings.host), settings.port
    where = f"http://{host}:{port}"
    try:
        status, told = _asked(host, port, "/api/v1/health")
    except (OSError, HTTPException) as error:
        yield Finding("doubtful", f"no app answers at {where}: {error}", "Start it with `payoff serve`.")
        return
    if told.get("status") == "ready":
        yield Finding("good", f"{where} is ready to answer with {told['model_version']}")
    elif "detail" in told:
        advice = "It uses its own settings; its log says more."
        yield Finding("bad", f"{where} answers, but cannot predict: {told['detail']}", advice)
    else:
        advice = "Stop that program, or set PAYOFF_PORT to a free port."
        yield Finding("bad", f"what answers at {where} with HTTP {status} is not Payoff", advice)


def _reachable(host: str) -> str:
    """Where an app that listens on ``host`` can be asked: for every address, on this machine."""
    try:
        address = ip_address(host)
    except ValueError:
        return host
    if not address.is_unspecified:
        return host
    return "127.0.0.1" if address.version == 4 else "::1"


def _asked(host: str, port: int, path: str) -> tuple[int, dict[str, Any]]:
    connection = HTTPConnection(host, port, timeout=_PATIENCE_SECONDS)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        told = json.loads(answer.read(64_000) or b"{}")
    except ValueError:
        told = {}
    finally:
        connection.close()
    return answer.status, told if isinstance(told, dict) else {}
