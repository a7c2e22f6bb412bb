"""The command line. Each command says what it did, in how many rows and seconds, and where the result lies."""

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click
from rich.console import Console
from rich.table import Table

from payoff import __version__
from payoff.errors import BadRows, ContractError, InvalidAnswers, PayoffError, SettingsError
from payoff.reporting import Stages, busy, console, figure, print_figures
from payoff.settings import Settings, load_settings

if TYPE_CHECKING:
    from pandas import DataFrame

    from payoff.dialect import Engine
    from payoff.lake import Lake

SET_NAMES = ("seed", "form", "full")
#: The engines that compute features, with the dialect of each.
ENGINES: "dict[str, Engine]" = {"duckdb": "duckdb", "mariadb": "mysql", "spark": "spark"}
DEFAULT_SEED = 20261121
_BAD_ROWS_ADVICE = (
    "Nothing was loaded; the warehouse that was in use stays in use. Mend these rows, or leave them out with "
    "--skip-bad-rows, which lists them in the directory rejected/ of PAYOFF_VAR_DIR."
)

_source = click.option("--source", help="archive, a directory or zip of .asc files, ctu, or a mysql+pymysql:// URL.")
_skip = click.option("--skip-bad-rows", is_flag=True, help="Leave bad rows out and list them, instead of stopping.")
_seed = click.option("--seed", type=int, default=DEFAULT_SEED, help="Fixes the split and every model.")


@click.group(context_settings={"help_option_names": ["-h", "--help"], "show_default": True})
@click.version_option(__version__)
def cli() -> None:
    """Payoff predicts whether a loan will be paid off, from a bank's relational tables.

    `payoff run` does everything and serves the form. Settings are PAYOFF_* variables; `payoff settings` lists them.
    """


@cli.group(invoke_without_command=True)
@_source
@_skip
@click.pass_context
def etl(context: click.Context, source: str | None, skip_bad_rows: bool) -> None:
    """Load, transform, check and export. Without a subcommand: all of them, published together."""
    if context.invoked_subcommand is None:
        _etl(load_settings(source=source), skip_bad_rows)


@etl.command()
@_source
@_skip
def load(source: str | None, skip_bad_rows: bool) -> None:
    """Read the source into the warehouse's raw tables; the marts of the data before go."""
    from etl import pipeline

    with busy("load"):
        pipeline.run_load(load_settings(source=source), Stages(), skip_bad_rows=skip_bad_rows)


@etl.command()
def transform() -> None:
    """Rebuild staging and marts from the raw tables, and check every promise in sql/checks."""
    from etl import pipeline

    with busy("transform"):
        pipeline.run_transform(load_settings(), Stages())


@etl.command()
def export() -> None:
    """Write the marts to the lake as a new run and make it current."""
    from etl import pipeline

    with busy("export"):
        pipeline.run_export(load_settings(), Stages())


@cli.group()
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
    _features(load_settings(), sets, Stages(), engine)


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
    with open_warehouse(load_settings().warehouse_url) as warehouse:
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
@_seed
@click.option("--markdown", type=click.Path(dir_okay=False, path_type=Path), help="Write a page to this file too.")
def audit(repeats: int, seed: int, markdown: Path | None) -> None:
    """Measure what each leak would have bought: trains anew for every leak and fold, some 20 minutes a repeat."""
    from payoff.warehouse import open_warehouse
    from training import audit as auditing
    from training.fit import fit_predict

    stages = Stages()
    findings = []
    with open_warehouse(load_settings().warehouse_url) as warehouse:
        for found in auditing.audit(warehouse, fit_predict, repeats=repeats, seed=seed):
            findings.append(found)
            stages("audit", f"{found.leak}: {f'ROC AUC {found.auc.value:.3f}' if found.auc else found.note}")
    click.echo(auditing.as_markdown(findings))
    if markdown:
        markdown.write_text(auditing.as_page(findings, repeats=repeats, seed=seed), encoding="utf-8")


@cli.group()
def model() -> None:
    """Train and inspect models."""


@model.command()
@click.option(
    "--features", "sets", type=click.Choice(SET_NAMES), multiple=True, default=("form",), help="May be repeated."
)
@_seed
@click.option("--neural", is_flag=True, help="Also train the neural models (needs the extra payoff[neural]).")
def train(sets: tuple[str, ...], seed: int, neural: bool) -> None:
    """Train on 70 % of the loans, measure on the rest, and publish. A `form` model is promoted: the form serves it."""
    _train(load_settings(), sets, seed, neural, Stages())


@model.command("list")
def list_models() -> None:
    """List the published versions; * marks the one that is served."""
    from payoff import model as models
    from payoff.lake import open_lake

    lake = open_lake(load_settings())
    served = models.champion(lake)
    table = Table("", "version", "features", "ROC AUC", "Brier")
    for version in models.versions(lake):
        described = models.read_metadata(lake, version)
        auc, brier = described.metrics["roc_auc"], described.metrics["brier"]
        marked = "*" if version == served else ""
        table.add_row(marked, version, described.feature_set, figure(auc), figure(brier))
    console.print(table)


@model.command()
@click.argument("version", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print all of the metadata as JSON.")
def show(version: str | None, as_json: bool) -> None:
    """Show what is known about a model; without VERSION, the one that is served."""
    from payoff import model as models
    from payoff.lake import open_lake

    lake = open_lake(load_settings())
    described = models.read_metadata(lake, version or models.champion(lake))
    if as_json:
        click.echo(described.model_dump_json(indent=2))
    else:
        print_figures([described])


@cli.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def predict(file: Path) -> None:
    """Predict the loans in FILE, one JSON line each.

    FILE is a .csv with the fields of the form as its header, or a .json with one object or a list of them, as the API
    takes them. Rows that cannot be predicted come back with what is wrong; the others are predicted all the same.
    """
    from features.answer_files import read_answers
    from payoff import model as models
    from payoff.lake import open_lake
    from webapp.predictions import predict as predict_one

    asked = read_answers(file)
    settings = load_settings()
    lake = open_lake(settings)
    served = models.load_model(lake, models.champion(lake), settings.var_dir / "models")
    faulty = 0
    for number, answers in enumerate(asked, start=1):
        try:
            answered = predict_one(served, answers).as_json()
        except InvalidAnswers as error:
            answered, faulty = {"errors": error.fields}, faulty + 1
        click.echo(json.dumps({"row": number} | answered))
    if faulty:
        raise ContractError(
            f"{faulty} of {len(asked)} rows could not be predicted; their lines name every faulty field"
        )


@cli.command()
@click.option("--host", help="Address to listen on.  [PAYOFF_HOST]")
@click.option("--port", type=int, help="Port to listen on; 0 takes a free one.  [PAYOFF_PORT]")
def serve(host: str | None, port: int | None) -> None:
    """Serve the form and the API with the promoted model."""
    from webapp.server import serve as serve_forever

    serve_forever(load_settings(host=host, port=port))


@cli.command()
@_source
@_skip
@_seed
@click.option("--serve/--no-serve", "then_serve", default=True, help="Serve the form at the end.")
def run(source: str | None, skip_bad_rows: bool, seed: int, then_serve: bool) -> None:
    """Everything: load, transform, export, features, train; then serve the form."""
    settings = load_settings(source=source)
    stages = Stages()
    _etl(settings, skip_bad_rows, stages)
    _features(settings, SET_NAMES, stages)
    _train(settings, ("form",), seed, neural=False, stages=stages)
    stages.total()
    if then_serve:
        from webapp.server import serve as serve_forever

        serve_forever(settings)


@cli.command("settings")
def show_settings() -> None:
    """List every setting: its variable, default and meaning."""
    table = Table("variable", "default", "meaning")
    for name, field in Settings.model_fields.items():
        table.add_row(f"PAYOFF_{name.upper()}", str(field.default), field.description)
    console.print(table)


def _etl(settings: Settings, skip_bad_rows: bool, stages: Stages | None = None) -> None:
    from etl import pipeline

    with busy("etl"):
        pipeline.run_etl(settings, stages or Stages(), skip_bad_rows=skip_bad_rows)


def _features(settings: Settings, sets: tuple[str, ...], stages: Stages, engine: str = "duckdb") -> None:
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

        with open_warehouse(settings.warehouse_url) as warehouse:
            if warehouse.engine != "mysql":
                raise SettingsError("--engine mariadb needs MariaDB. Set PAYOFF_WAREHOUSE_URL and run `payoff etl`.")
            yield partial(build_features, warehouse=warehouse)
    elif engine == "spark":
        from payoff.warehouse import spark

        with spark.started() as running:
            yield partial(build_features, over_marts=running.over_marts)
    else:
        yield build_features


def _train(settings: Settings, sets: tuple[str, ...], seed: int, neural: bool, stages: Stages) -> None:
    from payoff.lake import open_lake
    from training.publish import train as train_set

    lake = open_lake(settings)
    trained = []
    for name in sets:
        with busy(f"train {name}"):
            described = train_set(lake, name, seed=seed, neural=neural)
        trained.append(described)
        stages("train", f"{name}: model {described.version} → {lake.uri}/models")
    print_figures(trained)


def main() -> None:
    """Run the command line; an error that a user can act on is one message and exit status 1."""
    try:
        cli(standalone_mode=True)
    except BadRows as error:
        _stop(f"{error}\n{_BAD_ROWS_ADVICE}")
    except PayoffError as error:
        _stop(str(error))


def _stop(message: str) -> NoReturn:
    Console(stderr=True, soft_wrap=True, highlight=False).print(f"payoff: {message}", markup=False, style="red")
    sys.exit(1)
