"""A trained model: its files in the lake, and what it predicts.

A model is a directory ``models/<version>/`` whose ``metadata.json``, written last, lists every file with its SHA-256.
Checksums are verified before anything is unpickled. ``payoff.registry`` says which version is served. Beside the
predictor lies ``background.parquet``: a few training loans, features only, that explanations compare a loan with.
"""

import io
import os
import pickle
import tempfile
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
from pydantic import ValidationError

from payoff.errors import ContractError, LakeError, ModelError
from payoff.lake import Lake, read_checked, read_json, sha256, write_json
from payoff.metadata import TARGET, Metadata

BACKGROUND = "background.parquet"
#: The ensemble written out by ``training.compiling``, among the predictor's files. Nothing else is then needed of them.
COMPILED = "compiled.json"
Predict = Callable[[pd.DataFrame], np.ndarray]
_AT_ONCE = 8


class Model:
    """A loaded model version.

    Attributes
    ----------
    background : DataFrame, one row per loan
        The features of the model, of a few of the loans it was trained on.
    """

    def __init__(self, metadata: Metadata, directory: Path, background: pd.DataFrame) -> None:
        self.metadata, self.background = metadata, background
        self._predict = load_directory(directory, metadata.features)

    def default_probabilities(self, features: pd.DataFrame) -> np.ndarray:
        """Calibrated probability of default of each row.

        Raises
        ------
        ContractError
            A feature of the model is missing.
        """
        return self.metadata.calibration(self._predict(features))


def load_directory(directory: Path, features: Sequence[str]) -> Predict:
    """The predictor in ``directory``: from a table of ``features`` to uncalibrated probabilities of default.

    Where it was not compiled, it is unpickled: call it only with files whose checksums were verified, or that this
    process wrote.

    Raises
    ------
    ModelError
        The predictor answers another question, or from other features.
    """
    wanted = list(features)
    predict = (_compiled if (directory / COMPILED).is_file() else _autogluon)(directory, wanted)

    def default_probabilities(table: pd.DataFrame) -> np.ndarray:
        if missing := [name for name in wanted if name not in table.columns]:
            raise ContractError(f"the model needs {', '.join(missing)}, which the table lacks")
        return predict(table)

    return default_probabilities


def _compiled(directory: Path, wanted: list[str]) -> Predict:
    # What it computes with takes a second to import and is only needed where a model is loaded.
    from payoff.compiled import Compiled, Ensemble

    compiled = Compiled.model_validate_json((directory / COMPILED).read_bytes())
    if {*compiled.categories, *compiled.numbers} != set(wanted):
        found = len(compiled.categories) + len(compiled.numbers)
        raise ModelError(f"it was compiled from {found} features, where {len(wanted)} declared ones were expected")
    return Ensemble(compiled)


def _autogluon(directory: Path, wanted: list[str]) -> Predict:
    # The import takes seconds.
    from autogluon.tabular import TabularPredictor

    predictor: Any = TabularPredictor.load(str(directory), require_version_match=True)
    # Its models are a few megabytes; to ask how many walks all of memory ten times, a second in all.
    predictor.persist(max_memory=None)
    if predictor.label != TARGET or set(predictor.features()) != set(wanted):
        found = f"it predicts {predictor.label!r} from {len(predictor.features())} features"
        raise ModelError(f"{found}, where {TARGET!r} from {len(wanted)} declared ones was expected")

    # It does not promise that several threads may use it at once.
    alone = threading.Lock()

    def predict(table: pd.DataFrame) -> np.ndarray:
        # Forests poll a thread pool for longer than they compute on a few rows.
        with alone, joblib.parallel_config(backend="sequential"):
            probabilities = predictor.predict_proba(table[wanted], as_multiclass=False)
        return np.asarray(probabilities, dtype=np.float64)

    return predict


def publish_model(
    lake: Lake, directory: Path, described: Metadata, attachments: Mapping[str, bytes] | None = None
) -> Metadata:
    """Store the files of ``directory`` and what goes beside them as a new version; returns what was written of it."""
    version = described.version
    files, beside = {}, {}
    for path in sorted(path for path in directory.rglob("*") if path.is_file()):
        data = path.read_bytes()
        name = path.relative_to(directory).as_posix()
        lake.write(f"models/{version}/predictor/{name}", data)
        files[name] = sha256(data)
    for name, data in (attachments or {}).items():
        lake.write(f"models/{version}/{name}", data)
        beside[name] = sha256(data)
    described = described.model_copy(update={"files": files, "attachments": beside})
    write_json(lake, f"models/{version}/metadata.json", described.model_dump(mode="json"))
    return described


def versions(lake: Lake) -> list[str]:
    """Every published version, oldest first."""
    paths = (key.split("/") for key in lake.keys("models/"))
    # Exactly there: AutoGluon keeps a metadata.json of its own among the predictor's files.
    return [path[1] for path in paths if len(path) == 3 and path[2] == "metadata.json"]


def read_metadata(lake: Lake, version: str) -> Metadata:
    """The metadata of ``version``.

    Raises
    ------
    ModelError
        There is no such version, or its metadata is not of this program.
    """
    key = f"models/{version}/metadata.json"
    if not lake.exists(key):
        raise ModelError(f"{lake.uri} holds no model {version!r}; `payoff model list` shows those there are")
    try:
        return Metadata.model_validate(read_json(lake, key))
    except ValidationError as error:
        faults = f"{error.error_count()} fields missing or unknown, the first: {error.errors()[0]['loc']}"
        raise ModelError(f"{key} is not the metadata of a model of this version of payoff ({faults})") from error


def load_model(lake: Lake, version: str, cache: Path) -> Model:
    """The model ``version``, its files fetched to ``cache`` and verified.

    Raises
    ------
    ModelError
        A file is missing or damaged, was made by another version of AutoGluon, or there are no loans to compare with.
    """
    metadata = read_metadata(lake, version)
    if BACKGROUND not in metadata.attachments:
        raise ModelError(
            f"model {version} was published without {BACKGROUND}, the loans that explanations compare with. "
            f"Train it anew: `payoff model train --features {metadata.feature_set}`."
        )
    directory = cache / version
    try:
        _fetch(lake, metadata, directory)
        return Model(metadata, directory, _background(lake, metadata))
    except LakeError as error:
        raise ModelError(f"model {version} is incomplete or damaged: {error}. Train or promote another.") from error
    except _UNLOADABLE as error:
        raise ModelError(f"model {version} cannot be loaded by this installation: {error}. Train it anew.") from error


#: What unpickling raises for files of another version, or of nothing at all.
_UNLOADABLE = (
    AssertionError, AttributeError, EOFError, ImportError, IndexError, KeyError, OSError, TypeError, ValueError,
    pickle.UnpicklingError,
)  # fmt: skip


def _fetch(lake: Lake, metadata: Metadata, directory: Path) -> None:
    """Bring every file that is needed and whose checksum does not match; what is loaded was verified in this call."""

    def bring(name: str) -> None:
        path, checksum = directory / name, metadata.files[name]
        if not path.resolve().is_relative_to(directory.resolve()):
            raise LakeError(f"the file name {name!r} leads out of the model")
        if path.is_file() and sha256(path.read_bytes()) == checksum:
            return
        data = read_checked(lake, f"models/{metadata.version}/predictor/{name}", checksum)
        path.parent.mkdir(parents=True, exist_ok=True)
        _write_whole(path, data)

    # Some twenty small files: over a network each waits longer than it takes, so they wait side by side.
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        list(pool.map(bring, [COMPILED] if COMPILED in metadata.files else metadata.files))


def _background(lake: Lake, metadata: Metadata) -> pd.DataFrame:
    data = read_checked(lake, f"models/{metadata.version}/{BACKGROUND}", metadata.attachments[BACKGROUND])
    loans = pd.read_parquet(io.BytesIO(data))
    if loans.empty or list(loans.columns) != list(metadata.features):
        found = f"{len(loans)} loans with {len(loans.columns)} features"
        raise LakeError(f"{BACKGROUND} holds {found}; expected some, with the {len(metadata.features)} of the model")
    return loans


def _write_whole(path: Path, data: bytes) -> None:
    # Several web processes may fetch at once: each writes its own file and renames it.
    handle, beside = tempfile.mkstemp(dir=path.parent)
    with os.fdopen(handle, "wb") as file:
        file.write(data)
    Path(beside).replace(path)
