"""`payoff etl`: from the source to a run in the lake."""

import click

from payoff.cli.options import skip_option, source_option
from payoff.cli.progress import watching
from payoff.reporting import Stages, busy
from payoff.settings import Settings, load_settings


@click.group(invoke_without_command=True)
@source_option
@skip_option
@click.pass_context
def etl(context: click.Context, source: str | None, skip_bad_rows: bool) -> None:
    """Load, transform, check and export. Without a subcommand: all of them, published together."""
    if context.invoked_subcommand is None:
        run_etl(load_settings(source=source), skip_bad_rows)


@etl.command()
@source_option
@skip_option
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
@click.option(
    "--via",
    type=click.Choice(["query", "snapshot"]),
    default="query",
    help="query reads the warehouse; snapshot has RDS copy it and AWS write the copy, so that nothing reads it.",
)
@click.option("--snapshot", "name", help="With --via snapshot: take over what there is of this name, or begin it.")
@click.option("--keep-snapshot", is_flag=True, help="Keep the snapshot afterwards; only one made here is ever deleted.")
def export(via: str, name: str | None, keep_snapshot: bool) -> None:
    """Write the marts to the lake as a new run and make it current."""
    from etl import pipeline

    if via == "snapshot":
        with watching() as watch:
            pipeline.run_snapshot_export(load_settings(), Stages(), watch, snapshot=name, keep=keep_snapshot)
        return
    if name or keep_snapshot:
        raise click.UsageError("--snapshot and --keep-snapshot go with --via snapshot")
    with busy("export"):
        pipeline.run_export(load_settings(), Stages())


@etl.command("cancel-export")
@click.argument("name")
@click.option("--delete-snapshot", is_flag=True, help="Delete the snapshot too, if it was made here.")
def cancel_export(name: str, delete_snapshot: bool) -> None:
    """End the export of the snapshot NAME at AWS; the lake is not touched."""
    from etl.export.snapshot import cancel

    cancel(load_settings(), name, Stages(), delete=delete_snapshot)


def run_etl(settings: Settings, skip_bad_rows: bool, stages: Stages | None = None) -> None:
    """All stages, published together."""
    from etl import pipeline

    with busy("etl"):
        pipeline.run_etl(settings, stages or Stages(), skip_bad_rows=skip_bad_rows)
