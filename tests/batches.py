"""Files of loans as people send them, and apps that can look accounts up."""

import csv
from collections.abc import Iterable, Mapping
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from flask import Flask
from flask.testing import FlaskClient
from web import ANSWERS, Served, StandIn, metadata, settings
from werkzeug.test import TestResponse

from payoff.metadata import Metadata
from webapp import create_app
from webapp.batch.attached import EXTENSION

TERMS = {"account_id": "1", "loan_amount_czk": "44400", "loan_duration_months": "24", "granted_on": "1994-01-05"}
LOOKED_UP = "2026-01-06T09-30-00"
PATIENCE_SECONDS = 30


def as_csv(rows: Iterable[Mapping[str, Any]], delimiter: str = ",") -> bytes:
    """Rows with the columns of any of them."""
    rows, text = list(rows), StringIO()
    names = dict.fromkeys(name for row in rows for name in row)
    writer = csv.DictWriter(text, fieldnames=list(names), delimiter=delimiter)
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def loans(count: int, **changed: Any) -> list[dict[str, Any]]:
    """So many answers of the form, each with another amount."""
    return [ANSWERS | {"loan_amount_czk": 80_000 + number} | changed for number in range(count)]


def rows_of(data: bytes) -> list[dict[str, str]]:
    """The rows of a file that came back."""
    return list(csv.DictReader(StringIO(data.decode("utf-8-sig"))))


def full_metadata() -> Metadata:
    """What a training on accounts would have said."""
    wanted = (
        "loan_amount_czk", "loan_duration_months", "loan_instalment", "account_statement_frequency",
        "transaction_balance_min_180d", "transaction_balance_min_180d_per_instalment", "transaction_count",
    )  # fmt: skip
    spreads = {name: spread for name, spread in metadata().spreads.items() if name in wanted}
    changed = {"version": LOOKED_UP, "feature_set": "full", "features": wanted, "offered": wanted, "spreads": spreads}
    return metadata().model_copy(update=changed)


class OfAccounts(StandIn):
    """Scores accounts; one that nothing is known of as one that was down to nothing."""

    def __init__(self) -> None:
        super().__init__(full_metadata())

    def default_probabilities(self, features: pd.DataFrame) -> np.ndarray:
        return super().default_probabilities(features.fillna({"transaction_balance_min_180d_per_instalment": 0.0}))


def with_a_bank(directory: Path, warehouse_url: str) -> Flask:
    """The app with stand-ins of both sets, over a warehouse."""
    return create_app(settings(directory, warehouse_url=warehouse_url), models=Served(StandIn(), OfAccounts()))


def send(client: FlaskClient, data: bytes, name: str = "loans.csv", **fields: str) -> TestResponse:
    """Send a file as a browser would."""
    parts = [_part(f'name="{field}"', value.encode()) for field, value in fields.items()]
    parts.append(_part(f'name="file"; filename="{name}"\r\nContent-Type: text/csv', data))
    # By hand, because werkzeug's own client keeps a large body in a file that it does not close.
    body = b"".join([*parts, b"--part--\r\n"])
    return client.post("/staff/batches/", data=body, content_type="multipart/form-data; boundary=part")


def _part(described: str, content: bytes) -> bytes:
    return b"--part\r\nContent-Disposition: form-data; " + described.encode() + b"\r\n\r\n" + content + b"\r\n"


def work_off(app: Flask) -> None:
    """Wait until the app's runner has nothing left to do."""
    app.extensions[EXTENSION].rest(PATIENCE_SECONDS)
