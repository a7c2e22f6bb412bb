"""`payoff model`: train, inspect, promote and roll back models."""

from typing import TYPE_CHECKING, cast

import click
from rich.table import Table

from payoff.cli import auditing, judging
from payoff.cli.options import SET_NAMES, costs_options, population_option, preset_option, seed_option
from payoff.errors import ModelError, TrackingError
from payoff.reporting import Stages, busy, console, figure, print_change, print_figures
from payoff.settings import Settings, load_settings

if TYPE_CHECKING:
    from payoff.choices import Population, Preset
    from training.publish import Training


@click.group()
def model() -> None:
    """Train, judge, inspect and promote models."""


for _command in (*judging.COMMANDS, *auditing.COMMANDS):
    model.add_command(_command)


@model.command()
@click.option(
    "--features", "sets", type=click.Choice(SET_NAMES), multiple=True, default=("form",), help="May be repeated."
)
@preset_option
@population_option
@costs_options
@seed_option
@click.option("--neural", is_flag=True, help="Also train the neural models (needs the extra payoff[neural]).")
@click.option("--promote/--no-promote", default=True, help="Let it replace the champion if nothing stands against it.")
def train(
    sets: tuple[str, ...],
    preset: str,
    population: str,
    cost_default: float,
    cost_refusal: float,
    seed: int,
    neural: bool,
    promote: bool,
) -> None:
    """Train on 70 % of the loans, measure on the rest, publish, and promote.

    The version becomes the challenger of its feature set, and the champion unless it is significantly worse than the
    one that serves or its features changed.
    """
    from payoff.metadata import Costs
    from training.publish import Training

    costs = Costs(default=cost_default, refusal=cost_refusal)
    how = Training(seed, cast("Preset", preset), cast("Population", population), costs, neural)
    train_sets(load_settings(), sets, how, Stages(), promoting=promote)


@model.command("list")
def list_models() -> None:
    """List the published versions; * marks a champion, + a challenger."""
    from payoff import model as models
    from payoff import registry
    from payoff.lake import open_lake

    lake = open_lake(load_settings())
    if not (published := models.versions(lake)):
        registry.champion(lake)  # says how to get one
    marks = dict.fromkeys(registry.challengers(lake).values(), "+") | dict.fromkeys(
        registry.champions(lake).values(), "*"
    )
    table = Table("", "version", "features", "preset", "ROC AUC", "Brier")
    for version in published:
        described = models.read_metadata(lake, version)
        auc, brier = described.metrics["roc_auc"], described.metrics["brier"]
        table.add_row(
            marks.get(version, ""), version, described.feature_set, described.preset, figure(auc), figure(brier)
        )
    console.print(table)


@model.command()
@click.argument("version", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print all of the metadata as JSON.")
@click.option("--card", is_flag=True, help="Print the model card in Markdown.")
def show(version: str | None, as_json: bool, card: bool) -> None:
    """Show what is known about a model; without VERSION, the one that the form is served from."""
    from payoff import model as models
    from payoff import registry
    from payoff.lake import open_lake, read_checked

    lake = open_lake(load_settings())
    described = models.read_metadata(lake, version or registry.champion(lake))
    if card:
        if "card.md" not in described.attachments:
            raise ModelError(f"model {described.version} was published without a card")
        click.echo(read_checked(lake, f"models/{described.version}/card.md", described.attachments["card.md"]).decode())
    elif as_json:
        click.echo(described.model_dump_json(indent=2))
    else:
        print_figures([described])


@model.command()
@click.argument("version")
@click.option("--force", is_flag=True, help="Promote although something stands against it; needs a reason.")
@click.option("--reason", default="", help="Recorded with the promotion.")
def promote(version: str, force: bool, reason: str) -> None:
    """Make VERSION the champion of its feature set.

    Refused where it is significantly worse than the champion on loans that neither was trained on, where the two cannot
    be compared, or where the features changed.
    """
    from payoff import registry
    from payoff.lake import open_lake

    print_change(registry.promote(open_lake(load_settings()), version, reason=reason, force=force))


@model.command()
@click.option("--features", "set_name", type=click.Choice(SET_NAMES), default="form", help="Whose champion.")
@click.option("--reason", default="", help="Recorded with the rollback.")
def rollback(set_name: str, reason: str) -> None:
    """Bring back the champion that the present one replaced."""
    from payoff import registry
    from payoff.lake import open_lake

    print_change(registry.rollback(open_lake(load_settings()), set_name, reason=reason))


@model.command()
def history() -> None:
    """List every promotion and rollback, oldest first, with its reason."""
    from payoff import registry
    from payoff.lake import open_lake

    table = Table("when (UTC)", "what", "features", "version", "replaced", "log-loss against it", "reason")
    for change in registry.history(open_lake(load_settings())):
        forced = f"forced against: {'; '.join(change.forced)}" if change.forced else ""
        table.add_row(
            f"{change.at:%Y-%m-%d %H:%M}",
            change.action,
            change.feature_set,
            change.version,
            change.replaced or "",
            figure(change.log_loss, "+") if change.log_loss else "",
            ". ".join(filter(None, (change.reason, forced))),
        )
    console.print(table)


def train_sets(
    settings: Settings, sets: tuple[str, ...], how: "Training", stages: Stages, *, promoting: bool = True
) -> None:
    """Train and publish a model of each set, each reported as a stage."""
    from payoff.lake import open_lake
    from training.publish import train as train_set

    lake = open_lake(settings)
    trained = []
    for name in sets:
        with busy(f"train {name}"):
            done = train_set(lake, name, how, promoting=promoting)
        trained.append(done)
        stages("train", f"{name}: model {done.metadata.version} → {lake.uri}/models")
    print_figures([done.metadata for done in trained])
    for done in trained:
        if done.change:
            print_change(done.change)
        for fault in done.refused:
            console.print(f"{done.metadata.version} stays a challenger: {fault}", markup=False, style="yellow")
        if done.tracked:
            console.print(f"MLflow has it: {done.tracked}", markup=False)
    if untracked := [done.untracked for done in trained if done.untracked]:
        raise TrackingError("\n".join(untracked))
