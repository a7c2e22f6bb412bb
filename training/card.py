"""The model card, in Markdown and as a page: what a model is for, what it was made of, how well it does and for whom.

Its sections follow Mitchell et al., "Model cards for model reporting", FAT* 2019.
"""

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from markdown_it import MarkdownIt

from payoff.metadata import Figure, Metadata
from payoff.reporting import figure

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
    page = _environment().get_template("card.html").render(
        title=f"Model card: {described.version}", body=MarkdownIt("js-default").enable("table").render(markdown)
    )  # fmt: skip
    return {"card.md": markdown.encode(), "card.html": page.encode()}


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
        percent=_percent,
        money=_money,
        number=lambda value: f"{value:,.6g}",
    )  # fmt: skip


def _environment() -> Environment:
    # Markdown is made of our own figures; the page escapes all but the rendered card.
    return Environment(
        loader=FileSystemLoader(_TEMPLATES), autoescape=select_autoescape(["html"]), undefined=StrictUndefined
    )


def _percent(share: float) -> str:
    return f"{100 * share:.1f}".removesuffix(".0") + " %"


def _money(cost: Figure) -> str:
    return f"{cost.value:,.0f} ({cost.low:,.0f} to {cost.high:,.0f})"
