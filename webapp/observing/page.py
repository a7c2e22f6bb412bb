"""The page that Prometheus reads."""

from hmac import compare_digest
from ipaddress import IPv6Address, ip_address

from flask import Blueprint, Flask, Response, abort, current_app, request
from prometheus_client.exposition import choose_encoder
from werkzeug.datastructures import WWWAuthenticate
from werkzeug.exceptions import Unauthorized

from webapp.batch.attached import batch_runner
from webapp.observing.looking import Lookout
from webapp.observing.together import everything
from webapp.serving import current_settings

EXTENSION = "payoff.lookout"

observed = Blueprint("observed", __name__)


def look_out(app: Flask) -> None:
    """Let ``app`` tell what it sees."""
    app.extensions[EXTENSION] = Lookout(app)
    app.register_blueprint(observed)


@observed.get("/metrics")
def metrics() -> Response:
    """Every figure, in the form that is asked for: OpenMetrics, or Prometheus's text."""
    _admit()
    # Where no thread may live on after an answer, nobody looks.
    if batch_runner():
        current_app.extensions[EXTENSION].look()
    encode, content_type = choose_encoder(request.headers.get("Accept", ""))
    return Response(encode(everything()), content_type=content_type)


def _admit() -> None:
    """Let in who sends the token; where none is set, who asks from this machine."""
    token = current_settings().metrics_token
    if token and token.get_secret_value():
        sent = request.authorization
        if not (sent and sent.type == "bearer" and _same(sent.token or "", token.get_secret_value())):
            challenge = WWWAuthenticate("bearer", {"realm": "payoff metrics"})
            raise Unauthorized("Send the token of PAYOFF_METRICS_TOKEN.", www_authenticate=challenge)
    elif not _from_here():
        abort(404)


def _same(sent: str, expected: str) -> bool:
    return compare_digest(sent.encode(), expected.encode())


def _from_here() -> bool:
    # What a proxy on this machine hands on comes from elsewhere, whether or not the proxy is trusted.
    if "X-Forwarded-For" in request.headers or "Forwarded" in request.headers:
        return False
    try:
        address = ip_address(request.remote_addr or "")
    except ValueError:
        return False
    if isinstance(address, IPv6Address) and address.ipv4_mapped:
        return address.ipv4_mapped.is_loopback
    return address.is_loopback
