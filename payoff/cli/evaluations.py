"""What the commands that judge have in common: evaluating a recipe, and pages."""

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from payoff.cli.progress import steps
from payoff.errors import SettingsError
from payoff.settings import Settings

if TYPE_CHECKING:
    from payoff.metadata import Costs
    from training.evaluation.comparison import Entry
    from training.evaluation.nested import Recipe
    from training.loans import Loans

repeats_option = click.option("--repeats", type=click.IntRange(min=1), default=3, help="Each with other folds.")
markdown_option = click.option(
    "--markdown", type=click.Path(dir_okay=False, path_type=Path), help="Write a page to this file too."
)


def evaluated(settings: Settings, loans: "Loans", recipe: "Recipe", costs: "Costs") -> "Entry":
    """The evaluation of ``recipe`` on ``loans``, with a line for each fold, or a bar on a terminal."""
    from training.evaluation import comparison, nested

    what = f"{recipe.contender} on {recipe.feature_set}, {recipe.protocol}"
    found = nested.evaluation(loans, recipe, settings.var_dir / "evaluations")
    return comparison.entry(recipe, [step.record for step in steps(what, found)], costs)


def loans_of(settings: Settings, recipe: "Recipe") -> "Loans":
    """The loans that ``recipe`` is evaluated on."""
    from payoff.lake import open_lake
    from training.loans import read_loans

    return read_loans(open_lake(settings), recipe.feature_set, recipe.population)


def command_line() -> str:
    """The command as it was typed, so that a page can say what made it."""
    return shlex.join(["payoff", *sys.argv[1:]])


def show_page(page: str, file: Path | None) -> None:
    """Print a page, and write it where it is wanted."""
    click.echo(page)
    if file:
        try:
            file.write_text(page, encoding="utf-8")
        except OSError as error:
            raise SettingsError(f"the page cannot be written: {error}") from error
