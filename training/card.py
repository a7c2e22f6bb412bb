"""The model card, in Markdown and as a page: what a model is for, what it was made of, how well it does and for whom.

Its sections follow Mitchell et al., "Model cards for model reporting", FAT* 2019.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token

from payoff.metadata import Metadata
from payoff.reporting import figure
from training.evaluation.tables import money
from training.evaluation.wording import METRICS, percent

_TEMPLATES = Path(__file__).parent / "templates"
_PROTECTED = "owner_sex"
#: More ranges than these nobody reads.
_RANGES = 40


def card_files(described: Metadata, fairness: str) -> dict[str, bytes]:
    """``card.md`` and ``card.html`` of a model.

    Parameters
    ----------
    fairness : str
        The section on groups, in Markdown.
    """
    markdown = card(described, fairness)
    page = _environment().get_template("card.html")
    return {
        "card.md": markdown.encode(),
        "card.html": page.render(title=_title(described), body=_rendered(markdown)).encode(),
    }


def card(described: Metadata, fairness: str) -> str:
    """The card in Markdown."""
    ranges = list(described.spreads.items())[:_RANGES]
    return _environment().get_template("card.md").render(
        model=described,
        fairness=fairness,
        sex=_PROTECTED in described.features,
        versions=", ".join(f"{name} {number}" for name, number in described.versions.items()),
        ranges=ranges,
        figure=figure,
        labels={metric.name: metric.label for group in METRICS.values() for metric in group},
        percent=percent,
        money=money,
        number=lambda value: f"{value:,.6g}",
    )  # fmt: skip


def _rendered(markdown: str) -> str:
    """As HTML. Raw HTML in it is escaped; a table too wide for a phone scrolls in a box that keys can reach."""
    parser = MarkdownIt("js-default")
    tokens = parser.parse(markdown)
    tables = (token for token in tokens if token.type == "table_open")
    for number, token in enumerate(tables, start=1):
        token.meta["label"] = f"Table {number}"
    parser.add_render_rule("table_open", _table_open)
    parser.add_render_rule("table_close", lambda *_: "</table></div>\n")
    return str(parser.renderer.render(tokens, parser.options, {}))


def _table_open(_: RendererHTML, tokens: Sequence[Token], place: int, *__: Any) -> str:
    return f'<div class="table" role="region" tabindex="0" aria-label="{tokens[place].meta["label"]}"><table>\n'


def _title(described: Metadata) -> str:
    return f"Model card: {described.version}"


def _environment() -> Environment:
    # Markdown is made of our own figures; the page escapes all but the rendered card.
    return Environment(
        loader=FileSystemLoader(_TEMPLATES), autoescape=select_autoescape(["html"]), undefined=StrictUndefined
    )
