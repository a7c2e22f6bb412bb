"""Model versions that hold no model, but what each said of held-out loans."""

from pathlib import Path

import numpy as np
import pandas as pd
from web import metadata

from payoff.comparison import HELD_OUT
from payoff.lake import DirectoryLake
from payoff.metadata import Metadata
from payoff.model import publish_model

TRUTH = np.tile([1, 0, 0, 0, 0, 0, 0, 0, 0, 0], 30)
CERTAIN = np.where(TRUTH == 1, 0.7, 0.05)
DOUBTFUL = np.where(TRUTH == 1, 0.15, 0.1)


def publish(
    lake: DirectoryLake,
    version: str,
    probability: np.ndarray | None = CERTAIN,
    loans: range = range(300),
    **changed: object,
) -> Metadata:
    """A version whose only file is a note, with what it said of held-out loans."""
    directory = Path(lake.uri.removeprefix("file://")).parent / version
    directory.mkdir()
    (directory / "note.txt").write_text(version)
    beside = {}
    if probability is not None:
        said = pd.DataFrame(
            {"loan_id": loans, "defaulted": TRUTH[: len(loans)], "probability": probability[: len(loans)]}
        )
        beside[HELD_OUT] = said.to_parquet(index=False)
    return publish_model(lake, directory, metadata(version).model_copy(update=changed), beside)
