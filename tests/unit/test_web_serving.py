"""The model that serves: loaded once, followed when it changes, kept when its successor is broken."""

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from web import StandIn, metadata

from payoff.errors import ContractError, LakeError, ModelError, NoModel
from payoff.lake import DirectoryLake, Lake, write_json
from payoff.registry import CHAMPION
from webapp.serving import RECHECK_SECONDS, RETRY_SECONDS, LakeModels, ModelHolder


class Shelf:
    """Stands in for ``load_model``: counts, and fails for the versions it is told to."""

    def __init__(self) -> None:
        self.broken: dict[str, Exception] = {}
        self.models: dict[str, StandIn] = {}
        self.loaded: list[str] = []

    def __call__(self, lake: Lake, version: str, cache: Path) -> StandIn:
        self.loaded.append(version)
        if version in self.broken:
            raise self.broken[version]
        return self.models.get(version) or StandIn(metadata(version))


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def lake(tmp_path: Path) -> DirectoryLake:
    return DirectoryLake(tmp_path / "lake")


@pytest.fixture
def shelf() -> Shelf:
    return Shelf()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def holder(lake: DirectoryLake, shelf: Shelf, clock: Clock, tmp_path: Path) -> ModelHolder:
    return ModelHolder(lake, tmp_path / "cache", load=shelf, clock=clock, run=lambda look: look())


def crown(lake: Lake, version: str) -> None:
    write_json(lake, CHAMPION, {"form": version})


def test_without_a_champion_there_is_no_model_and_a_first_training_shows_at_once(
    holder: ModelHolder, lake: DirectoryLake
) -> None:
    with pytest.raises(NoModel):
        holder.current()
    crown(lake, "one")
    assert holder.current().metadata.version == "one"


def test_a_model_is_loaded_once(holder: ModelHolder, lake: DirectoryLake, shelf: Shelf, clock: Clock) -> None:
    crown(lake, "one")
    for _ in range(3):
        holder.current()
        clock.now += RECHECK_SECONDS
    assert shelf.loaded == ["one"]


def test_a_new_champion_is_picked_up_within_seconds(holder: ModelHolder, lake: DirectoryLake, clock: Clock) -> None:
    crown(lake, "one")
    holder.current()
    crown(lake, "two")
    assert holder.current().metadata.version == "one"
    clock.now += RECHECK_SECONDS
    holder.current()
    assert holder.current().metadata.version == "two"


@pytest.mark.parametrize("error", [ModelError("torn"), LakeError("torn")])
def test_a_broken_champion_leaves_the_one_before_serving(
    holder: ModelHolder,
    lake: DirectoryLake,
    shelf: Shelf,
    clock: Clock,
    caplog: pytest.LogCaptureFixture,
    error: Exception,
) -> None:
    crown(lake, "one")
    holder.current()
    crown(lake, "two")
    shelf.broken["two"] = error
    clock.now += RECHECK_SECONDS
    assert holder.current().metadata.version == "one"
    assert "one goes on serving: torn" in caplog.text
    assert holder.current().metadata.version == "one"
    assert shelf.loaded == ["one", "two"]
    shelf.broken.clear()
    clock.now += RETRY_SECONDS
    holder.current()
    assert holder.current().metadata.version == "two"


def test_a_champion_that_was_taken_away_leaves_its_model_serving(
    holder: ModelHolder, lake: DirectoryLake, clock: Clock, tmp_path: Path
) -> None:
    crown(lake, "one")
    holder.current()
    (tmp_path / "lake" / CHAMPION).unlink()
    clock.now += RECHECK_SECONDS
    assert holder.current().metadata.version == "one"


def test_a_broken_only_model_is_not_loaded_at_every_request(
    holder: ModelHolder, lake: DirectoryLake, shelf: Shelf, clock: Clock
) -> None:
    crown(lake, "one")
    shelf.broken["one"] = ModelError("torn")
    for _ in range(3):
        with pytest.raises(ModelError, match="torn"):
            holder.current()
    assert shelf.loaded == ["one"]
    shelf.broken.clear()
    clock.now += RETRY_SECONDS
    assert holder.current().metadata.version == "one"


class Unscoring(StandIn):
    def default_probabilities(self, features: pd.DataFrame) -> Any:
        raise ContractError("a feature is missing")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"features": ("loan_amount_czk", "owner_sex")}, "it needs owner_sex, which the set form lacks"),
        ({"spreads": {}}, "has no spread of"),
        ({"districts": ()}, "names no district"),
    ],
)
def test_a_model_that_cannot_answer_the_form_never_serves(
    holder: ModelHolder, lake: DirectoryLake, shelf: Shelf, change: dict[str, Any], reason: str
) -> None:
    crown(lake, "one")
    shelf.models["one"] = StandIn(metadata("one").model_copy(update=change))
    with pytest.raises(ModelError, match=reason):
        holder.current()


def test_a_model_that_cannot_score_a_loan_never_serves(holder: ModelHolder, lake: DirectoryLake, shelf: Shelf) -> None:
    crown(lake, "one")
    shelf.models["one"] = Unscoring(metadata("one"))
    with pytest.raises(ModelError, match="cannot score a loan"):
        holder.current()


def test_many_first_requests_load_one_model(holder: ModelHolder, lake: DirectoryLake, shelf: Shelf) -> None:
    crown(lake, "one")
    threads = [threading.Thread(target=holder.current) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert shelf.loaded == ["one"]


def test_no_request_waits_while_a_new_champion_loads(lake: DirectoryLake, clock: Clock, tmp_path: Path) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def slow(_: Lake, version: str, __: Path) -> StandIn:
        if version == "two":
            begun.set()
            assert go_on.wait(10)
        return StandIn(metadata(version))

    holder = ModelHolder(lake, tmp_path / "cache", load=slow, clock=clock)
    crown(lake, "one")
    holder.current()
    crown(lake, "two")
    clock.now += RECHECK_SECONDS
    assert holder.current().metadata.version == "one"
    assert begun.wait(10)
    clock.now += RETRY_SECONDS
    assert holder.current().metadata.version == "one"
    go_on.set()
    finish_looks()
    assert holder.current().metadata.version == "two"


def finish_looks() -> None:
    for thread in threading.enumerate():
        if thread.name == "look-for-model":
            thread.join(10)


def test_requests_that_come_together_look_for_a_new_champion_once(
    lake: DirectoryLake, shelf: Shelf, clock: Clock, tmp_path: Path
) -> None:
    looks: list[Callable[[], None]] = []
    holder = ModelHolder(lake, tmp_path / "cache", load=shelf, clock=clock, run=looks.append)
    crown(lake, "one")
    holder.current()
    clock.now += RECHECK_SECONDS
    for _ in range(3):
        holder.current()
    assert len(looks) == 1


def test_an_error_that_nobody_foresaw_leaves_the_model_serving_and_is_not_met_at_every_request(
    holder: ModelHolder, lake: DirectoryLake, shelf: Shelf, clock: Clock
) -> None:
    crown(lake, "one")
    holder.current()
    crown(lake, "two")
    shelf.broken["two"] = RuntimeError("a bug")
    clock.now += RECHECK_SECONDS
    with pytest.raises(RuntimeError):
        holder.current()
    assert holder.current().metadata.version == "one"
    shelf.broken.clear()
    clock.now += RETRY_SECONDS
    holder.current()
    assert holder.current().metadata.version == "two"


def test_a_challenger_that_was_promoted_is_gone_from_its_place(
    lake: DirectoryLake, shelf: Shelf, clock: Clock, tmp_path: Path
) -> None:
    challenged = ["one"]

    def pointer(_: Lake, __: str) -> str:
        if not challenged:
            raise NoModel("none")
        return challenged[0]

    holder = ModelHolder(lake, tmp_path, pointer=pointer, load=shelf, clock=clock, run=lambda look: look())
    assert holder.current().metadata.version == "one"
    challenged.clear()
    clock.now += RECHECK_SECONDS
    holder.current()
    with pytest.raises(NoModel):
        holder.current()
    challenged.append("two")
    assert holder.current().metadata.version == "two"


def test_models_that_were_loaded_before_are_not_loaded_again(lake: DirectoryLake, tmp_path: Path) -> None:
    crown(lake, "one")
    one = StandIn(metadata("one"))
    models = LakeModels(lake, tmp_path / "cache", {"one": one})
    assert models.loaded() == {}
    assert models.current() is one
    assert models.version("one") is one
    assert models.loaded() == {"one": one}
    with pytest.raises(ModelError, match="holds no model 'two'"):
        models.version("two")
