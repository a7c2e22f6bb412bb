"""Everything on S3, from the bank's tables to a prediction, by the commands that a person types."""

import json

from bank import answers_of_loans

from payoff import runs
from payoff.lake import open_lake
from payoff.model import versions
from payoff.registry import champion
from payoff.settings import load_settings


def test_the_whole_pipeline_runs_against_s3(run, s3, archive_cache, real_lake, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "var").mkdir()
    (tmp_path / "var" / "cache").symlink_to(archive_cache)
    monkeypatch.setenv("PAYOFF_LAKE_URI", s3.uri)
    monkeypatch.setenv("PAYOFF_S3_ENDPOINT_URL", s3.endpoint_url)
    for command in (["etl"], ["features", "build", "--set", "form"], ["model", "train", "--preset", "fast"]):
        status, _, err = run(*command)
        assert status == 0, err
    lake = open_lake(load_settings())
    here, there = (runs.manifest(each, runs.current_run(each))["marts"] for each in (lake, real_lake))
    assert {mart: of["rows"] for mart, of in here.items()} == {mart: of["rows"] for mart, of in there.items()}
    sums = [[part["sha256"] for of in marts.values() for part in of["parts"]] for marts in (here, there)]
    assert sums[0] == sums[1]
    assert [champion(lake)] == versions(lake)
    (tmp_path / "loans.json").write_text(json.dumps(answers_of_loans(lake)[:3]))
    status, out, err = run("predict", "loans.json")
    assert status == 0, err
    told = [json.loads(line) for line in out.splitlines()]
    assert [each["row"] for each in told] == [1, 2, 3]
    assert all(0 < each["payoff_probability"] < 1 and each["model_version"] == champion(lake) for each in told)
