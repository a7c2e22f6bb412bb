"""A version's model card as a part of a page."""

from collections.abc import Sequence
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markupsafe import Markup, escape

from payoff.errors import LakeError
from payoff.lake import Lake, read_checked
from payoff.metadata import Metadata

#: The files of a card that can be downloaded, by name.
FILES = {"card.md": "text/markdown", "card.html": "text/html"}


def card_file(lake: Lake, metadata: Metadata, name: str) -> bytes:
    """A file of the card, held to its checksum.

    Raises
    ------
    LakeError
        The version was published without it, or it is missing or damaged.
    """
    if name not in metadata.attachments:
        raise LakeError(f"model {metadata.version} was published without {name}")
    return read_checked(lake, f"models/{metadata.version}/{name}", metadata.attachments[name])


def card_part(lake: Lake, metadata: Metadata) -> Markup:
    """The card as HTML, from its Markdown. Raises LakeError as :func:`card_file`."""
    return rendered(card_file(lake, metadata, "card.md").decode("utf-8", "replace"))


def rendered(markdown: str) -> Markup:
    """Markdown as HTML; tags in it are shown as they are written, and links to scripts are none."""
    parser = MarkdownIt("commonmark", {"html": False}).enable("table").disable(["image"])
    tokens = parser.parse(markdown)
    heading, tables = "", 0
    for place, token in enumerate(tokens):
        if token.type == "heading_open":
            heading, tables = tokens[place + 1].content, 0
        elif token.type == "table_open":
            tables += 1
            token.meta["label"] = f"{heading} {tables}" if tables > 1 else heading
    parser.add_render_rule("table_open", _table_open)
    parser.add_render_rule("table_close", lambda *_: "</table></div>\n")
    return Markup(parser.renderer.render(tokens, parser.options, {}))


def _table_open(_: RendererHTML, tokens: Sequence[Token], place: int, *__: Any) -> str:
    label = escape(tokens[place].meta["label"])
    return f'<div class="scrolling" role="region" tabindex="0" aria-label="{label}"><table>\n'
