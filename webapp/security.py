"""What keeps the app's pages and cookies to themselves: headers, session cookies, the secret key."""

import os
import secrets
import tempfile
from pathlib import Path

from flask import Flask, Request, Response, request
from flask.sessions import NullSession, SecureCookieSession, SecureCookieSessionInterface
from flask_wtf import CSRFProtect
from werkzeug.middleware.proxy_fix import ProxyFix

from payoff.errors import SettingsError
from payoff.settings import Settings

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; "
    "font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    # Not no-referrer: over https the form's token is only accepted with a referrer of this site.
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
#: Only over https, where browsers heed it: they keep to https for a year.
TRANSPORT = "max-age=31536000"
LARGEST_REQUEST = 64 * 1024
_KEPT_BY_NOBODY = ("/api/", "/staff/", "/healthz", "/readyz", "/metrics")
_SHORTEST_KEY = 32

csrf = CSRFProtect()


def secure(app: Flask, settings: Settings) -> None:
    """Bound requests, sign cookies, check form tokens and set headers."""
    app.config.update(
        SECRET_KEY=secret_key(settings),
        MAX_CONTENT_LENGTH=LARGEST_REQUEST,
        MAX_FORM_MEMORY_SIZE=LARGEST_REQUEST,
        MAX_FORM_PARTS=100,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        # A token is good as long as its session: people look up figures between opening the form and sending it.
        WTF_CSRF_TIME_LIMIT=None,
    )
    if settings.trusted_proxies:
        # The host is not taken from a header: a proxy hands the one it was asked for on.
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=settings.trusted_proxies, x_proto=1, x_host=0)
    app.session_interface = _Sessions()
    csrf.init_app(app)
    app.after_request(_with_headers)


class _Sessions(SecureCookieSessionInterface):
    """Where the site is reached over https, cookies stay there, and belong to this host alone (RFC 6265bis, 4.1.3)."""

    def get_cookie_name(self, app: Flask) -> str:
        name = super().get_cookie_name(app)
        return f"__Host-{name}" if request.is_secure else name

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        # Programs are known by their keys; to read a cookie takes longer than to find out whose key it is.
        return NullSession() if request.path.startswith("/api/") else super().open_session(app, request)

    def get_cookie_secure(self, app: Flask) -> bool:
        return request.is_secure


def _with_headers(response: Response) -> Response:
    for name, value in HEADERS.items():
        response.headers[name] = value
    if request.is_secure:
        response.headers["Strict-Transport-Security"] = TRANSPORT
    # The empty form may be kept, or the browser's Back button would lose what was typed into it. What staff are shown
    # may not: others may use the same computer, and rows may have been deleted since.
    if request.method != "GET" or request.path.startswith(_KEPT_BY_NOBODY):
        response.headers["Cache-Control"] = "no-store"
    elif "Cache-Control" not in response.headers:
        response.headers["Cache-Control"] = "private, no-cache"
    return response


def secret_key(settings: Settings) -> str:
    """The key that signs form tokens: as set, or generated once and shared by every process.

    Raises
    ------
    SettingsError
        The generated key cannot be kept, or was damaged.
    """
    if settings.secret_key and settings.secret_key.get_secret_value():
        return settings.secret_key.get_secret_value()
    path = settings.var_dir / "secret_key"
    try:
        if not path.exists():
            _generate(path)
        key = path.read_text(encoding="ascii").strip()
    except (OSError, ValueError) as error:
        raise SettingsError(f"no secret key can be kept in {path}: {error}. Set PAYOFF_SECRET_KEY.") from error
    if len(key) < _SHORTEST_KEY:
        raise SettingsError(f"{path} holds no usable key. Remove it to have one generated, or set PAYOFF_SECRET_KEY.")
    return key


def _generate(path: Path) -> None:
    """Write a new key, readable by its owner only, unless another process was faster."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, beside = tempfile.mkstemp(dir=path.parent, prefix=".secret_key.")
    try:
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(secrets.token_hex(_SHORTEST_KEY))
        # A link, unlike a rename, refuses to replace the key that others already read.
        os.link(beside, path)
    except FileExistsError:
        pass
    finally:
        Path(beside).unlink(missing_ok=True)
