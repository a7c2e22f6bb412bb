"""Export by snapshot: an instance that is available, a key that can be used, and how the last one went."""

from collections.abc import Iterator
from typing import Any

from etl.export.rds import Exports, Task
from etl.export.snapshot import EXPORT_SETTINGS, place
from payoff import aws
from payoff.doctor.finding import Finding
from payoff.errors import ExportError
from payoff.settings import Settings


def look(settings: Settings) -> Iterator[Finding]:
    """Nothing where no such export is set up."""
    if not any(getattr(settings, name) for name in EXPORT_SETTINGS):
        return
    where, client = place(settings), aws.client("rds")
    yield _instance(client, where.instance)
    yield _key(where.kms_key)
    yield from _last(Exports(where, client))


def _instance(client: Any, name: str) -> Finding:
    with aws.worded(ExportError, f"look at the database instance {name}"):
        (found,) = client.describe_db_instances(DBInstanceIdentifier=name)["DBInstances"]
    state = found["DBInstanceStatus"]
    if state == "available":
        return Finding("good", f"the instance {name} is available for snapshots")
    return Finding("doubtful", f"the instance {name} is {state}", "Wait until it is available, or start it.")


def _key(name: str) -> Finding:
    with aws.worded(ExportError, f"look at the key {name}"):
        found = aws.client("kms").describe_key(KeyId=name)["KeyMetadata"]
    if found["KeyState"] == "Enabled":
        return Finding("good", f"the key {name} can encrypt exports")
    advice = "Enable it (`aws kms enable-key`), or set PAYOFF_EXPORT_KMS_KEY to another."
    return Finding("bad", f"the key {name} is {found['KeyState']}", advice)


def _last(exports: Exports) -> Iterator[Finding]:
    snapshot = exports.newest()
    if snapshot is None:
        return
    again = f"`payoff etl export --via snapshot --snapshot {snapshot.name}`"
    if snapshot.status == "failed":
        advice = "`aws rds describe-events --source-type db-snapshot` has AWS's reasons; export under another name."
        yield Finding("doubtful", f"the snapshot {snapshot.name} failed at {snapshot.percent or 0} %", advice)
    elif (tasks := exports.attempts(snapshot.name)) and tasks[-1].over:
        yield Finding("doubtful", _stopped(tasks[-1]), f"Mend that, and begin it anew: {again}.")
    else:
        yield Finding("good", f"the snapshot {snapshot.name} is {snapshot.status}; {again} goes on with it")


def _stopped(task: Task) -> str:
    why = f": {task.cause}" if task.cause else ""
    return f"the export {task.name} ended {task.status} at {task.percent or 0} %{why}"
