"""RDS: its snapshots and their exports, as far as an export of the marts needs them.

An export task of AWS keeps its name for good, so what is tried again of the same snapshot is called NAME-2, NAME-3.
"""

from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from payoff import aws
from payoff.errors import ExportError

#: Marks the snapshots that are ours, and so may be deleted.
TAG = "payoff:export"

_MISSING = {"DBSnapshotNotFound", "DBSnapshotNotFoundFault", "ExportTaskNotFound", "ExportTaskNotFoundFault"}


@dataclass(frozen=True)
class Place:
    """What is exported, where to, and who writes it there.

    Attributes
    ----------
    instance : str
        The RDS instance.
    database : str
        Its database that holds the marts.
    bucket, prefix : str
        Where AWS writes to; it adds the name of the task.
    role_arn, kms_key : str
        Who writes, and the key it encrypts with, which AWS demands.
    tables : tuple of str
        What is exported of the database.
    """

    instance: str
    database: str
    bucket: str
    prefix: str
    role_arn: str
    kms_key: str
    tables: tuple[str, ...]


@dataclass(frozen=True)
class Snapshot:
    """A snapshot as AWS describes it now; ``ours`` if this program made it."""

    name: str
    arn: str
    instance: str
    status: str
    percent: int | None
    ours: bool


@dataclass(frozen=True)
class Task:
    """An export as AWS describes it now. ``status`` is in capitals, STARTING to COMPLETE, FAILED or CANCELED."""

    name: str
    status: str
    percent: int | None
    cause: str
    warning: str
    bucket: str
    prefix: str
    taken_at: str

    @property
    def over(self) -> bool:
        """Whether it failed or was cancelled, and can only be begun anew."""
        return self.status in {"FAILED", "CANCELED", "CANCELLED"}


class Exports:
    """The snapshots and exports of one place."""

    def __init__(self, place: Place, client: Any) -> None:
        self.place = place
        self._client = client

    def snapshot(self, name: str) -> Snapshot | None:
        """The snapshot of that name, if there is one.

        Raises
        ------
        ExportError
            It is of another instance, or AWS refused to tell.
        """
        with aws.worded(ExportError, f"look for the snapshot {name}"):
            try:
                found = self._client.describe_db_snapshots(DBSnapshotIdentifier=name)["DBSnapshots"]
            except ClientError as error:
                if aws.code(error) in _MISSING:
                    return None
                raise
        snapshot = _snapshot(found[0]) if found else None
        if snapshot and snapshot.instance != self.place.instance:
            raise ExportError(
                f"the snapshot {name} is of the instance {snapshot.instance}, PAYOFF_EXPORT_INSTANCE says "
                f"{self.place.instance}. Name a snapshot of that one, or a new one."
            )
        return snapshot

    def newest(self) -> Snapshot | None:
        """The newest snapshot that this program made of the instance; what was exported well leaves none."""
        with aws.worded(ExportError, f"list the snapshots of {self.place.instance}"):
            pages = self._client.get_paginator("describe_db_snapshots").paginate(
                DBInstanceIdentifier=self.place.instance, SnapshotType="manual"
            )
            found = [each for page in pages for each in page["DBSnapshots"] if _snapshot(each).ours]
        # One that is being taken has no time yet.
        newest = max(found, key=lambda each: str(each.get("SnapshotCreateTime", "now")), default=None)
        return _snapshot(newest) if newest else None

    def take(self, name: str) -> Snapshot:
        """Begin a snapshot, marked as ours."""
        with aws.worded(ExportError, f"take the snapshot {name} of {self.place.instance}"):
            answer = self._client.create_db_snapshot(
                DBSnapshotIdentifier=name,
                DBInstanceIdentifier=self.place.instance,
                Tags=[{"Key": TAG, "Value": self.place.database}],
            )
        return _snapshot(answer["DBSnapshot"])

    def delete(self, snapshot: Snapshot) -> None:
        """Delete a snapshot of ours.

        Raises
        ------
        ExportError
            It is not ours, or AWS refused.
        """
        if not snapshot.ours:
            raise ExportError(f"the snapshot {snapshot.name} lacks the tag {TAG}: somebody else made it, so it stays")
        with aws.worded(ExportError, f"delete the snapshot {snapshot.name}"):
            self._client.delete_db_snapshot(DBSnapshotIdentifier=snapshot.name)

    def task(self, name: str) -> Task | None:
        """The export of that name, if there is one."""
        with aws.worded(ExportError, f"look for the export {name}"):
            try:
                found = self._client.describe_export_tasks(ExportTaskIdentifier=name)["ExportTasks"]
            except ClientError as error:
                if aws.code(error) in _MISSING:
                    return None
                raise
        return _task(found[0]) if found else None

    def attempts(self, name: str) -> list[Task]:
        """The exports that were begun of the snapshot ``name``, oldest first."""
        found: list[Task] = []
        while task := self.task(attempt(name, len(found))):
            found.append(task)
        return found

    def start(self, snapshot: Snapshot, number: int) -> Task:
        """Begin the export ``number``, from 0, of a snapshot that is available."""
        place, name = self.place, attempt(snapshot.name, number)
        prefix = {"S3Prefix": place.prefix} if place.prefix else {}
        with aws.worded(ExportError, f"start the export {name} of the snapshot {snapshot.name}"):
            answer = self._client.start_export_task(
                ExportTaskIdentifier=name,
                SourceArn=snapshot.arn,
                S3BucketName=place.bucket,
                IamRoleArn=place.role_arn,
                KmsKeyId=place.kms_key,
                ExportOnly=[f"{place.database}.{table}" for table in place.tables],
                **prefix,
            )
        return _task(answer)

    def cancel(self, task: Task) -> None:
        """Ask AWS to end an export that is under way."""
        with aws.worded(ExportError, f"cancel the export {task.name}"):
            self._client.cancel_export_task(ExportTaskIdentifier=task.name)


def attempt(name: str, number: int) -> str:
    """The name of the export ``number``, from 0, of a snapshot; an automatic one, ``rds:…``, has a colon too many."""
    plain = name.removeprefix("rds:")
    return f"{plain}-{number + 1}" if number else plain


def _snapshot(found: dict[str, Any]) -> Snapshot:
    tags = {tag["Key"] for tag in found.get("TagList", [])}
    return Snapshot(
        name=found["DBSnapshotIdentifier"],
        arn=found["DBSnapshotArn"],
        instance=found["DBInstanceIdentifier"],
        status=found["Status"].lower(),
        percent=found.get("PercentProgress"),
        ours=TAG in tags,
    )


def _task(found: dict[str, Any]) -> Task:
    taken_at = found.get("SnapshotTime")
    return Task(
        name=found["ExportTaskIdentifier"],
        status=found["Status"].upper(),
        percent=found.get("PercentProgress"),
        cause=found.get("FailureCause") or "",
        warning=found.get("WarningMessage") or "",
        bucket=found["S3Bucket"],
        prefix=(found.get("S3Prefix") or "").strip("/"),
        taken_at=taken_at.isoformat() if taken_at else "",
    )
