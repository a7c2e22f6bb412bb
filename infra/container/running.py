"""Containers as they should be run anywhere: a read-only root, no rights, and a user that is nobody."""

import os
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from building import IMAGE, CannotRehearse, podman

#: Everything that is taken from the container. Limits are set, as not every place may raise those of podman.
HARDENED = (
    "--read-only",
    "--read-only-tmpfs=false",
    "--tmpfs=/tmp:rw,nosuid,nodev,size=512m",
    "--cap-drop=all",
    "--security-opt=no-new-privileges",
    "--ulimit=nofile=4096:4096",
    "--ulimit=nproc=1024:1024",
)
_PLACE = ("--cgroup-manager=cgroupfs",)


@dataclass(frozen=True)
class Memory:
    """Of all processes of a container, in bytes: resident, and with what they share counted once."""

    processes: int
    resident: int
    proportional: int


class Container:
    """One that runs in the background."""

    def __init__(
        self, name: str, command: Sequence[str], options: Sequence[str], environment: Mapping[str, str]
    ) -> None:
        self.name = name
        given = [f"--env={variable}={value}" for variable, value in environment.items()]
        run = ["run", "--detach", f"--name={name}", "--network=host", *HARDENED, *options, *given, IMAGE, *command]
        self.started = time.monotonic()
        podman(*_PLACE, *run)

    @property
    def pid(self) -> int:
        """The process that everything in the container comes from, as this machine numbers it."""
        return int(self.inspect("{{.State.Pid}}"))

    def inspect(self, what: str) -> str:
        """A figure of podman's about it."""
        return podman(*_PLACE, "inspect", "--format", what, self.name)

    def logs(self) -> str:
        """The end of what it has said."""
        return podman(*_PLACE, "logs", "--tail=30", self.name, both=True)

    def healthy(self) -> bool:
        """Whether its own check, run in it, is content."""
        try:
            podman(*_PLACE, "healthcheck", "run", self.name)
        except CannotRehearse:
            return False
        return True

    def signal(self, name: str) -> None:
        """Send a signal to its first process."""
        podman(*_PLACE, "kill", f"--signal={name}", self.name)

    def end(self, seconds: float = 60) -> int:
        """Wait until it is over; its exit status."""
        return int(podman(*_PLACE, "wait", self.name, seconds=seconds))

    def processes(self) -> list[int]:
        """The numbers of its processes."""
        found, new = [], [self.pid]
        while new:
            found += new
            new = [child for parent in new for child in _children(parent)]
        return found

    def memory(self) -> Memory:
        """What it holds now."""
        parts = [_rollup(process) for process in self.processes()]
        return Memory(len(parts), sum(part["Rss"] for part in parts), sum(part["Pss"] for part in parts))

    def computed(self) -> float:
        """Seconds of a core that its processes have taken, with those that are over."""
        fields = [Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split() for process in self.processes()]
        return sum(int(ticks) for each in fields for ticks in each[11:15]) / os.sysconf("SC_CLK_TCK")

    def rights(self) -> dict[str, str]:
        """What the kernel says that each process may, where all agree: user, capabilities, new privileges, filter."""
        told = [status(Path(f"/proc/{process}/status").read_text(encoding="ascii")) for process in self.processes()]
        if any(each != told[0] for each in told):
            raise CannotRehearse(f"the processes of {self.name} differ in what they may: {told}")
        return told[0]

    def writable(self) -> list[str]:
        """Which of some places of the file system can be written to, from outside and as root."""
        places = ("app", "opt/payoff", "opt/venv", "usr/local", "var/tmp", "tmp")
        return [place for place in places if _takes_a_file(Path(f"/proc/{self.pid}/root/{place}"))]


@contextmanager
def running(
    name: str, command: Sequence[str] = (), options: Sequence[str] = (), **environment: str
) -> Iterator[Container]:
    """A container that is removed at the end."""
    podman(*_PLACE, "rm", "--force", "--ignore", name)
    container = Container(name, command, options, environment)
    try:
        yield container
    finally:
        podman(*_PLACE, "rm", "--force", "--time=0", name)


def task(command: Sequence[str], options: Sequence[str] = (), **environment: str) -> str:
    """What a command prints that runs in a container to its end."""
    given = [f"--env={variable}={value}" for variable, value in environment.items()]
    return podman(*_PLACE, "run", "--rm", "--network=host", *HARDENED, *options, *given, IMAGE, *command)


def status(text: str) -> dict[str, str]:
    """Of a ``/proc/PID/status`` what concerns rights."""
    lines = dict(line.split(":", 1) for line in text.splitlines() if ":" in line)
    kept = ("Uid", "Gid", "CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb", "NoNewPrivs", "Seccomp")
    return {name: " ".join(lines[name].split()) for name in kept}


def _children(process: int) -> list[int]:
    found = Path(f"/proc/{process}/task").glob("*/children")
    return [int(child) for file in found for child in file.read_text(encoding="ascii").split()]


def _rollup(process: int) -> dict[str, int]:
    """Bytes by kind, of a process with all its mappings."""
    lines = Path(f"/proc/{process}/smaps_rollup").read_text(encoding="ascii").splitlines()[1:]
    return {line.split(":")[0]: int(line.split()[1]) * 1024 for line in lines}


def _takes_a_file(folder: Path) -> bool:
    try:
        handle = os.open(folder / "probe", os.O_CREAT | os.O_WRONLY)
    except OSError:
        return False
    os.close(handle)
    (folder / "probe").unlink()
    return True
