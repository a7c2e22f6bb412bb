"""The document of the API, and a page to read it and to try it on."""

import json
from typing import Any, NamedTuple

from flask import Blueprint, Response, render_template
from markdown_it import MarkdownIt
from markupsafe import Markup

from webapp.api.document import document

docs = Blueprint("docs", __name__, url_prefix="/api/v1")


class Listed(NamedTuple):
    """An operation in a line."""

    method: str
    address: str
    summary: str


@docs.get("/openapi.json")
def openapi() -> Response:
    """The OpenAPI document."""
    # In the document's own order, which Flask would replace by the alphabet's.
    return Response(json.dumps(document(), ensure_ascii=False), mimetype="application/json")


@docs.get("/docs")
def show() -> str:
    """The document for people; without JavaScript a list of what there is."""
    made = document()
    # Our own text, written in webapp.api.describing.
    about = Markup(MarkdownIt().render(made["info"]["description"]))
    return render_template("api_docs.html", about=about, listed=_listed(made))


def _listed(made: dict[str, Any]) -> dict[str, list[Listed]]:
    """The operations by tag."""
    listed: dict[str, list[Listed]] = {tag["name"]: [] for tag in made["tags"]}
    for address, methods in made["paths"].items():
        for method, operation in methods.items():
            listed[operation["tags"][0]].append(Listed(method.upper(), address, operation["summary"]))
    return listed
