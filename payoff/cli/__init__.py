"""The command line. Each command says what it did, in how many rows and seconds, and where the result lies."""

import os
import sys
from typing import NoReturn

import click
from rich.console import Console
from rich.table import Table

from payoff import __version__
from payoff.cli.database import database
from payoff.cli.doctor import doctor
from payoff.cli.etl import etl, run_etl
from payoff.cli.features import build_sets, features
from payoff.cli.keys import key
from payoff.cli.model import model, train_sets
from payoff.cli.options import SET_NAMES, seed_option, skip_option, source_option
from payoff.cli.predicting import predict
from payoff.cli.predictions import predictions
from payoff.cli.users import user
from payoff.errors import BadRows, PayoffError
from payoff.memory import use_one_heap
from payoff.reporting import Stages, console
from payoff.settings import Settings, load_settings
from payoff.threads import compute_alone

_BAD_ROWS_ADVICE = (
    "Nothing was loaded; the warehouse that was in use stays in use. Mend these rows, or leave them out with "
    "--skip-bad-rows, which lists them in the directory rejected/ of PAYOFF_VAR_DIR."
)


@click.group(context_settings={"help_option_names": ["-h", "--help"], "show_default": True})
@click.version_option(__version__)
def cli() -> None:
    """Payoff predicts whether a loan will be paid off, from a bank's relational tables.

    `payoff run` does everything and serves the form. Settings are PAYOFF_* variables; `payoff settings` lists them.
    """


for _commands in (etl, features, model, predict, user, key, predictions, database, doctor):
    cli.add_command(_commands)


@cli.command()
@click.option("--host", help="Address to listen on.  [PAYOFF_HOST]")
@click.option("--port", type=int, help="Port to listen on; 0 takes a free one.  [PAYOFF_PORT]")
def serve(host: str | None, port: int | None) -> None:
    """Serve the form and the API with the promoted model."""
    settings = load_settings(host=host, port=port)
    compute_alone()
    use_one_heap()
    from webapp.server import serve as serve_forever

    serve_forever(settings, preloads=True)


@cli.command("lambda")
def answer_lambda() -> None:
    """Answer the invocations of AWS Lambda: the command of a function that is made of the container image."""
    from webapp.serverless import run as run_there

    run_there()


@cli.command()
@source_option
@skip_option
@seed_option
@click.option("--serve/--no-serve", "then_serve", default=True, help="Serve the form at the end.")
def run(source: str | None, skip_bad_rows: bool, seed: int, then_serve: bool) -> None:
    """Everything: load, transform, export, features, train what the form and account lookups need; then serve."""
    settings = load_settings(source=source)
    stages = Stages()
    run_etl(settings, skip_bad_rows, stages)
    build_sets(settings, SET_NAMES, stages)
    from training.publish import Training  # takes seconds, so not before the first stage says something

    train_sets(settings, ("form", "full"), Training(seed), stages)
    stages.total()
    if then_serve:
        # The training has started threads, which the processes of the server could not inherit: it begins anew.
        sys.stdout.flush()
        os.execv(sys.executable, [sys.executable, "-m", "payoff.cli", "serve"])


@cli.command("settings")
def show_settings() -> None:
    """List every setting: its variable, default and meaning."""
    table = Table("variable", "default", "meaning")
    for name, field in Settings.model_fields.items():
        table.add_row(f"PAYOFF_{name.upper()}", str(field.default), field.description)
    console.print(table)


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
