"""Rows that were left out on request, listed so that nothing is lost silently."""

import csv
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path

from payoff.errors import BadRow


def write_rejected(directory: Path, rows: Sequence[BadRow]) -> Path:
    """Write one CSV per source file, with the line and reason of each row that was left out."""
    directory.mkdir(parents=True, exist_ok=True)
    for file, of_file in groupby(sorted(rows), key=lambda row: row.file):
        with (directory / f"{Path(file).stem}.csv").open("w", newline="", encoding="utf-8") as stream:
            writer = csv.writer(stream)
            writer.writerow(["file", "line", "reason"])
            writer.writerows((row.file, row.line, row.reason) for row in of_file)
    return directory
