"""Options that several commands have, and what they may be."""

from typing import TYPE_CHECKING

import click

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
