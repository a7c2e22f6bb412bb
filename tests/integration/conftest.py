"""The program as a shell runs it, with a small bank or the real one in its environment."""

import sys
import uuid
from collections.abc import Callable, Iterator

import pandas as pd
import pytest
from aws_front import fronted
from exporting import Bench, bench

from payoff import cli, runs

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(monkeypatch, capsys) -> Run:
    """Run the program as a shell would: exit status, output, errors."""

    def program(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["payoff", *arguments])
        try:
            cli.main()
            status = 0
        except SystemExit as stop:
            status = int(stop.code or 0)
        captured = capsys.readouterr()
        return status, captured.out, captured.err

    return program


@pytest.fixture
def small(tiny_bank, tmp_path, monkeypatch):
    """The settings of a small bank, in the environment."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PAYOFF_SOURCE", str(tiny_bank))


@pytest.fixture
def real(real_settings, trained, monkeypatch, tmp_path):
    """The settings of the real bank with a model, in the environment."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PAYOFF_LAKE_URI", real_settings.lake_uri)
    monkeypatch.setenv("PAYOFF_WAREHOUSE_URL", real_settings.warehouse_url)
    return trained


@pytest.fixture
def aws(moto_s3, tiny_warehouse_url, monkeypatch, tmp_path) -> Iterator[Bench]:
    """An RDS instance, buckets and a lake with a current run, at an AWS that has bad days when told to."""
    with fronted(moto_s3) as front:
        monkeypatch.setenv("AWS_ENDPOINT_URL", front.url)
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", moto_s3.access_key)
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", moto_s3.secret_key)
        monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        yield bench(front, moto_s3, tiny_warehouse_url, tmp_path, uuid.uuid4().hex[:12])


@pytest.fixture
def loans(real_lake) -> pd.DataFrame:
    return runs.read_features(real_lake, runs.current_run(real_lake), "form").to_pandas()
