"""The image, built from bases that are made here: Debian's own packages instead of images of a registry."""

import re
import shlex
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
IMAGE = "localhost/payoff"
#: What the bases of the Dockerfile need, as Debian's packages. The second is used while building only.
BASES = {
    "PYTHON_IMAGE": ("python3", "python3-venv", "python-is-python3", "ca-certificates"),
    "NODE_IMAGE": ("nodejs", "npm", "ca-certificates"),
}
#: As in the images of Debian that are made for containers: no documentation, and a merged /usr from the start.
_SLIM = ("/usr/share/doc/*", "/usr/share/man/*", "/usr/share/locale/*")
_MERGED = "/usr/share/mmdebstrap/hooks/merged-usr"
#: Where the build finds the certificates that this machine trusts, and where Debian keeps them.
_CA = "/run/secrets/ca"
_TRUSTED = "/etc/ssl/certs/ca-certificates.crt"
#: What of pip's configuration says how packages are reached; files and folders of this machine mean nothing in a build.
_PIP = re.compile(
    r"^(?::env:|global|install)\.(index-url|extra-index-url|proxy|trusted-host|default-timeout|cert)='(.*)'$"
)
_ELSEWHERE = re.compile(r"^(?!file:)\S+$")


class CannotRehearse(Exception):
    """A program is missing, or a step failed; the message says which."""


def said(*command: str, seconds: float = 3600, both: bool = False) -> str:
    """What ``command`` prints; with ``both``, also what it prints as errors.

    Raises
    ------
    CannotRehearse
        It is not installed, fails, or takes longer than ``seconds``.
    """
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=seconds, cwd=ROOT)
    except FileNotFoundError as error:
        raise CannotRehearse(f"{command[0]} is not installed") from error
    except subprocess.TimeoutExpired as error:
        raise CannotRehearse(f"{shlex.join(command[:4])} … took longer than {seconds:.0f} s") from error
    if done.returncode:
        tail = "\n".join((done.stdout + done.stderr).splitlines()[-15:])
        raise CannotRehearse(f"{shlex.join(command[:4])} … ended with {done.returncode}:\n{tail}")
    return f"{done.stdout}{done.stderr}".strip() if both else done.stdout.strip()


def podman(*arguments: str, seconds: float = 3600, both: bool = False) -> str:
    """What a podman command prints."""
    return said("podman", *arguments, seconds=seconds, both=both)


def base_of(release: str, name: str = "PYTHON_IMAGE") -> str:
    """What the local image of a base is called."""
    return f"{IMAGE}-base-{name.split('_')[0].lower()}:{release}"


def make_base(name: str, release: str) -> str:
    """The local image of one base, made unless it is there; its name."""
    image = base_of(release, name)
    if image in podman("images", "--format", "{{.Repository}}:{{.Tag}}").split():
        return image
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        tar = f"{folder}/base.tar"
        said("mmdebstrap", *bootstrap(BASES[name]), release, tar)
        podman("import", tar, image)
    return image


def bootstrap(packages: Sequence[str]) -> list[str]:
    """The options of mmdebstrap for a small Debian with ``packages``."""
    return [
        "--variant=minbase",
        f"--hook-dir={_MERGED}",
        *(f"--dpkgopt=path-exclude={path}" for path in _SLIM),
        f"--include={','.join(('usr-is-merged', *packages))}",
        '--customize-hook=rm -rf "$1"/var/lib/apt/lists/*',
    ]


def build(release: str) -> float:
    """Build the image; how many seconds that took, without the bases."""
    bases = {name: make_base(name, release) for name in BASES}
    started = time.monotonic()
    with secrets() as options:
        given = [f"--build-arg={name}={image}" for name, image in bases.items()]
        podman(
            "build", "--format=docker", "--isolation=chroot", "--network=host", *given, *options, f"--tag={IMAGE}", "."
        )
    return time.monotonic() - started


@contextmanager
def secrets() -> Iterator[list[str]]:
    """Options that lend a build this machine's ways to packages: in no layer, and gone afterwards."""
    found = pip_settings(said("python3", "-m", "pip", "config", "list"))
    certificates = found.get("cert", _TRUSTED)
    with tempfile.TemporaryDirectory() as folder:
        pip, npm = Path(folder, "pip.conf"), Path(folder, "npmrc")
        pip.write_text(
            "\n".join(["[global]", *(f"{name} = {value}" for name, value in (found | {"cert": _CA}).items())])
        )
        npm.write_text(npm_configuration(Path.home() / ".npmrc"), encoding="utf-8")
        yield [f"--secret=id={name},src={path}" for name, path in (("pip", pip), ("npm", npm), ("ca", certificates))]


def pip_settings(listed: str) -> dict[str, str]:
    """What of ``pip config list`` a build needs as well."""
    found = {}
    for line in listed.splitlines():
        if kept := _PIP.match(line):
            value = " ".join(filter(_ELSEWHERE.match, kept[2].replace("\\n", " ").split()))
            found |= {kept[1]: value} if value else {}
    return found


def npm_configuration(own: Path) -> str:
    """The user's npmrc, with the certificates that the build is lent."""
    kept = own.read_text(encoding="utf-8").splitlines() if own.is_file() else []
    return "\n".join([*(line for line in kept if not line.startswith("cafile")), f"cafile={_CA}", ""])
