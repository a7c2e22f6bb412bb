"""`payoff features`: build, read, look up and audit the features."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.table import Table

from payoff.cli.options import ENGINES, SET_NAMES, seed_option
from payoff.errors import SettingsError
from payoff.reporting import Stages, busy, console
from payoff.settings import Settings, load_settings

if TYPE_CHECKING:
    from pandas import DataFrame

    from payoff.lake import Lake


@click.group()
def features() -> None:
    """Build, read and list the features."""


@features.command()
@click.option("--set", "sets", type=click.Choice(SET_NAMES), multiple=True, default=SET_NAMES, help="May be repeated.")
@click.option(
    "--engine",
    type=click.Choice(tuple(ENGINES)),
    default="duckdb",
    help="duckdb and spark read the marts of the lake; mariadb computes over those of PAYOFF_WAREHOUSE_URL.",
)
def build(sets: tuple[str, ...], engine: str) -> None:
    """Compute feature tables and store them beside the marts of the current run."""
    build_sets(load_settings(), sets, Stages(), engine)


@features.command("sql")
@click.option("--set", "set_name", type=click.Choice(SET_NAMES), default="form", help="The feature set.")
@click.option("--feature", help="Only this feature; `payoff features catalogue` lists them.")
@click.option("--engine", type=click.Choice(tuple(ENGINES)), default="duckdb", help="The dialect to write.")
def show_sql(set_name: str, feature: str | None, engine: str) -> None:
    """Print the statement that computes a feature set, or one feature of it."""
    from features.catalogue import formatted_sql

    click.echo(formatted_sql(set_name, ENGINES[engine], feature))


@features.command()
@click.option("--set", "set_name", type=click.Choice(SET_NAMES), default="full", help="The feature set.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
def catalogue(set_name: str, as_json: bool) -> None:
    """List the features of a set: name, unit, when it is known, and what it means; --json adds the SQL of each."""
    from features.catalogue import entries

    rows = entries(set_name)
    if as_json:
        click.echo(json.dumps(rows, indent=2))
        return
    table = Table("name", "unit", "known", "meaning")
    for row in rows:
        table.add_row(row["name"], row["unit"], row["known"], row["sentence"])
    console.print(table)


@features.command()
@click.argument("account", type=int)
@click.option("--on", type=click.DateTime(["%Y-%m-%d"]), required=True, help="The day of the decision, YYYY-MM-DD.")
@click.option("--amount", type=float, required=True, help="CZK to lend.")
@click.option("--duration", type=int, required=True, help="Months to pay it back.")
@click.option("--set", "set_name", type=click.Choice(SET_NAMES), default="form", help="The feature set.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
def lookup(account: int, on: datetime, amount: float, duration: int, set_name: str, as_json: bool) -> None:
    """Show the features of ACCOUNT as of a day, for a loan of these terms; they come from the warehouse."""
    from features.lookup import Application, build_for
    from features.sets import feature_set
    from payoff.warehouse import open_warehouse

    asked = Application(account, on.date(), Decimal(str(amount)), duration)
    settings = load_settings()
    with open_warehouse(settings.reading_url, settings.mariadb_ca) as warehouse:
        (row,) = build_for(warehouse, [asked], set_name).to_dict("records")
    described = [(each, None if row[each.name] != row[each.name] else row[each.name]) for each in feature_set(set_name)]
    if as_json:
        click.echo(json.dumps({feature.name: value for feature, value in described}, indent=2))
        return
    table = Table("feature", "value", "unit", "meaning")
    for feature, value in described:
        shown = "missing" if value is None else f"{value:,.6g}" if isinstance(value, float) else str(value)
        table.add_row(feature.name, shown, feature.unit, feature.means)
    console.print(table)


@features.command()
@click.option("--repeats", type=click.IntRange(min=1), default=1, help="Cross-validations, each with other folds.")
@seed_option
@click.option("--markdown", type=click.Path(dir_okay=False, path_type=Path), help="Write a page to this file too.")
def audit(repeats: int, seed: int, markdown: Path | None) -> None:
    """Measure what each leak would have bought: trains anew for every leak and fold, some 20 minutes a repeat."""
    from payoff.warehouse import open_warehouse
    from training.evaluation import audit as auditing
    from training.fit import fit_predict

    stages = Stages()
    findings = []
    settings = load_settings()
    with open_warehouse(settings.reading_url, settings.mariadb_ca) as warehouse:
        for found in auditing.audit(warehouse, fit_predict, repeats=repeats, seed=seed):
            findings.append(found)
            stages("audit", f"{found.leak}: {f'ROC AUC {found.auc.value:.3f}' if found.auc else found.note}")
    click.echo(auditing.as_markdown(findings))
    if markdown:
        markdown.write_text(auditing.as_page(findings, repeats=repeats, seed=seed), encoding="utf-8")


def build_sets(settings: Settings, sets: tuple[str, ...], stages: Stages, engine: str = "duckdb") -> None:
    """Build feature tables, each reported as a stage."""
    from payoff.lake import open_lake

    lake = open_lake(settings)
    with busy("features"), _computing(settings, engine) as build_features:
        for name in sets:
            table, prefix = build_features(lake, name)
            stages("features", f"{name}: {table.shape[1] - 3} features of {len(table):,} loans → {prefix}")


@contextmanager
def _computing(settings: Settings, engine: str) -> "Iterator[Callable[[Lake, str], tuple[DataFrame, str]]]":
    """What builds a feature table on ``engine``."""
    from features.build import build_features

    if engine == "mariadb":
        from payoff.warehouse import open_warehouse

        with open_warehouse(settings.reading_url, settings.mariadb_ca) as warehouse:
            if warehouse.engine != "mysql":
                raise SettingsError("--engine mariadb needs MariaDB. Set PAYOFF_WAREHOUSE_URL and run `payoff etl`.")
            yield partial(build_features, warehouse=warehouse)
    elif engine == "spark":
        from payoff.warehouse import spark

        with spark.started() as running:
            yield partial(build_features, over_marts=running.over_marts)
    else:
        yield build_features
