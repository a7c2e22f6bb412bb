"""How long a Lambda function takes from its start to its first answers, part by part.

Puts the promoted model of the lake (`payoff run --no-serve` makes one) into moto's S3, and starts a fresh process for
each run, with its tables in a private MariaDB. Writes benchmarks/cold_start.md.
"""

import json
import logging
import os
import platform
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

import click
from measuring import ROOT, Spread, here, private_mariadb, versions
from peers.common import peak_bytes

PAGE = Path(__file__).with_suffix(".md")
#: Milliseconds that are added to each request to S3, which otherwise answers from the same machine.
DELAYS = (0, 30)
PARTS = {
    "python": "starting Python",
    "imports": "importing the app",
    "app": "app, tables looked at",
    "autogluon": "importing AutoGluon",
    "fetch": "fetching the model from S3",
    "load": "loading the model",
    "rest": "finding the champion, trying the model",
    "ready": "**ready for events**",
    "page": "first event: the form",
    "first": "second event: the first prediction, stored",
    "later": "a later prediction, middle of ten",
}

Parts = dict[str, float]


@contextmanager
def timed(parts: Parts, name: str) -> Iterator[None]:
    """Add to a part what the block takes, in seconds."""
    started = time.perf_counter()
    yield
    parts[name] = parts.get(name, 0) + time.perf_counter() - started


def stood_in(parts: Parts, name: str, owner: Any, attribute: str) -> None:
    """Have a function add what it takes to a part."""
    function: Callable[..., Any] = getattr(owner, attribute)

    def measured(*args: Any, **kwargs: Any) -> Any:
        with timed(parts, name):
            return function(*args, **kwargs)

    setattr(owner, attribute, measured)


def measure(started: float, delay_ms: int) -> dict[str, Any]:
    """Start the function in this process, which was begun at ``started`` (seconds of the epoch), and ask it."""
    parts: Parts = {"python": time.time() - started}
    with timed(parts, "imports"):
        from payoff import model
        from payoff.settings import load_settings
        from webapp import serverless
    requests = delayed(delay_ms)
    stood_in(parts, "app", serverless, "create_app")
    stood_in(parts, "fetch", model, "_fetch")
    load = model.load_directory

    def after_import(*args: Any) -> Any:
        with timed(parts, "autogluon"):
            import_module("autogluon.tabular")
        with timed(parts, "load"):
            return load(*args)

    model.load_directory = after_import
    begun = time.perf_counter()
    handler = serverless.create_handler(load_settings())
    parts["rest"] = time.perf_counter() - begun - sum(parts[name] for name in ("app", "fetch", "autogluon", "load"))
    parts["ready"] = time.time() - started
    return {"parts": parts | asked(handler), "requests": len(requests), "peak": peak_bytes("self")}


def delayed(delay_ms: int) -> list[str]:
    """Have each request to S3 wait, and be listed."""
    from botocore.httpsession import URLLib3Session

    listed: list[str] = []
    send = URLLib3Session.send

    def waiting(session: Any, request: Any) -> Any:
        listed.append(request.url)
        time.sleep(delay_ms / 1000)
        return send(session, request)

    URLLib3Session.send = waiting
    return listed


def asked(handler: Callable[..., dict[str, Any]]) -> Parts:
    """What the form and predictions take."""
    sys.path.append(str(ROOT / "tests"))
    from lambda_events import SENDERS, Browser
    from web import ANSWERS

    parts: Parts = {}
    browser, later = Browser(handler, SENDERS["function URL"]), []
    with timed(parts, "page"):
        page = browser.get("/")
    token = re.search(r'name="csrf_token" value="([^"]+)"', page.text)
    sent = ANSWERS | {"csrf_token": token[1] if token else ""}
    for _ in range(11):
        begun = time.perf_counter()
        answer = browser.post("/", sent, referrer=f"https://{browser.host}/")
        later.append(time.perf_counter() - begun)
        if answer.status != 200:
            raise SystemExit(f"the form was answered with {answer.status}")
    return parts | {"first": later[0], "later": Spread.of(later[1:]).middle}


def runs(count: int, delay_ms: int) -> list[dict[str, Any]]:
    """So many starts, each in a process and with a cache of its own, against fresh servers."""
    from payoff.lake import open_lake
    from payoff.registry import CHAMPION, champion
    from payoff.settings import load_settings

    sys.path.append(str(ROOT / "tests"))
    from servers import running_moto

    logging.getLogger("werkzeug").setLevel(logging.WARNING)  # moto tells of each request otherwise
    lake, found = open_lake(load_settings()), []
    with ExitStack() as stack:
        url, _ = stack.enter_context(private_mariadb(Path(stack.enter_context(tempfile.TemporaryDirectory()))))
        s3 = stack.enter_context(running_moto())
        own = {
            "PAYOFF_DATABASE_URL": url, "PAYOFF_LAKE_URI": s3.create_bucket("lake"), "PAYOFF_SECRET_KEY": "k" * 40,
            "PAYOFF_S3_ENDPOINT_URL": s3.endpoint_url, "AWS_ACCESS_KEY_ID": s3.access_key,
            "AWS_SECRET_ACCESS_KEY": s3.secret_key, "AWS_DEFAULT_REGION": "us-east-1",
        }  # fmt: skip
        with s3.client() as client:
            for key in (CHAMPION, *lake.keys(f"models/{champion(lake)}/")):
                client.put_object(Bucket="lake", Key=key, Body=lake.read(key))
        # The first one makes the tables, and is not counted.
        for _ in range(count + 1):
            with tempfile.TemporaryDirectory() as var:
                command = [sys.executable, __file__, "--one", f"{time.time()} {delay_ms}"]
                done = subprocess.run(
                    command, env=here(**own, PAYOFF_VAR_DIR=var), stdout=subprocess.PIPE, text=True, check=True
                )
            found.append(json.loads(done.stdout.splitlines()[-1]))
            print(f"ready after {found[-1]['parts']['ready']:.2f} s", flush=True)
    return found[1:]


def page(found: dict[int, list[dict[str, Any]]], arguments: str, busy: float) -> str:
    """The page as Markdown."""
    heads = [f"{delay} ms added to each request to S3" for delay in found]
    lines = "\n".join(
        f"| {words} | {' | '.join(_told([run['parts'][name] for run in each]) for each in found.values())} |"
        for name, words in PARTS.items()
    )
    every = [run for each in found.values() for run in each]
    told = ", ".join(versions(sys.executable, ["autogluon.tabular", "apig-wsgi", "boto3", "flask", "moto"]))
    return f"""# How long a Lambda function takes to start

From the start of the process to the first answers, in seconds: the middle of {len(every) // len(found)} starts
(least–greatest), each a process of its own with an empty cache, so that every file of the model comes from S3. moto
stands in for S3 and a private MariaDB for RDS, both on this machine; the second column adds to each of the
{every[0]["requests"]} requests to S3 what one may take in a region. Made by
`python benchmarks/cold_start.py{arguments}`.

| | {" | ".join(heads)} |
|---|{"---|" * len(heads)}
{lines}

Up to *ready for events* it is what Lambda calls the initialisation, of which it allows 10 s before it starts anew;
bringing the image to the machine comes before that, and is not measured here. The process held
{Spread.of([run["peak"] / 1e6 for run in every]).greatest:.0f} MB at most.

Python {platform.python_version()}, {len(os.sched_getaffinity(0))} cores, load {busy:.1f} before the start; {told}.
"""


def _told(seconds: list[float]) -> str:
    spread = Spread.of(seconds)
    return f"{spread.middle:.2f} ({spread.least:.2f}–{spread.greatest:.2f})"


@click.command()
@click.option("--starts", default=5, show_default=True, type=click.IntRange(1, 100), help="Of each kind.")
@click.option("--one", hidden=True)
def main(starts: int, one: str | None) -> None:
    """Measure the start of the Lambda function, and write benchmarks/cold_start.md."""
    if one:
        started, delay = one.split()
        print(json.dumps(measure(float(started), int(delay))))
        return
    busy = os.getloadavg()[0]
    text = page({delay: runs(starts, delay) for delay in DELAYS}, f" --starts {starts}", busy)
    PAGE.write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
