"""Memory and computing time of the server's processes, read from /proc when somebody asks."""

import os
from collections.abc import Iterator
from pathlib import Path

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

_LABELS = ("pid", "role")
_TICKS = os.sysconf("SC_CLK_TCK")


class Processes(Collector):
    """The server's processes.

    Parameters
    ----------
    together : bool
        Whether this process is one of several workers of a master; otherwise it is all there is.
    """

    def __init__(self, together: bool) -> None:
        self._together = together

    def collect(self) -> Iterator[GaugeMetricFamily | CounterMetricFamily]:
        """Bytes and seconds of each."""
        resident = GaugeMetricFamily(
            "payoff_process_resident_memory_bytes", "Memory in use, shared pages counted for each.", labels=_LABELS
        )
        proportional = GaugeMetricFamily(
            "payoff_process_proportional_memory_bytes", "Memory in use, shared pages divided.", labels=_LABELS
        )
        seconds = CounterMetricFamily("payoff_process_cpu_seconds", "Computing time.", labels=_LABELS)
        for pid, role in self._processes():
            try:
                memory, computed = _memory(pid), _seconds(pid)
            except OSError:
                # It has ended, or this system has no /proc.
                continue
            resident.add_metric((str(pid), role), memory["Rss"])
            proportional.add_metric((str(pid), role), memory["Pss"])
            seconds.add_metric((str(pid), role), computed)
        yield from (resident, proportional, seconds)

    def _processes(self) -> Iterator[tuple[int, str]]:
        workers = [os.getpid()]
        if self._together:
            master = os.getppid()
            yield master, "master"
            workers = _children(master) or workers
        yield from ((pid, "worker") for pid in workers)


def _children(pid: int) -> list[int]:
    """The processes that the main thread of ``pid`` has started; none where the kernel does not tell."""
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii").split()]
    except OSError:
        return []


def _memory(pid: int) -> dict[str, float]:
    """Bytes by the kernel's names, ``Rss`` and ``Pss`` among them."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text("ascii").splitlines()[1:]
    return {name.rstrip(":"): float(kilobytes) * 1024 for name, kilobytes, _ in map(str.split, lines)}


def _seconds(pid: int) -> float:
    # The name before the parenthesis may hold blanks. Fields 14 and 15 of proc(5): in user and in system mode.
    fields = Path(f"/proc/{pid}/stat").read_text("utf-8", errors="replace").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS
