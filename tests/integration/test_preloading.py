"""``payoff serve`` with a trained model: loaded once before the processes part, and followed when it changes."""

import re
from pathlib import Path
from typing import Any

import pytest
from served import publish_as, serving

from payoff.lake import DirectoryLake, write_json
from payoff.registry import CHAMPION


@pytest.fixture
def lake(tmp_path: Path) -> DirectoryLake:
    return DirectoryLake(tmp_path / "lake")


def kilobytes(process: int, kind: str) -> int:
    found = re.search(rf"^{kind}:\s+(\d+) kB", Path(f"/proc/{process}/smaps_rollup").read_text(), re.MULTILINE)
    assert found
    return int(found[1])


def test_processes_share_what_was_loaded_and_each_can_load_another_version(
    lake: DirectoryLake, trained: Any, real_lake: Any, tmp_path: Path
) -> None:
    publish_as(lake, trained, "one", real_lake)
    write_json(lake, CHAMPION, {"form": "one"})
    with serving(tmp_path, tmp_path / "lake") as served:
        # The first answer, not only a later one.
        assert served.ready() == (200, "one")
        status, first = served.predict()
        assert (status, first["model_version"]) == (200, "one")
        served.until(200, "one")
        assert len(served.workers()) == 2
        for worker in served.workers():
            assert kilobytes(worker, "Private_Dirty") < kilobytes(worker, "Rss") / 2
        publish_as(lake, trained, "two", real_lake)
        write_json(lake, CHAMPION, {"form": "two"})
        served.until(200, "two")
        status, second = served.predict()
        assert (status, second["model_version"]) == (200, "two")
        assert second["payoff_probability"] == first["payoff_probability"]


def test_a_server_without_a_model_that_it_can_load_starts_and_takes_the_first_one_there_is(
    lake: DirectoryLake, trained: Any, real_lake: Any, tmp_path: Path
) -> None:
    publish_as(lake, trained, "one", real_lake)
    with serving(tmp_path, tmp_path / "lake") as served:
        served.until(503, None)
        write_json(lake, CHAMPION, {"form": "one"})
        served.until(200, "one")
        assert served.predict()[0] == 200


def test_a_server_whose_only_model_is_damaged_starts_and_says_so(
    lake: DirectoryLake, trained: Any, real_lake: Any, tmp_path: Path
) -> None:
    publish_as(lake, trained, "one", real_lake)
    lake.write("models/one/background.parquet", b"torn")
    write_json(lake, CHAMPION, {"form": "one"})
    with serving(tmp_path, tmp_path / "lake") as served:
        served.until(503, None)
        assert served.ask("/healthz") == (200, {"status": "ok"})
    assert "incomplete or damaged" in served.log.read_text()
