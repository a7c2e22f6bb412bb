"""Two writers at once: a pointer is never lost, and the loser is told, on a directory and on S3.

moto looks and writes in two steps, so a true race on it proves nothing: there, the second writer comes in exactly
between the first one's look and its write. SeaweedFS and the directory are raced by processes.
"""

import json
import subprocess
import sys

import pytest
from published import publish

from payoff import runs
from payoff.errors import LakeError, ModelError
from payoff.lake import DirectoryLake, open_lake, read_json, update_json, write_json
from payoff.registry import challenge, challengers, champion, history, promote, rollback
from payoff.settings import load_settings

COUNTS = """
import sys
from payoff.lake import open_lake, update_json
from payoff.settings import load_settings
lake = open_lake(load_settings())
print("ready", flush=True)
sys.stdin.readline()
for _ in range(int(sys.argv[2])):
    update_json(lake, "count.json", lambda found: (found or {}) | {sys.argv[1]: (found or {}).get(sys.argv[1], 0) + 1})
"""


@pytest.fixture(params=["directory", "moto", "seaweed"])
def lake(request, tmp_path, monkeypatch):
    """A lake of each kind, which the environment names too."""
    endpoint = None
    uri = str(tmp_path / "lake")
    if request.param != "directory":
        server = request.getfixturevalue(f"{request.param}_s3")
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", server.access_key)
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", server.secret_key)
        monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        monkeypatch.setenv("PAYOFF_S3_ENDPOINT_URL", endpoint := server.endpoint_url)
        uri = server.create_bucket(f"races-{abs(hash(str(tmp_path)))}")
    monkeypatch.setenv("PAYOFF_LAKE_URI", uri)
    return open_lake(load_settings(lake_uri=uri, s3_endpoint_url=endpoint))


def test_a_swap_wants_what_was_seen(lake):
    assert lake.tagged("pointer") is None
    assert lake.swap("pointer", b"1", None)
    assert not lake.swap("pointer", b"2", None)
    data, tag = lake.tagged("pointer")
    assert data == b"1"
    assert lake.swap("pointer", b"2", tag)
    assert not lake.swap("pointer", b"3", tag)
    lake.delete("pointer")
    assert not lake.swap("pointer", b"3", tag)
    assert lake.keys("") == []


def test_a_swap_that_is_repeated_because_its_answer_was_lost_is_no_race_on_s3(lake):
    assert lake.swap("pointer", b"1", None)
    assert lake.swap("pointer", b"1", None) is not isinstance(lake, DirectoryLake)


@pytest.mark.parametrize("lake", ["directory", "seaweed"], indirect=True)
def test_no_change_of_two_processes_is_lost(lake):
    times = 25
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", COUNTS, name, str(times)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for name in ("one", "other")
    ]
    for writer in writers:
        assert writer.stdout.readline() == "ready\n"
    for writer in writers:
        writer.stdin.write("go\n")
        writer.stdin.flush()
    for writer in writers:
        writer.communicate()
        assert writer.returncode == 0
    assert read_json(lake, "count.json") == {"one": times, "other": times}


class Interrupted:
    """A lake in which somebody else writes just before each of the first swaps."""

    def __init__(self, inner, *writes):
        self.inner, self.writes = inner, list(writes)

    def swap(self, key, data, seen):
        if self.writes:
            self.writes.pop(0)(self.inner)
        return self.inner.swap(key, data, seen)

    def __getattr__(self, name):
        return getattr(self.inner, name)


def test_a_change_that_was_outrun_is_made_again_upon_what_the_other_left(lake):
    outrun = Interrupted(lake, lambda other: write_json(other, "x.json", {"theirs": 1}))
    update_json(outrun, "x.json", lambda found: (found or {}) | {"ours": 1})
    assert read_json(lake, "x.json") == {"ours": 1, "theirs": 1}


def test_who_is_outrun_each_time_gives_up_with_a_word(tmp_path, monkeypatch):
    monkeypatch.setattr("payoff.lake.time.sleep", lambda seconds: None)
    writes = [lambda other, n=n: write_json(other, "x.json", {"theirs": n}) for n in range(100)]
    with pytest.raises(LakeError, match="changed by others 20 times"):
        update_json(Interrupted(DirectoryLake(tmp_path), *writes), "x.json", lambda found: (found or {}) | {"ours": 1})


def test_a_run_that_began_earlier_does_not_replace_one_that_was_published_meanwhile(lake):
    earlier, later = runs.begin(lake), runs.begin(lake)
    runs.publish(lake, later, {"which": "later"})
    with pytest.raises(LakeError, match=rf"run {later.run}, which began after this one.*payoff etl export"):
        runs.publish(lake, earlier, {"which": "earlier"})
    assert runs.current_run(lake) == later.run
    assert runs.manifest(lake, earlier.run) == {"which": "earlier"}


def test_a_run_that_began_later_replaces_the_earlier_one_even_if_that_came_in_between(lake):
    earlier, later = runs.begin(lake), runs.begin(lake)
    runs.publish(Interrupted(lake, lambda other: runs.publish(other, earlier, {})), later, {})
    assert runs.current_run(lake) == later.run


def test_a_run_of_a_clock_gone_wrong_blocks_nobody(lake):
    runs.publish(lake, runs.Begun("2999-01-01T00-00-00.000000", None), {})
    begun = runs.begin(lake)
    runs.publish(lake, begun, {})
    assert runs.current_run(lake) == begun.run


def copied(lake, directory, *versions: str) -> None:
    """Put invented versions into a lake of any kind."""
    made = DirectoryLake(directory / "made" / "lake")
    (directory / "made").mkdir()
    for version in versions:
        publish(made, version)
    for key in made.keys("models/"):
        lake.write(key, made.read(key))


@pytest.mark.parametrize("lake", ["directory", "seaweed"], indirect=True)
def test_a_promotion_that_was_outrun_is_refused_and_leaves_no_record(lake, tmp_path):
    copied(lake, tmp_path, "one", "two", "three")
    promote(lake, "one")
    outrun = Interrupted(lake, lambda other: promote(other, "two"))
    with pytest.raises(ModelError, match="changed from one to two while three was judged"):
        promote(outrun, "three")
    assert champion(lake) == "two"
    assert [change.version for change in history(lake)] == ["one", "two"]
    with pytest.raises(ModelError, match="changed from two to three while one was judged"):
        rollback(Interrupted(lake, lambda other: promote(other, "three")))
    assert champion(lake) == "three"


def test_a_challenger_of_another_set_that_came_in_between_is_kept(lake, tmp_path):
    copied(lake, tmp_path, "one")
    lake.write("models/challenger.json", json.dumps({"full": "before"}).encode())
    challenge(Interrupted(lake, lambda other: write_json(other, "models/challenger.json", {"full": "theirs"})), "one")
    assert challengers(lake) == {"full": "theirs", "form": "one"}
