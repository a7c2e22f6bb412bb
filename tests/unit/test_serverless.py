"""What a Lambda function needs before it may answer anybody, and the command that it runs."""

import builtins
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from click.testing import CliRunner
from web import Served, StandIn

from payoff.cli import cli
from payoff.errors import SettingsError
from payoff.settings import Settings
from webapp import serverless

FIT = {
    "database_url": "mysql+pymysql://payoff:secret@db.example/payoff",
    "lake_uri": "s3://bucket/lake",
    "secret_key": "k" * 40,
}


def settings(**others: Any) -> Settings:
    return Settings(_env_file=None, **(FIT | others))


def test_settings_that_keep_everything_elsewhere_will_do() -> None:
    assert serverless.unfit(settings()) == []


@pytest.mark.parametrize(
    ("setting", "value", "advice"),
    [
        ("database_url", "sqlite:////tmp/payoff.sqlite", "does not: set PAYOFF_DATABASE_URL to a MariaDB"),
        ("secret_key", None, "set PAYOFF_SECRET_KEY"),
        ("secret_key", "", "set PAYOFF_SECRET_KEY"),
        ("lake_uri", "/lake", "no machine has the directory /lake: set PAYOFF_LAKE_URI"),
        ("lake_uri", "file:///lake", "set PAYOFF_LAKE_URI to s3://BUCKET/PREFIX"),
    ],
)  # fmt: skip
def test_what_would_be_lost_with_the_machine_is_refused_before_anything_is_made(
    setting: str, value: str | None, advice: str
) -> None:
    with pytest.raises(SettingsError, match=advice) as refused:
        serverless.create_handler(settings(**{setting: value}), models=Served(StandIn()))
    assert "secret@" not in str(refused.value)


def test_everything_that_is_missing_is_said_at_once() -> None:
    problems = serverless.unfit(Settings(_env_file=None))
    assert len(problems) == 3


def test_the_command_elsewhere_says_what_to_use_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_LAMBDA_RUNTIME_API", raising=False)
    found = CliRunner().invoke(cli, ["lambda"])
    assert isinstance(found.exception, SettingsError)
    assert str(found.exception) == "'AWS_LAMBDA_RUNTIME_API' is not set, so this is not AWS Lambda. Use `payoff serve`."


def test_without_the_runtime_client_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith("awslambdaric")]:
        monkeypatch.delitem(sys.modules, name)
    imported = builtins.__import__

    def missing(name: str, *others: Any) -> ModuleType:
        if name.startswith("awslambdaric"):
            raise ImportError(f"No module named {name!r}")
        return imported(name, *others)

    monkeypatch.setattr(builtins, "__import__", missing)
    with pytest.raises(SettingsError, match=r"Install payoff\[lambda\]"):
        serverless.run()


def test_nothing_is_made_until_somebody_asks(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    made: list[Settings] = []

    def create(found: Settings) -> Any:
        made.append(found)
        return lambda event, context: {"statusCode": 200, "event": event}

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(serverless, "create_handler", create)
    serverless.prepared.cache_clear()
    try:
        assert made == []
        assert serverless.handler({"a": 1}, None) == {"statusCode": 200, "event": {"a": 1}}
        assert serverless.handler({}, None)["statusCode"] == 200
        assert len(made) == 1
    finally:
        serverless.prepared.cache_clear()
