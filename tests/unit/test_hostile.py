"""Every hostile attempt gets the answer that docs/security.md promises."""

from pathlib import Path

import pytest
from attempts.area import Attempt
from attempts.world import World, staffed
from hostile import ATTEMPTS, table
from web import app_with

ROOT = Path(__file__).resolve().parents[2]

pytestmark = pytest.mark.usefixtures("quick_passwords")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return staffed(app_with(tmp_path_factory.mktemp("hostile")))


@pytest.mark.parametrize("attempt", [each for each in ATTEMPTS if not each.on_the_wire], ids=lambda each: each.sent)
def test_a_hostile_attempt_is_answered_as_the_document_says(world: World, attempt: Attempt) -> None:
    assert attempt.run(world) == attempt.answer


def test_the_document_shows_this_very_table() -> None:
    assert f"\n{table()}\n" in (ROOT / "docs/security.md").read_text("utf-8"), (
        "put in what python tests/hostile.py prints"
    )


def test_every_attempt_is_told_apart() -> None:
    assert len({each.sent for each in ATTEMPTS}) == len(ATTEMPTS)
