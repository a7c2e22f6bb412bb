"""Several processes that count as one: each into files of its own, which whoever is asked adds up."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from prometheus_client import CollectorRegistry, values
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

from webapp.observing.metrics import REGISTRY, SERVED
from webapp.observing.processes import Processes

#: Where prometheus_client looks for the directory of these files; other servers than ``payoff serve`` may set it.
VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
_IN_MEMORY = Path("/dev/shm")


@contextmanager
def counted_together() -> Iterator[None]:
    """Have the processes that part from this one in the block count as one; before anything was counted."""
    owner = os.getpid()
    directory = tempfile.mkdtemp(prefix="payoff-metrics-", dir=_memory())
    os.environ[VARIABLE] = directory
    alone, values.ValueClass = values.ValueClass, values.MultiProcessValue()
    try:
        yield
    finally:
        # Workers end by leaving this block, too.
        if os.getpid() == owner:
            shutil.rmtree(directory, ignore_errors=True)
            del os.environ[VARIABLE]
            values.ValueClass = alone


def _memory() -> Path | None:
    """A place that no log can fill: who counts into a file on a full disk is killed by the kernel."""
    return _IN_MEMORY if os.access(_IN_MEMORY, os.W_OK | os.X_OK) else None


def take_part() -> None:
    """Count in this process, too. The directory may be gone: some systems clear the memory of users who left."""
    if VARIABLE in os.environ:
        Path(os.environ[VARIABLE]).mkdir(mode=0o700, exist_ok=True)


def forget(pid: int) -> None:
    """A worker has ended: what it held is held no more; what it counted stays."""
    if VARIABLE in os.environ:
        mark_process_dead(pid)


def counted() -> CollectorRegistry:
    """What was counted, by all processes that count together."""
    if VARIABLE not in os.environ:
        return REGISTRY
    registry = CollectorRegistry()
    MultiProcessCollector(registry)
    return registry


def everything() -> CollectorRegistry:
    """What was counted, and what can be seen of the processes and the models that answer now."""
    registry = CollectorRegistry()
    for collector in (counted(), SERVED, Processes(VARIABLE in os.environ)):
        registry.register(collector)
    return registry
