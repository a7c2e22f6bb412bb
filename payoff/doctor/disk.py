"""Room on the disks that are written to."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from payoff.doctor.finding import Finding
from payoff.settings import Settings

#: A run of the whole pipeline on the bank's data takes 0.1 GB, and its temporary files as much; below the lower bound,
#: it fails before it ends.
_COMFORTABLE_BYTES, _LEAST_BYTES = 2_000_000_000, 500_000_000


def look(settings: Settings) -> Iterator[Finding]:
    """How much is free where caches and temporary files go."""
    for meaning, directory in (("PAYOFF_VAR_DIR", settings.var_dir), ("TMPDIR", Path(tempfile.gettempdir()))):
        free = shutil.disk_usage(_there(directory)).free
        found = f"{free / 1e9:.1f} GB are free in {directory}"
        advice = f"Make room there, or set {meaning} to a directory with more."
        if free < _LEAST_BYTES:
            yield Finding("bad", found, advice)
        elif free < _COMFORTABLE_BYTES:
            yield Finding("doubtful", found, advice)
        else:
            yield Finding("good", found)


def _there(directory: Path) -> Path:
    """The directory, or the nearest above it that exists already."""
    path = directory.resolve()
    return next(each for each in (path, *path.parents) if each.is_dir())
