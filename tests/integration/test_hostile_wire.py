"""Hostile attempts that only a real server meets: what is wrong lies in the request's own bytes."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from attempts.area import Attempt
from attempts.world import World, staffed
from hostile import ATTEMPTS
from web import settings

from webapp import create_app

ROOT = Path(__file__).resolve().parents[2]
START = "from payoff.settings import load_settings; from webapp.server import serve; serve(load_settings())"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """The server in processes of its own, over the tables of an app of ours."""
    made = settings(tmp_path_factory.mktemp("wire"))
    app = create_app(made)
    own = {f"PAYOFF_{name.upper()}": str(value) for name, value in made.model_dump(exclude_none=True).items()}
    with subprocess.Popen(
        [sys.executable, "-c", START],
        cwd=ROOT, env=os.environ | own | {"PAYOFF_PORT": "0"}, stdout=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        assert process.stdout
        yield staffed(app, process.stdout.readline().split()[3])
        process.send_signal(signal.SIGTERM)
        assert process.wait(40) == 0


@pytest.mark.parametrize("attempt", [each for each in ATTEMPTS if each.on_the_wire], ids=lambda each: each.sent)
def test_a_hostile_attempt_on_the_wire_is_answered_as_the_document_says(world: World, attempt: Attempt) -> None:
    assert attempt.run(world) == attempt.answer
    assert world.wire(b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n") == "200"


def test_a_neighbour_cannot_say_that_it_came_by_https(world: World) -> None:
    from urllib.request import Request, urlopen

    with urlopen(Request(f"{world.address}/healthz", headers={"X-Forwarded-Proto": "https"}), timeout=30) as answer:
        assert "Strict-Transport-Security" not in answer.headers
