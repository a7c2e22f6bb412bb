"""`payoff model evaluate`, `compare` and `presets`: train again and again to judge a recipe."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from payoff.choices import PRESETS, PROTOCOLS
from payoff.cli.evaluations import command_line, evaluated, loans_of, markdown_option, repeats_option, show_page
from payoff.cli.options import SET_NAMES, costs_options, population_option, preset_option, seed_option
from payoff.reporting import Stages, console
from payoff.settings import load_settings

if TYPE_CHECKING:
    from training.evaluation.comparison import Entry

_CONTENDERS = (
    "majority class", "logistic regression", "random forest", "gradient boosting", "support vector machine",
    "AutoGluon",
)  # fmt: skip


@click.command()
@click.option("--features", "set_name", type=click.Choice(SET_NAMES), default="form", help="The feature set.")
@click.option(
    "--protocol",
    type=click.Choice(PROTOCOLS),
    default="cv",
    help="cv: five stratified folds. time: up to 1996 against later. holdout: 70 % against 30 %.",
)
@repeats_option
@click.option("--contender", type=click.Choice(_CONTENDERS), default="AutoGluon", help="What is trained.")
@preset_option
@population_option
@costs_options
@seed_option
@click.option(
    "--output", type=click.Path(file_okay=False, path_type=Path), help="Where the reports go.  [PAYOFF_VAR_DIR/reports]"
)
def evaluate(
    set_name: str, output: Path | None, cost_default: float, cost_refusal: float, seed: int, **chosen: Any
) -> None:
    """Train and test in outer folds, everything inside the fold, and write a JSON and an HTML report.

    Selection, models, calibration and threshold see the training rows of a fold only. A stopped run goes on where it
    stopped when started again with the same options.
    """
    from payoff.metadata import Costs
    from training.evaluation.nested import Recipe
    from training.evaluation.report import as_html, as_json

    settings, stages = load_settings(), Stages()
    recipe = Recipe(set_name, seed=seed, **chosen)
    loans = loans_of(settings, recipe)
    judged = evaluated(settings, loans, recipe, Costs(default=cost_default, refusal=cost_refusal))
    directory = output or settings.var_dir / "reports"
    directory.mkdir(parents=True, exist_ok=True)
    name = "-".join([set_name, recipe.protocol, recipe.contender, recipe.preset, recipe.population])
    for suffix, write in ((".json", as_json), (".html", as_html)):
        file = directory / f"{name.lower().replace(' ', '-')}{suffix}"
        file.write_text(write(judged, data_run=loans.run, command=command_line()), encoding="utf-8")
        stages("report", str(file))
    print_judged(judged)


@click.command()
@repeats_option
@click.option(
    "--contender", "contenders", type=click.Choice(_CONTENDERS), multiple=True, default=_CONTENDERS,
    show_default=False, help="May be repeated; all of them otherwise.",
)  # fmt: skip
@click.option(
    "--features", "sets", type=click.Choice(SET_NAMES), multiple=True, default=SET_NAMES, help="May be repeated."
)
@costs_options
@seed_option
@markdown_option
def compare(
    repeats: int, contenders: Sequence[str], sets: Sequence[str], cost_default: float, cost_refusal: float, seed: int,
    markdown: Path | None,
) -> None:  # fmt: skip
    """Compare contenders on the same folds, by cross-validation and in time, and say which differences are real.

    Trains everything, about half an hour on two cores; a stopped run goes on where it stopped.
    """
    from payoff.metadata import Costs
    from training.evaluation import comparison, comparison_page
    from training.evaluation.nested import Recipe

    settings, costs = load_settings(), Costs(default=cost_default, refusal=cost_refusal)

    def entries(protocol: Any) -> "list[Entry]":
        recipes = [
            Recipe(set_name, protocol, repeats, seed, contender)
            for contender, set_name in comparison.pairs(contenders, sets)
        ]
        return [evaluated(settings, loans_of(settings, recipe), recipe, costs) for recipe in recipes]

    show_page(comparison_page.as_page(entries("cv"), entries("time"), command_line()), markdown)


@click.command()
@repeats_option
@click.option("--features", "set_name", type=click.Choice(SET_NAMES), default="full", help="The feature set.")
@costs_options
@seed_option
@markdown_option
def presets(
    repeats: int, set_name: str, cost_default: float, cost_refusal: float, seed: int, markdown: Path | None
) -> None:
    """Measure what each preset costs and gives, and what leaving out unfinished loans does."""
    from payoff.metadata import Costs
    from training.evaluation import presets_page
    from training.evaluation.nested import Recipe

    settings, costs = load_settings(), Costs(default=cost_default, refusal=cost_refusal)

    recipes = [Recipe(set_name, repeats=repeats, seed=seed, preset=preset) for preset in PRESETS]
    every = loans_of(settings, recipes[0])
    by_preset = [evaluated(settings, every, recipe, costs) for recipe in recipes]
    of_finished = Recipe(set_name, repeats=repeats, seed=seed, population="finished")
    settled = loans_of(settings, of_finished)
    finished = evaluated(settings, settled, of_finished, costs)
    show_page(presets_page.as_page(by_preset, finished, set(settled.table["loan_id"]), command_line()), markdown)


def print_judged(judged: "Entry") -> None:
    """The figures of one evaluation."""
    from training.evaluation.comparison_page import figures_table

    console.print(figures_table(judged))


COMMANDS: tuple[click.Command, ...] = (evaluate, compare, presets)
