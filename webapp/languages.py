"""English and Czech: which of them a reader gets, and how to change it."""

from urllib.parse import urlencode

from flask import Flask, Response, g, request, url_for
from flask_babel import Babel, get_locale

#: By language tag, the name a reader finds it by.
LANGUAGES = {"en": "English", "cs": "Čeština"}
_COOKIE = "language"
_YEAR_SECONDS = 365 * 24 * 3600


def speak(app: Flask) -> None:
    """Answer in the language that was chosen by ``?language=`` (and is remembered), or that the browser prefers."""
    app.config["BABEL_TRANSLATION_DIRECTORIES"] = "translations"
    Babel(app, default_locale="en", locale_selector=_chosen)
    app.after_request(_remembered)
    app.context_processor(lambda: {"language": language(), "languages": LANGUAGES, "in_language": in_language})


def language() -> str:
    """The tag of the reader's language; English outside of a request."""
    locale = get_locale()
    return locale.language if locale else "en"


def in_language(tag: str) -> str:
    """The address of this page in another language; that of the form where the page cannot be opened by its address."""
    if request.method != "GET" or not request.url_rule or "GET" not in (request.url_rule.methods or ()):
        return url_for("pages.blank_form", language=tag)
    asked = request.args.to_dict(flat=False) | {"language": [tag]}
    return f"{request.root_path}{request.path}?{urlencode(asked, doseq=True)}"


def _chosen() -> str:
    asked = request.args.get("language")
    if asked in LANGUAGES:
        g.language_to_remember = asked
        return asked
    kept = request.cookies.get(_COOKIE)
    if kept in LANGUAGES:
        return kept
    return request.accept_languages.best_match(list(LANGUAGES), "en")


def _remembered(response: Response) -> Response:
    if asked := g.pop("language_to_remember", None):
        response.set_cookie(
            _COOKIE, asked, max_age=_YEAR_SECONDS, secure=request.is_secure, httponly=True, samesite="Lax"
        )
    if "text/html" in response.content_type:
        response.vary.add("Accept-Language")
        response.vary.add("Cookie")
    return response
