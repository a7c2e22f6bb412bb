"""`payoff model fairness`, `stability` and `reproduce-original`: what else there is to know about a recipe."""

from dataclasses import replace
from pathlib import Path

import click

from payoff.cli.evaluations import command_line, evaluated, loans_of, markdown_option, repeats_option, show_page
from payoff.cli.options import SET_NAMES, costs_options, seed_option
from payoff.cli.progress import telling
from payoff.reporting import busy
from payoff.settings import load_settings


@click.command()
@repeats_option
@click.option("--features", "set_name", type=click.Choice(SET_NAMES), default="form", help="The feature set.")
@costs_options
@seed_option
@markdown_option
def fairness(
    repeats: int, set_name: str, cost_default: float, cost_refusal: float, seed: int, markdown: Path | None
) -> None:
    """Audit groups by sex, age and region, and price what adding sex would have bought.

    Selection rate, error rates, ROC AUC and calibration of the test loans of all outer folds, with intervals and sizes.
    """
    from payoff.metadata import Costs
    from training.evaluation import fairness as auditing
    from training.evaluation import fairness_page
    from training.evaluation.nested import Recipe

    settings, costs = load_settings(), Costs(default=cost_default, refusal=cost_refusal)
    recipe = Recipe(set_name, repeats=repeats, seed=seed)
    loans = loans_of(settings, recipe)
    plain, with_sex = (evaluated(settings, loans, each, costs) for each in (recipe, replace(recipe, with_sex=True)))
    bought = auditing.bought_by_sex(plain, with_sex)
    found = auditing.audit(plain.records, loans, costs, bought)
    show_page(fairness_page.as_page(found, recipe, command=command_line()), markdown)


@click.command()
@repeats_option
@click.option("--features", "set_name", type=click.Choice(SET_NAMES), default="form", help="The feature set.")
@seed_option
@markdown_option
def stability(repeats: int, set_name: str, seed: int, markdown: Path | None) -> None:
    """Measure what another seed changes, which features come back from fold to fold, and which matter.

    Importance is by permutation, on test loans of the first repeat, with models trained anew.
    """
    from payoff.metadata import Costs
    from training.evaluation import stability as measuring
    from training.evaluation import stability_page
    from training.evaluation.importance import autogluon
    from training.evaluation.nested import Recipe

    settings = load_settings()
    recipe = Recipe(set_name, repeats=repeats, seed=seed)
    loans = loans_of(settings, recipe)
    one, other = (
        evaluated(settings, loans, each, Costs()) for each in (recipe, replace(recipe, model_seed=seed + 1_000))
    )
    with busy("importance"):
        found = measuring.stability(one, other, loans, autogluon(recipe))
    show_page(stability_page.as_page(found, recipe, command=command_line()), markdown)


@click.command("reproduce-original")
@click.option("--splits", type=click.IntRange(min=2), default=10, help="Random splits beside the original's own.")
@click.option("--neural", is_flag=True, help="Its neural models too (needs the extra payoff[neural]).")
@seed_option
@markdown_option
def reproduce_original(splits: int, neural: bool, seed: int, markdown: Path | None) -> None:
    """Train and test as the original did, then undo its choices one by one.

    Its 289 rows, its 70/30 split, its models and metrics; then loans kept together, one row per loan, and Payoff's own
    features and training on the same splits.
    """
    from payoff.lake import open_lake
    from training.evaluation.original import reproduce
    from training.evaluation.original_page import as_page

    settings = load_settings()
    with telling() as tell:
        found = reproduce(
            open_lake(settings),
            settings.var_dir / "evaluations" / "original",
            splits=splits,
            seed=seed,
            neural=neural,
            progress=lambda step: tell(step.case, step.done, step.total, step.trial.seconds, step.resumed),
        )
    show_page(as_page(found, command=command_line()), markdown)


COMMANDS: tuple[click.Command, ...] = (fairness, stability, reproduce_original)
