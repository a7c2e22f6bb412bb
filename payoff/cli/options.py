"""Options that several commands have, and what they may be."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from payoff.choices import POPULATIONS, PRESETS

if TYPE_CHECKING:
    from payoff.dialect import Engine

SET_NAMES = ("seed", "form", "full")
#: The engines that compute features, with the dialect of each.
ENGINES: "dict[str, Engine]" = {"duckdb": "duckdb", "mariadb": "mysql", "spark": "spark"}

source_option = click.option(
    "--source", help="archive, a directory or zip of .asc files, ctu, or a mysql+pymysql:// URL."
)
skip_option = click.option(
    "--skip-bad-rows", is_flag=True, help="Leave bad rows out and list them, instead of stopping."
)
seed_option = click.option("--seed", type=int, default=20261121, help="Fixes the split and every model.")
preset_option = click.option(
    "--preset",
    type=click.Choice(PRESETS),
    default="good",
    help="How much to spend; benchmarks/presets.md has what each costs and gives.",
)
population_option = click.option(
    "--population",
    type=click.Choice(POPULATIONS),
    default="all",
    help="finished leaves out loans still being paid back, whose end is not settled: four of five.",
)


def costs_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """What a wrong answer costs, as multiples of the amount."""
    share = click.FloatRange(min=0, min_open=True)
    default = click.option(
        "--cost-default", type=share, default=0.5, help="What a default costs, as a multiple of the amount."
    )
    refusal = click.option(
        "--cost-refusal",
        type=share,
        default=0.1,
        help="What refusing a loan that would have been paid off costs, likewise.",
    )
    return default(refusal(command))
