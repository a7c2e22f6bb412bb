"""`payoff model`: train and inspect models."""

import click
from rich.table import Table

from payoff.cli.options import SET_NAMES, seed_option
from payoff.reporting import Stages, busy, console, figure, print_figures
from payoff.settings import Settings, load_settings


@click.group()
def model() -> None:
    """Train and inspect models."""


@model.command()
@click.option(
    "--features", "sets", type=click.Choice(SET_NAMES), multiple=True, default=("form",), help="May be repeated."
)
@seed_option
@click.option("--neural", is_flag=True, help="Also train the neural models (needs the extra payoff[neural]).")
def train(sets: tuple[str, ...], seed: int, neural: bool) -> None:
    """Train on 70 % of the loans, measure on the rest, and publish. A `form` model is promoted: the form serves it."""
    train_sets(load_settings(), sets, seed, neural, Stages())


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


def train_sets(settings: Settings, sets: tuple[str, ...], seed: int, neural: bool, stages: Stages) -> None:
    """Train and publish a model of each set, each reported as a stage."""
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
