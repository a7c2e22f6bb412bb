"""Export by snapshot: RDS copies the database, AWS writes the copy as Parquet, and that becomes a run of the lake.

The database itself is not read. Each step is found again by the snapshot's name, so a command that was stopped, at
whatever step, is taken up by another of the same name.
"""

import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import pyarrow as pa

from etl.export import BATCH_ROWS, export
from etl.export.rds import Exports, Place, Task
from etl.export.taking import Patience, Report, Watch, exported
from etl.export.written import batches_of, files_of
from etl.load import ORIGIN, read_origin
from payoff import aws, runs, schema
from payoff.errors import ExportError, LakeError, SettingsError, WarehouseError
from payoff.lake import Lake
from payoff.lake.bucket import S3Lake
from payoff.settings import Settings
from payoff.warehouse import Warehouse, create_table, duckdb_path, open_warehouse, rebuild_warehouse

# What sorting may hold in memory; DuckDB keeps the rest in files beside its own.
_MEMORY = "1GB"

# The settings that name an export's place, all of which it needs.
EXPORT_SETTINGS = ("export_instance", "export_uri", "export_role_arn", "export_kms_key")


def place(settings: Settings) -> Place:
    """What the settings say of snapshot exports.

    Raises
    ------
    SettingsError
        One is missing, or the warehouse is no database server.
    """
    if missing := [f"PAYOFF_{name.upper()}" for name in EXPORT_SETTINGS if not getattr(settings, name)]:
        raise SettingsError(f"an export by snapshot needs {', '.join(missing)}. `payoff settings` says what each is.")
    if duckdb_path(settings.warehouse_url) is not None:
        raise SettingsError(
            "an export by snapshot needs a MariaDB warehouse on RDS, PAYOFF_WAREHOUSE_URL names a DuckDB file. "
            "Set it, or export with `--via query`."
        )
    uri = str(settings.export_uri)
    if not uri.startswith("s3://") or not urlsplit(uri).netloc:
        raise SettingsError(f"PAYOFF_EXPORT_URI is {uri!r}, expected s3://BUCKET/PREFIX")
    bucket, _, prefix = uri.removeprefix("s3://").partition("/")
    return Place(
        instance=str(settings.export_instance),
        database=urlsplit(settings.warehouse_url).path.strip("/"),
        bucket=bucket,
        prefix=prefix.strip("/"),
        role_arn=str(settings.export_role_arn),
        kms_key=str(settings.export_kms_key),
        tables=(*schema.marts(), ORIGIN),
    )


def new_name() -> str:
    """The name of a new snapshot: when it was begun, in letters, digits and single hyphens."""
    return f"payoff-{datetime.now(UTC):%Y-%m-%dt%H-%M-%S}"


def export_snapshot(
    settings: Settings,
    lake: Lake,
    report: Report,
    watch: Watch,
    *,
    name: str | None = None,
    keep: bool = False,
    pause: Callable[[float], None] = time.sleep,
) -> str:
    """Take a snapshot, have it exported, and publish what it holds as a new run; returns the run.

    Parameters
    ----------
    name : str, optional
        The snapshot. What there is of that name, snapshot or export, is taken over; what is not is begun.
    keep : bool
        Keep the snapshot. One that somebody else made is kept in any case.
    pause : callable
        Waits so many seconds.

    Raises
    ------
    ExportError
        AWS refused, failed, or wrote something else; or it was stopped. The message says how to go on.
    """
    exports = Exports(place(settings), aws.client("rds"))
    name = name or new_name()
    with _resumable(name):
        begun = runs.begin(lake)  # before AWS is asked for anything: a lake that cannot be reached shows at once
        task = exported(exports, name, report, Patience(watch, pause))
        watch(f"reading {task.name}", None)
        run = _published(settings, lake, exports.place, task, begun, name)
        report("export", f"run {run} → {lake.uri}")
    if not keep:
        _tidied(exports, name, report)
    return run


def cancel(settings: Settings, name: str, report: Report, *, delete: bool = False) -> None:
    """End the export of the snapshot ``name``; the snapshot stays unless ``delete``, and then only if it is ours.

    Raises
    ------
    ExportError
        There is nothing of that name, or AWS refused.
    """
    exports = Exports(place(settings), aws.client("rds"))
    tasks, snapshot = exports.attempts(name), exports.snapshot(name)
    if not tasks and snapshot is None:
        raise ExportError(f"AWS knows neither a snapshot nor an export {name} of {exports.place.instance}")
    running = [task for task in tasks if task.status in {"STARTING", "IN_PROGRESS"}]
    for task in running:
        exports.cancel(task)
        report("cancel", f"export {task.name}, which was {task.status} at {task.percent or 0} %")
    if not running:
        why = f"export {tasks[-1].name} is {tasks[-1].status}" if tasks else "no export was begun"
        report("cancel", f"nothing: {why}")
    if snapshot and delete:
        exports.delete(snapshot)
        report("delete", f"snapshot {name}")
    elif snapshot:
        report("keep", f"snapshot {name}; `payoff etl export --via snapshot --snapshot {name}` exports it again")


def _published(settings: Settings, lake: Lake, where: Place, task: Task, begun: runs.Begun, name: str) -> str:
    """The export as a run. A warehouse of its own checks keys and sorts, and the run is exported from there."""
    store = S3Lake(task.bucket, task.prefix, settings.s3_endpoint_url)
    files = files_of(store, task.name, where.database, where.tables)
    settings.var_dir.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="snapshot-", dir=settings.var_dir) as scratch:
        url = f"duckdb:///{Path(scratch).resolve()}/tables.duckdb"
        with rebuild_warehouse(url) as warehouse:
            warehouse.run(f"set memory_limit = '{_MEMORY}'")
            for table, keys in files.items():
                _load(warehouse, store, table, keys, Path(scratch))
        via = {"via": "snapshot", "snapshot": name, "task": task.name, "taken_at": task.taken_at}
        with open_warehouse(url) as warehouse:
            warehouse.run(f"set memory_limit = '{_MEMORY}'")
            return export(warehouse, lake, read_origin(warehouse), engine="mysql", via=via, begun=begun)


def _load(warehouse: Warehouse, store: S3Lake, table: str, keys: list[str], scratch: Path) -> None:
    """Fill ``table``, one file at a time; its declaration refuses what breaks its key or is missing."""
    create_table(warehouse, table)
    for key in keys:
        path = scratch / Path(key).name
        store.fetch(key, path)
        for batch in batches_of(path, table, BATCH_ROWS):
            try:
                warehouse.insert(table, pa.Table.from_batches([batch]))
            except WarehouseError as error:
                raise ExportError(f"rows of the exported table {table} are refused: {error}") from error
        path.unlink()


def _tidied(exports: Exports, name: str, report: Report) -> None:
    try:
        snapshot = exports.snapshot(name)
        if snapshot and snapshot.ours:
            exports.delete(snapshot)
            report("delete", f"snapshot {name}")
        elif snapshot:
            report("keep", f"snapshot {name}, which somebody else made")
    except ExportError as error:  # the run is published, and stays so
        report("keep", f"snapshot {name}: {error}")


@contextmanager
def _resumable(name: str) -> Iterator[None]:
    hint = (
        "The lake's current run is as it was. "
        f"`payoff etl export --via snapshot --snapshot {name}` takes over what AWS has by now, "
        f"`payoff etl cancel-export {name}` ends it."
    )
    try:
        yield
    except KeyboardInterrupt:
        raise ExportError(f"stopped here; what was begun at AWS goes on there. {hint}") from None
    except (ExportError, LakeError, WarehouseError) as error:
        raise type(error)(f"{str(error).strip()} {hint}") from error
