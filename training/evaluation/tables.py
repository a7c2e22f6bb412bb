"""What the pages about evaluations have in common: tables in Markdown, and figures in words."""

from collections.abc import Iterable, Sequence

from payoff.metadata import Figure
from training.evaluation.comparison import Difference
from training.evaluation.nested import Recipe
from training.evaluation.wording import protocol


def markdown_table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table in Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def difference_words(found: Difference, digits: int = 3) -> str:
    """A difference with its interval and p-value."""
    value, low, high = (f"{each:+.{digits}f}" for each in (found.value, found.low, found.high))
    return f"{value} ({low} to {high}), {p_words(found.p)}"


def money(cost: Figure) -> str:
    """CZK with their interval."""
    return f"{cost.value:,.0f} ({cost.low:,.0f} to {cost.high:,.0f})"


def p_words(p: float) -> str:
    """A p-value."""
    return "p < 0.001" if p < 0.001 else f"p = {p:.3f}"


def recipe_words(recipe: Recipe) -> str:
    """What was evaluated, and how."""
    made = f"{recipe.contender}, preset `{recipe.preset}`, set `{recipe.feature_set}`"
    return f"{made}; {protocol(recipe)}"


def counted(number: int, noun: str) -> str:
    """``1 loan``, ``2 loans``."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def bullets(sentences: Iterable[str]) -> str:
    """Each on a line of its own."""
    return "\n".join(f"- {sentence}" for sentence in sentences)
