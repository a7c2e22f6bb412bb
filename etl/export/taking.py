"""From a name to a complete export: what AWS has of that name is taken over, what it lacks is begun and waited for."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from etl.export.rds import Exports, Snapshot, Task
from payoff.errors import ExportError

#: Called at the end of each stage with its name and what it did.
Report = Callable[[str, str], None]
#: Called while AWS works: what is waited for, and how much of it is done, in percent, where AWS says so.
Watch = Callable[[str, int | None], None]

_PAUSE_SECONDS = 15.0
# By a word of the reason that AWS gives.
_ADVICE = {
    "kms": "Check that the key of PAYOFF_EXPORT_KMS_KEY is enabled and lets PAYOFF_EXPORT_ROLE_ARN use it.",
    "iam role": "Check PAYOFF_EXPORT_ROLE_ARN; infra/ has the policy that the role needs.",
    "s3 bucket": "Check PAYOFF_EXPORT_URI: the bucket must exist, in the region of the database.",
}

_Found = TypeVar("_Found", Snapshot, Task)


@dataclass(frozen=True)
class Patience:
    """How one waits: who is told, and what waits so many seconds."""

    watch: Watch
    pause: Callable[[float], None]


def exported(exports: Exports, name: str, report: Report, patience: Patience) -> Task:
    """A complete export of the snapshot ``name``.

    Raises
    ------
    ExportError
        AWS refused something, or the snapshot or the export failed or was cancelled; with AWS's reason.
    """
    tasks = exports.attempts(name)
    if tasks and not tasks[-1].over:
        task = tasks[-1]
        report("taken over", f"export {task.name}, {task.status}")
    else:
        if tasks:
            report("failed", f"export {tasks[-1].name}, {tasks[-1].status} {tasks[-1].cause}".rstrip())
        snapshot = _available(exports, name, report, patience)
        task = exports.start(snapshot, len(tasks))
        report("begun", f"export {task.name} of {len(exports.place.tables)} tables → s3://{task.bucket}/{task.prefix}")
    task = _wait(lambda: exports.task(task.name), f"export {task.name}", _task_done, patience)
    report("exported", f"{task.name}{f', with a warning: {task.warning}' if task.warning else ''}")
    return task


def _available(exports: Exports, name: str, report: Report, patience: Patience) -> Snapshot:
    if found := exports.snapshot(name):
        report("taken over", f"snapshot {name}, {found.status}")
    else:
        exports.take(name)
        report("begun", f"snapshot {name} of {exports.place.instance}")
    return _wait(lambda: exports.snapshot(name), f"snapshot {name}", _snapshot_done, patience)


def _wait(look: Callable[[], _Found | None], what: str, done: Callable[[_Found], bool], patience: Patience) -> _Found:
    while True:
        found = look()
        if found is None:
            raise ExportError(f"the {what} is gone: somebody deleted it. Begin another under a new name.")
        if done(found):
            return found
        patience.watch(f"{what}: {found.status.lower()}", found.percent)
        patience.pause(_PAUSE_SECONDS)


def _snapshot_done(found: Snapshot) -> bool:
    if found.status not in {"creating", "pending", "copying", "available"}:
        raise ExportError(
            f"the snapshot {found.name} is {found.status} at {found.percent or 0} %. `aws rds describe-events "
            f"--source-type db-snapshot --source-identifier {found.name}` has AWS's reasons. Begin another under a new "
            "name, and delete this one."
        )
    return found.status == "available"


def _task_done(found: Task) -> bool:
    if found.over or found.status == "CANCELING":
        why = f": {found.cause}" if found.cause else ", without a reason"
        advice = [text for word, text in _ADVICE.items() if word in found.cause.lower()]
        raise ExportError(
            " ".join([f"AWS ended the export {found.name} as {found.status} at {found.percent or 0} %{why}.", *advice])
        )
    return found.status == "COMPLETE"
