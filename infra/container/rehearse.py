"""Builds the image, runs it as it should be run in the cloud, and tells what came of it; ``make container`` calls it.

It needs podman, mmdebstrap and root, a lake with a trained model (``payoff run --no-serve`` makes one), and for the
Lambda function MariaDB's server. Everything that it starts listens on this machine only, and is gone afterwards.
"""

import logging
import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click
from building import IMAGE, ROOT, CannotRehearse, base_of, build, podman
from running import Container, Memory, running, task
from visiting import Visitor

if TYPE_CHECKING:
    from lambda_events import Browser

sys.path.append(str(ROOT / "tests"))
NAME = "payoff-rehearsal"
STARTS = 3
MOST_BYTES = 900_000_000
MOST_SECONDS = 10
NOBODY = {
    "Uid": "10001 10001 10001 10001", "Gid": "10001 10001 10001 10001", "NoNewPrivs": "1", "Seccomp": "2",
    **dict.fromkeys(("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"), "0" * 16),
}  # fmt: skip
#: How long somebody takes to send the second half of a form.
_HESITATION_SECONDS = 3


def say(what: str, found: str) -> None:
    """One line of the report."""
    print(f"{what:<10} {found}", flush=True)


def demand(held: bool, promise: str) -> None:
    """End a part where a promise is broken.

    Raises
    ------
    CannotRehearse
        It is.
    """
    if not held:
        raise CannotRehearse(f"a promise was broken: {promise}")


@contextmanager
def site(lake: Path) -> Iterator[tuple[Container, Visitor]]:
    """The web app in a container with the models of ``lake``."""
    from servers import free_port

    port = free_port()
    mounted = [f"--volume={lake}:/lake:ro"]
    with running(NAME, ["serve"], mounted, PAYOFF_PORT=str(port), PAYOFF_HOST="127.0.0.1") as container:
        try:
            yield container, Visitor(port)
        except CannotRehearse as error:
            raise CannotRehearse(f"{error}\nThe container said:\n{container.logs()}") from error


def built(release: str) -> None:
    """The image, made anew."""
    say("build", f"{build(release):.0f} s, on the packages of Debian {release}")


def size(release: str) -> None:
    """How large the image is, and what of it was there before."""
    whole, base = (int(podman("image", "inspect", "--format", "{{.Size}}", name)) for name in (IMAGE, base_of(release)))
    say("size", f"{whole / 1e6:.0f} MB uncompressed, {base / 1e6:.0f} MB of them the base with Python")
    demand(whole < MOST_BYTES, f"the image has less than {MOST_BYTES / 1e6:.0f} MB")


def starts(lake: Path) -> None:
    """How long it takes from `podman run` to a site that can predict."""
    seconds, computed = [], []
    for _ in range(STARTS):
        with site(lake) as (container, visitor):
            seconds.append(visitor.wait("/readyz", container.started))
            computed.append(container.computed())
    say("start", f"/readyz says 200 after {', '.join(f'{each:.1f}' for each in seconds)} s, of which it computed "
                 f"{', '.join(f'{each:.1f}' for each in computed)} s of a core")  # fmt: skip
    demand(max(seconds) < MOST_SECONDS, f"it starts in less than {MOST_SECONDS} s")


def visit(lake: Path) -> None:
    """Rights, a prediction through the form, memory, and the end while a request is under way."""
    from web import ANSWERS

    with site(lake) as (container, visitor):
        visitor.wait("/readyz", container.started)
        rights, writable = container.rights(), container.writable()
        say("rights", f"uid {rights['Uid'].split()[0]}, capabilities {rights['CapEff']} of {rights['CapBnd']}, "
                      f"no new privileges, filter on; writable: {', '.join(writable)}")  # fmt: skip
        demand(rights == NOBODY, f"nothing may do anything; found {rights}")
        demand(writable == ["tmp"], "the root file system is read-only")
        demand(container.healthy(), "its own check is content")
        before = container.memory()
        asked = time.monotonic()
        status, page = visitor.predict(ANSWERS)
        say("form", f"{status}, {headline(page)!r}, in {time.monotonic() - asked:.2f} s")
        demand(status == 200, "the form is answered")
        for _ in range(20):
            visitor.predict(ANSWERS)
        say("memory", f"{told(before)}; after 21 predictions {told(container.memory())}")
        drain(container, visitor)


def drain(container: Container, visitor: Visitor) -> None:
    """SIGTERM, while half of a form is sent: it is answered, and nobody else any more."""
    from web import ANSWERS

    slow = visitor.predict_slowly(ANSWERS)
    time.sleep(1)
    container.signal("TERM")
    asked = time.monotonic()
    time.sleep(_HESITATION_SECONDS - 1)
    others = visitor.get("/healthz", seconds=1)[0]
    status, page = slow.finish()
    answered = time.monotonic() - asked
    ended, over = container.end(), time.monotonic() - asked
    say("drain", f"SIGTERM with half of a form sent; the rest {_HESITATION_SECONDS} s later: answered with {status}, "
                 f"{headline(page)!r}, {answered:.1f} s after the signal; newcomers: {others or 'no answer'}; ended "
                 f"with {ended} after {over:.1f} s")  # fmt: skip
    demand((status, others, ended) == (200, 0, 0), "whoever is being served is answered before the end")


def tasks(lake: Path) -> None:
    """The other commands in the same image: the ETL, a training, and one that is stopped."""
    with tempfile.TemporaryDirectory() as folder:
        own = Path(shutil.copytree(lake, Path(folder, "lake")))
        for path in (own, *own.rglob("*")):
            path.chmod(0o777 if path.is_dir() else 0o666)
        mounted = [f"--volume={own}:/lake", f"--volume={ROOT / 'tests' / 'data' / 'tiny_bank'}:/bank:ro"]
        started = time.monotonic()
        trained = task(["model", "train", "--preset", "fast", "--no-promote"], mounted)
        say("train", f"{lines(trained)[0]}; {time.monotonic() - started:.1f} s in all")
        with running(NAME, ["model", "train"], [mounted[0]]) as container:
            time.sleep(5)
            container.signal("TERM")
            asked = time.monotonic()
            ended, over = container.end(), time.monotonic() - asked
        say("stop", f"SIGTERM to a training: ended with {ended} after {over:.1f} s")
        demand((ended, over < 5) == (128 + signal.SIGTERM, True), "a task hears signals")
        started = time.monotonic()
        say("etl", f"{' | '.join(lines(task(['etl', '--source', '/bank'], mounted)))}; "
                   f"{time.monotonic() - started:.1f} s in all")  # fmt: skip


def function(lake: Path) -> None:
    """The image as a Lambda function, its lake in an S3 and its tables in a MariaDB of this machine."""
    from lambda_events import SENDERS, Browser
    from lambda_runtime import running_runtime
    from servers import running_mariadb, running_moto
    from web import ANSWERS

    logging.getLogger("werkzeug").setLevel(logging.WARNING)  # moto tells of each request otherwise
    with tempfile.TemporaryDirectory() as folder, running_mariadb(Path(folder)) as database, running_moto() as s3:
        uri = s3.create_bucket("lake")
        with s3.client() as client:
            for path in filter(Path.is_file, lake.rglob("*")):
                client.put_object(Bucket="lake", Key=path.relative_to(lake).as_posix(), Body=path.read_bytes())
        with running_runtime() as runtime, running(
            NAME, ["lambda"], ["--user=993:990"],
            AWS_LAMBDA_RUNTIME_API=runtime.address, AWS_DEFAULT_REGION="us-east-1", AWS_ACCESS_KEY_ID=s3.access_key,
            AWS_SECRET_ACCESS_KEY=s3.secret_key, PAYOFF_S3_ENDPOINT_URL=s3.endpoint_url, PAYOFF_LAKE_URI=uri,
            PAYOFF_DATABASE_URL=database.create_database("payoff"), PAYOFF_SECRET_KEY="k" * 40,
        ) as container:  # fmt: skip
            runtime.wait(60)
            ready = time.monotonic() - container.started
            browser = Browser(runtime.invoke, SENDERS["function URL"])
            seconds = [timed(lambda: by_form(browser, ANSWERS)) for _ in range(5)]
            say("lambda", f"asks for events after {ready:.1f} s; a form, from page to answer, in {seconds[0]:.2f} s, "
                          f"later in {min(seconds[1:]):.2f} to {max(seconds[1:]):.2f} s; {told(container.memory())}; "
                          f"writable: {', '.join(container.writable())}")  # fmt: skip


def by_form(browser: "Browser", answers: dict[str, object]) -> None:
    """Fill the form through Lambda's events."""
    found = browser.predict(answers)
    demand(found.status == 200, f"the form is answered through Lambda; found {found.status}")


def timed(doing: Callable[[], None]) -> float:
    """Seconds that it takes."""
    started = time.monotonic()
    doing()
    return time.monotonic() - started


def told(memory: Memory) -> str:
    """Memory in words."""
    return (
        f"{memory.processes} processes, {memory.resident / 1e6:.0f} MB resident, {memory.proportional / 1e6:.0f} MB "
        "with shared pages counted once"
    )


def headline(page: str) -> str:
    """The title of an answer."""
    return " ".join(page.partition("<h1")[2].partition(">")[2].partition("</h1>")[0].split())


def lines(printed: str) -> list[str]:
    """Its lines, each with single blanks."""
    return [" ".join(line.split()) for line in printed.splitlines() if line.strip()]


@click.command(context_settings={"show_default": True})
@click.option(
    "--lake", type=click.Path(path_type=Path, exists=True), default=ROOT / "var" / "lake", help="With a trained model."
)
@click.option("--release", default="bookworm", help="The Debian of the bases.")
@click.option("--build/--no-build", "build_first", default=True, help="Build, or try the image that there is.")
@click.option("--only", type=click.Choice(["size", "starts", "visit", "tasks", "function"]), help="One part of it.")
def main(lake: Path, release: str, build_first: bool, only: str | None) -> None:
    """Build the container image on this machine and try it."""
    say("with", f"{podman('--version')}, {len(os.sched_getaffinity(0))} cores, load {os.getloadavg()[0]:.1f}")
    parts = {"size": partial(size, release)}
    parts |= {part.__name__: partial(part, lake.resolve()) for part in (starts, visit, tasks, function)}
    if build_first:
        parts = {"build": partial(built, release), **parts}
    broken = False
    for name, part in parts.items():
        if only in {None, name}:
            try:
                part()
            except CannotRehearse as error:
                broken = True
                say(name, f"FAILED: {error}")
    sys.exit(broken)


if __name__ == "__main__":
    main()
