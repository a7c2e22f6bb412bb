"""The addresses of the pages for everyone; ``webapp.public`` answers them."""

from flask import Blueprint, Response, current_app, send_file
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import NotFound

from webapp.limits import limited
from webapp.public import about, form, what_if
from webapp.vendored import PARTS

pages = Blueprint("pages", __name__)

pages.get("/")(form.blank_form)
pages.post("/")(limited("form_rate")(form.answer))
pages.route("/edit", methods=["GET", "POST"])(form.edit)
pages.route("/what-if", methods=["GET", "POST"])(limited("form_rate")(what_if.try_terms))
pages.get("/about")(about.about)
pages.get("/about/card")(about.card)
pages.app_errorhandler(CSRFError)(form.expired)


@pages.get("/vendor/<name>")
def part(name: str) -> Response:
    """One of the few files that are served out of the installed front-end parts."""
    path = current_app.config[PARTS].get(name)
    if path is None:
        raise NotFound
    return send_file(path)
