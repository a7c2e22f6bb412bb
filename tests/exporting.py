"""All that an export by snapshot needs, at moto behind a front: an instance, buckets, and a lake with a current run."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import pyarrow as pa
from aws_front import Front
from planted import DATABASE, origin_table, plant
from servers import S3Server

from etl.export import export
from etl.export.snapshot import export_snapshot
from etl.load import read_origin
from payoff import runs, schema
from payoff.lake import Lake, open_lake
from payoff.lake.bucket import S3Lake
from payoff.settings import Settings, load_settings
from payoff.warehouse import open_warehouse


@dataclass
class Bench:
    """What was set up, and what was told; ``name`` is for a snapshot."""

    name: str
    client: Any
    front: Front
    settings: Settings
    lake: Lake
    place: S3Lake
    tables: dict[str, pa.Table]
    before: str
    told: list[tuple[str, str]] = field(default_factory=list)
    watched: list[tuple[str, int | None]] = field(default_factory=list)
    pauses: int = 0

    def export(self, name: str = "", **options: Any) -> str:
        """Export by a snapshot, without waiting; the run."""
        options |= {"name": name or self.name, "pause": self.pause}
        return export_snapshot(self.settings, self.lake, self.report, self.watch, **options)

    def report(self, stage: str, did: str) -> None:
        """Keep what is reported."""
        self.told.append((stage, did))

    def watch(self, what: str, percent: int | None) -> None:
        """Keep what is watched."""
        self.watched.append((what, percent))

    def pause(self, seconds: float) -> None:
        """Count, instead of waiting."""
        self.pauses += 1

    def plant(self, task: str = "", **tables: pa.Table) -> None:
        """Write what AWS would write for an export."""
        plant(self.place, task or self.name, self.tables | tables)

    def snapshot(self, instance: str | None = None) -> None:
        """Take a snapshot without this program, as somebody else would."""
        of = instance or self.settings.export_instance
        self.client.create_db_snapshot(DBSnapshotIdentifier=self.name, DBInstanceIdentifier=of)

    def instance(self, name: str) -> None:
        """Make moto know an RDS instance."""
        self.client.create_db_instance(
            DBInstanceIdentifier=name, DBInstanceClass="db.t4g.micro", Engine="mariadb", EngineVersion="11.4.4",
            AllocatedStorage=20, MasterUsername="admin", MasterUserPassword="secret-enough",
        )  # fmt: skip

    def snapshots(self) -> list[str]:
        """The names of the snapshots that somebody took."""
        found = self.client.describe_db_snapshots(
            DBInstanceIdentifier=self.settings.export_instance, SnapshotType="manual"
        )["DBSnapshots"]
        return [snapshot["DBSnapshotIdentifier"] for snapshot in found]

    def untouched(self) -> bool:
        """Whether the lake's current run is the one before, whole, and the only one."""
        marts = all(runs.read_mart(self.lake, self.before, mart).equals(self.tables[mart]) for mart in schema.marts())
        return runs.current_run(self.lake) == self.before and marts


def bench(front: Front, moto: S3Server, warehouse_url: str, directory: Path, name: str) -> Bench:
    """Set it up; ``name`` is part of every name."""
    bucket = moto.create_bucket(f"bank-{name}")
    settings = load_settings(
        warehouse_url=f"mysql+pymysql://reader:secret@127.0.0.1:1/{DATABASE}", lake_uri=f"{bucket}/lake",
        s3_endpoint_url=front.url, var_dir=directory / "var", export_instance=f"db-{name}",
        export_role_arn="arn:aws:iam::123456789012:role/export", export_kms_key="alias/bank",
        export_uri=f"{bucket}/exports",
    )  # fmt: skip
    lake = open_lake(settings)
    with open_warehouse(warehouse_url) as warehouse:
        origin = read_origin(warehouse)
        before = export(warehouse, lake, origin, engine="mysql")
    tables = {mart: runs.read_mart(lake, before, mart) for mart in schema.marts()} | {"origin": origin_table(origin)}
    place = S3Lake(bucket.removeprefix("s3://"), "exports", front.url)
    client = boto3.session.Session().client("rds", endpoint_url=front.url)
    made = Bench(f"nightly-{name}", client, front, settings, lake, place, tables, before)
    made.instance(f"db-{name}")
    front.asked.clear()
    return made
