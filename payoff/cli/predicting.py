"""Predicting the loans of a file, as a batch does."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from payoff.errors import ContractError
from payoff.settings import load_settings

if TYPE_CHECKING:
    from webapp.batch.reading import Kind, Record


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def predict(file: Path) -> None:
    """Predict the loans in FILE, one JSON line each.

    FILE is a .csv whose header names the fields of the form, or account_id and the terms of a loan, or a .json with one
    object or a list of them, as the API takes them. Rows that cannot be predicted come back with what is wrong; the
    others are predicted all the same.
    """
    from payoff import model as models
    from payoff.lake import open_lake
    from payoff.registry import champion
    from webapp.batch.scoring import SETS, outcomes

    kind, rows = _read(file)
    settings = load_settings()
    lake = open_lake(settings)
    served = models.load_model(lake, champion(lake, SETS[kind]), settings.var_dir / "models")
    found = outcomes(settings, served, kind, rows, explained="none")
    for number, outcome in enumerate(found, start=1):
        told = outcome.prediction.as_json() if outcome.prediction else {"errors": dict(outcome.faults)}
        click.echo(json.dumps({"row": number} | told))
    if faulty := sum(1 for outcome in found if outcome.faults):
        raise ContractError(
            f"{faulty} of {len(found)} rows could not be predicted; their lines name every faulty field"
        )


def _read(file: Path) -> "tuple[Kind, list[Record]]":
    """What the rows describe, and the rows. Raises ContractError where the file cannot be read."""
    from features.answer_files import read_answers
    from webapp.batch.reading import MOST_BYTES, Record, inspected, records

    if file.suffix.lower() != ".csv":
        return "form", [Record(number, "", answers) for number, answers in enumerate(read_answers(file), start=1)]
    if file.stat().st_size > MOST_BYTES:
        raise ContractError(f"{file} has {file.stat().st_size:,} bytes; at most {MOST_BYTES:,} are read. Split it.")
    data = file.read_bytes()
    try:
        sheet = inspected(data)
    except ContractError as error:
        raise ContractError(f"{file}: {error}") from error
    return sheet.kind, list(records(data, sheet))
