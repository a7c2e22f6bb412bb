"""The stages of the ETL, alone and together, over the warehouse and lake that the settings name."""

from etl.checks import check
from etl.export import export
from etl.export.snapshot import export_snapshot
from etl.export.taking import Report, Watch
from etl.load import ORIGIN, load, read_origin
from etl.rejected import write_rejected
from etl.source import RawData, read_source
from etl.transform import count_rows, transform
from payoff import schema
from payoff.errors import WarehouseError
from payoff.lake import Lake, open_lake
from payoff.settings import Settings
from payoff.warehouse import Warehouse, open_warehouse, rebuild_warehouse


def run_load(settings: Settings, report: Report, *, skip_bad_rows: bool = False) -> None:
    """Replace the raw tables; the marts of the data before are dropped with it."""
    raw = _read_source(settings, skip_bad_rows)
    with rebuild_warehouse(settings.warehouse_url, ca=settings.mariadb_ca) as warehouse:
        _load(settings, warehouse, raw, report)


def run_transform(settings: Settings, report: Report) -> None:
    """Rebuild staging and marts from the raw tables that are loaded, and check them."""
    kept = (*schema.raw_tables(), ORIGIN)
    with rebuild_warehouse(settings.warehouse_url, kept, settings.mariadb_ca) as warehouse:
        _transform(warehouse, report)


def run_export(settings: Settings, report: Report) -> None:
    """Export the marts of the published warehouse as a new run."""
    lake = open_lake(settings)
    with open_warehouse(settings.reading_url, settings.mariadb_ca) as warehouse:
        if missing := sorted({*schema.marts(), ORIGIN} - warehouse.tables()):
            raise WarehouseError(f"the warehouse lacks {', '.join(missing)}. Run `payoff etl transform` first.")
        _export(warehouse, lake, report)


def run_snapshot_export(
    settings: Settings, report: Report, watch: Watch, *, snapshot: str | None = None, keep: bool = False
) -> None:
    """Export the marts of the published warehouse as a new run, by a snapshot of its RDS instance."""
    export_snapshot(settings, open_lake(settings), report, watch, name=snapshot, keep=keep)


def run_etl(settings: Settings, report: Report, *, skip_bad_rows: bool = False) -> None:
    """Load, transform, check and export. The warehouse is published once, after its checks passed."""
    lake = open_lake(settings)
    raw = _read_source(settings, skip_bad_rows)
    with rebuild_warehouse(settings.warehouse_url, ca=settings.mariadb_ca) as warehouse:
        _load(settings, warehouse, raw, report)
        _transform(warehouse, report)
    with open_warehouse(settings.reading_url, settings.mariadb_ca) as warehouse:
        _export(warehouse, lake, report)


def _read_source(settings: Settings, skip_bad_rows: bool) -> RawData:
    cache = settings.var_dir / "cache"
    return read_source(settings.source, cache, skip_bad_rows=skip_bad_rows, ca=settings.mariadb_ca)


def _load(settings: Settings, warehouse: Warehouse, raw: RawData, report: Report) -> None:
    load(warehouse, raw)
    rows = sum(table.num_rows for table in raw.tables.values())
    report("load", f"{len(raw.tables)} tables, {rows:,} rows from {raw.origin['location']}")
    if raw.rejected:
        directory = write_rejected(settings.var_dir / "rejected", raw.rejected)
        report("rejected", f"{len(raw.rejected):,} rows left out, listed in {directory}")


def _transform(warehouse: Warehouse, report: Report) -> None:
    transform(warehouse)
    counts = count_rows(warehouse)
    report(
        "transform",
        f"{counts['loans']:,} loans ({counts['finished']:,} finished, {counts['defaulted']:,} defaulted), "
        f"{counts['transactions']:,} transactions before them",
    )
    report("check", f"{check(warehouse)} promises kept")


def _export(warehouse: Warehouse, lake: Lake, report: Report) -> None:
    run = export(warehouse, lake, read_origin(warehouse))
    report("export", f"run {run} → {lake.uri}")
