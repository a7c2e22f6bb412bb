"""A training as a run of MLflow, where ``MLFLOW_TRACKING_URI`` names a tracking server.

The only module that imports mlflow, and only once a server is named. What it needs to know about the server it takes
from MLflow's own variables, so that they mean here what they mean elsewhere.
"""

import os
import re
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from boto3.exceptions import Boto3Error
from botocore.exceptions import BotoCoreError, ClientError

from payoff.errors import SettingsError, TrackingError
from payoff.metadata import Metadata

if TYPE_CHECKING:
    from mlflow import MlflowClient

#: The experiment of runs, unless MLFLOW_EXPERIMENT_NAME names another.
EXPERIMENT = "payoff"

_NO_MLFLOW = (
    "MLFLOW_TRACKING_URI is set, but MLflow is not installed. "
    "Run `pip install 'payoff[mlflow]'`, or unset the variable; then nothing is logged."
)
_ADVICE = "The model is published all the same. Check MLFLOW_TRACKING_URI and the server it names, or unset it."

_DATABASES = ("sqlite", "mysql", "postgresql", "mssql")

#: MLflow would try for minutes to reach a server that is not there. What the user has set wins.
_PATIENCE = {
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR": "1",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
}
#: MLflow would tell its makers that it is used, and print links among our own words.
_QUIET = {"MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true"}


def log_training(metadata: Metadata, artefacts: Mapping[str, bytes]) -> str | None:
    """Log a training to MLflow as one run, named by its version; without ``MLFLOW_TRACKING_URI``, do nothing.

    Call it once the model is published: then nothing that goes wrong here can lose it. A run that could not be logged
    whole ends as FAILED, if the server can still be told.

    Parameters
    ----------
    metadata : Metadata
        Its single values become parameters, its metrics ``<name>``, ``<name>_low`` and ``<name>_high``.
    artefacts : mapping of relative path to content
        What to store with the run, such as the model card and the files of the predictor.

    Returns
    -------
    str or None
        Where the run is: its page on an HTTP server, else its id. None if no server is named.

    Raises
    ------
    SettingsError
        A server is named, but MLflow is not installed.
    TrackingError
        The server cannot be reached, or refused the run or a part of it.
    """
    uri = os.environ.get("MLFLOW_TRACKING_URI")
    if not uri:
        return None
    if (kind := re.split(r"[+:]", uri)[0]) in _DATABASES:
        # MLflow would open it itself, with libraries that this installation does not promise it.
        raise TrackingError(f"MLFLOW_TRACKING_URI names a {kind} database; expected http(s)://SERVER. {_ADVICE}")
    with _environment():
        try:
            from mlflow import MlflowClient
        except ImportError as error:
            raise SettingsError(_NO_MLFLOW) from error
        with _worded(uri, metadata.version):
            client = MlflowClient(tracking_uri=uri)
            experiment = _experiment(client, os.environ.get("MLFLOW_EXPERIMENT_NAME") or EXPERIMENT)
            with _run(client, experiment, metadata) as run:
                _log_figures(client, run, metadata)
                _log_artefacts(client, run, artefacts)
    if not uri.startswith(("http://", "https://")):
        return run
    return f"{_without_password(uri).rstrip('/')}/#/experiments/{experiment}/runs/{run}"


def _experiment(client: "MlflowClient", name: str) -> str:
    found = client.get_experiment_by_name(name)
    return str(found.experiment_id if found else client.create_experiment(name))


@contextmanager
def _run(client: "MlflowClient", experiment: str, metadata: Metadata) -> Iterator[str]:
    """The id of a new run, which ends with the block."""
    from mlflow.exceptions import MlflowException

    tags = {
        "mlflow.source.name": "payoff model train",
        "model_version": metadata.version,
        "trained_at": metadata.trained_at.isoformat(),
    }
    run = str(client.create_run(experiment, run_name=metadata.version, tags=tags).info.run_id)
    try:
        yield run
    except BaseException:
        # A server that is gone cannot be told; the first error is the one to show.
        with suppress(MlflowException, OSError):
            client.set_terminated(run, "FAILED")
        raise
    client.set_terminated(run, "FINISHED")


def _log_figures(client: "MlflowClient", run: str, metadata: Metadata) -> None:
    from mlflow.entities import Metric, Param

    at = int(metadata.trained_at.timestamp() * 1000)
    metrics = {
        name + suffix: value
        for name, figure in metadata.metrics.items()
        for suffix, value in (("", figure.value), ("_low", figure.low), ("_high", figure.high))
    }
    client.log_batch(
        run,
        metrics=[Metric(name, value, at, 0) for name, value in metrics.items()],
        params=[Param(name, value) for name, value in _params(metadata).items()],
        synchronous=True,
    )


def _params(metadata: Metadata) -> dict[str, str]:
    """Every single value of ``metadata`` but the name of the run; how many features; each package's version."""
    single = {name: str(value) for name, value in metadata if isinstance(value, str | int | float)}
    del single["version"]
    packages = {f"version_{name}": version for name, version in metadata.versions.items()}
    return single | {"count_features": str(len(metadata.features))} | packages


def _log_artefacts(client: "MlflowClient", run: str, artefacts: Mapping[str, bytes]) -> None:
    with tempfile.TemporaryDirectory(prefix="payoff-mlflow-") as directory:
        for name, content in artefacts.items():
            path = Path(directory) / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        client.log_artifacts(run, directory)


@contextmanager
def _environment() -> Iterator[None]:
    """MLflow's variables as we need them; it reads them again with every request."""
    wanted = {name: value for name, value in _PATIENCE.items() if name not in os.environ} | _QUIET
    before = {name: os.environ.get(name) for name in wanted}
    os.environ.update(wanted)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


@contextmanager
def _worded(uri: str, version: str) -> Iterator[None]:
    from mlflow.exceptions import MlflowException

    try:
        yield
    # Artefacts may go straight to S3, and a store other than a server may need more of MLflow than is installed.
    except (MlflowException, OSError, ValueError, ImportError, Boto3Error, BotoCoreError, ClientError) as error:
        said = " ".join(str(_root(error)).split())[:400]
        message = f"training {version} was not logged to MLflow at {uri}: {said}. {_ADVICE}"
        # The cause would show the password, if the URI has one.
        raise TrackingError(_without_password(message)) from None


def _root(error: BaseException) -> BaseException:
    """What the operating system said at the bottom of an error, if it did; else the error."""
    deepest = error
    while below := deepest.__cause__ or deepest.__context__:
        deepest = below
    return deepest if isinstance(deepest, OSError) else error


def _without_password(text: str) -> str:
    return re.sub(r"//[^/\s]*@", "//", text)
