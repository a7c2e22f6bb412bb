"""How the commands start the server: in a process in which no library has threads of its own."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from payoff import cli, threads

ROOT = Path(__file__).resolve().parents[2]


def said(code: str) -> str:
    """What a fresh process prints, started without the variables of this one."""
    environment = {name: value for name, value in os.environ.items() if name not in threads._VARIABLES}
    command = [sys.executable, "-c", code]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True).stdout


def test_the_command_line_comes_before_every_library_that_could_start_threads() -> None:
    assert (
        said("import sys, payoff.cli; print({'numpy', 'sklearn', 'lightgbm', 'pyarrow'} & {*sys.modules})") == "set()\n"
    )


def test_every_library_computes_in_the_thread_that_calls_it() -> None:
    code = """
from payoff.threads import compute_alone
compute_alone()
import lightgbm, sklearn.ensemble, threadpoolctl
print({each['num_threads'] for each in threadpoolctl.threadpool_info()})
"""
    assert said(code) == "{1}\n"


def test_it_is_too_late_once_numpy_has_read_how_many_threads_it_may_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "numpy", sys)
    with pytest.raises(RuntimeError, match="imported already"):
        threads.compute_alone()


def test_serving_loads_models_before_the_processes_part(monkeypatch: pytest.MonkeyPatch) -> None:
    steps: list[Any] = []
    monkeypatch.setattr(cli, "compute_alone", lambda: steps.append("alone"))
    monkeypatch.setattr(cli, "use_one_heap", lambda: steps.append("one heap"))
    monkeypatch.setattr("webapp.server.serve", lambda settings, **how: steps.append((settings.port, how)))
    assert CliRunner().invoke(cli.cli, ["serve", "--port", "1234"]).exit_code == 0
    assert steps == ["alone", "one heap", (1234, {"preloads": True})]


def test_a_run_ends_as_a_server_that_begins_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    steps: list[Any] = []
    for stage in ("run_etl", "build_sets", "train_sets"):
        monkeypatch.setattr(cli, stage, lambda *_, stage=stage: steps.append(stage))
    monkeypatch.setattr(os, "execv", lambda program, words: steps.append((program, words)))
    assert CliRunner().invoke(cli.cli, ["run"]).exit_code == 0
    serve = [sys.executable, "-m", "payoff.cli", "serve"]
    assert steps == ["run_etl", "build_sets", "train_sets", (sys.executable, serve)]


def test_the_module_is_the_command() -> None:
    command = [sys.executable, "-m", "payoff.cli", "serve", "--help"]
    help_ = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert "--port" in help_
