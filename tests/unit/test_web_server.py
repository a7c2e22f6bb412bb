"""The server: its socket, its address, its options."""

import os
import resource
import socket
import sys
import threading
from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace

import pytest
from web import Served, StandIn, settings

from payoff.errors import ModelError, SettingsError
from webapp import create_app, server
from webapp.serving import EXTENSION


def test_a_busy_port_names_the_setting(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(SettingsError, match="PAYOFF_PORT"):
        server.listen(settings(tmp_path, port=taken.getsockname()[1]))


@pytest.mark.parametrize("host", ["no such host", "192.0.2.1", "x" * 64 + ".example"])
def test_an_unusable_host_is_refused(tmp_path: Path, host: str) -> None:
    with pytest.raises(SettingsError, match="PAYOFF_HOST"):
        server.listen(settings(tmp_path, host=host, port=0))


def test_port_zero_takes_a_free_one(tmp_path: Path) -> None:
    with server.listen(settings(tmp_path, port=0)) as listener:
        assert listener.getsockname()[1] > 0


@pytest.mark.parametrize(
    ("host", "shown"),
    [
        ("127.0.0.1", "http://127.0.0.1:80"),
        ("0.0.0.0", "http://127.0.0.1:80"),
        ("::", "http://[::1]:80"),
        ("fe80::1", "http://[fe80::1]:80"),
        ("loans.example", "http://loans.example:80"),
    ],
)
def test_the_address_is_one_that_a_browser_can_open(host: str, shown: str) -> None:
    assert server._url(host, 80) == shown


def test_serving_takes_the_settings_and_announces_the_real_port(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    seen: list[server._Server] = []
    monkeypatch.setattr(server._Server, "run", lambda started: seen.append(started))
    server.serve(settings(tmp_path, port=0, workers=3))
    (started,) = seen
    assert (started.cfg.workers, started.cfg.threads, started.cfg.timeout) == (3, 32, 60)
    assert started.cfg.worker_connections > 1000
    assert not started.cfg.preload_app
    with ExitStack() as closing:
        listeners = [closing.enter_context(socket.socket(fileno=each)) for each in started.cfg.address]
        (port,) = {each.getsockname()[1] for each in listeners}
    assert len(listeners) == (3 if sys.platform == "linux" else 1)
    started.cfg.when_ready(None)
    assert f"Payoff is ready: http://127.0.0.1:{port} " in capsys.readouterr().out
    assert started.load().test_client().get("/healthz").status_code == 200


@pytest.mark.parametrize(("preloads", "asked"), [(True, [server._ANSWERED]), (False, [])])
def test_models_are_loaded_before_the_processes_part_where_that_is_safe(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, preloads: bool, asked: list[object]
) -> None:
    seen: list[object] = []
    monkeypatch.setattr(server._Server, "run", lambda _: None)
    monkeypatch.setattr(server, "warm_up", lambda _, feature_sets: seen.append(feature_sets))
    server.serve(settings(tmp_path, port=0), preloads=preloads)
    assert seen == asked


def test_every_process_makes_an_app_of_its_own_with_the_models_that_were_loaded(tmp_path: Path) -> None:
    one = StandIn()
    with server.listen(settings(tmp_path, port=0)) as listener:
        started = server._Server(settings(tmp_path), [listener], "", {"one": one})
        first, second = started.load(), started.load()
        os.close(*started.cfg.address)
    assert first is not second
    assert first.extensions[EXTENSION].version("one") is second.extensions[EXTENSION].version("one") is one


def test_a_process_may_hold_as_many_connections_as_the_system_allows_it_files(monkeypatch: pytest.MonkeyPatch) -> None:
    limits: list[tuple[int, int]] = []
    monkeypatch.setattr(resource, "setrlimit", lambda _, limit: limits.append(limit))
    for held, most in [((1024, 1_000_000), 4096), ((1024, resource.RLIM_INFINITY), 4096), ((1024, 2048), 1792)]:
        monkeypatch.setattr(resource, "getrlimit", lambda _, held=held: held)
        assert server._connections() == most
    assert limits == [(4352, 1_000_000), (4352, resource.RLIM_INFINITY), (2048, 2048)]


class Asked(Served):
    """Remembers which models were loaded."""

    def __init__(self, model: StandIn | Exception) -> None:
        super().__init__(model)
        self.loaded: list[tuple[str, str]] = []

    def current(self, feature_set: str = "form") -> StandIn:
        self.loaded.append(("champion", feature_set))
        return super().current(feature_set)

    def challenger(self, feature_set: str = "form") -> StandIn | None:
        self.loaded.append(("challenger", feature_set))
        return super().challenger(feature_set)


@pytest.mark.parametrize(
    ("model", "challenger", "loaded", "said"),
    [
        (StandIn(), "off", [("champion", "form"), ("champion", "full")], "no model of full"),
        (StandIn(), "split", [("champion", "form"), ("challenger", "form"), ("champion", "full")], "no model of full"),
        (ModelError("torn"), "off", [("champion", "form"), ("champion", "full")], "torn"),
    ],
)
def test_a_worker_loads_its_models_beside_its_own_loop(
    tmp_path: Path, model: StandIn | Exception, challenger: str, loaded: list[object], said: str,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    models = Asked(model)
    app = create_app(settings(tmp_path, challenger=challenger), models=models)
    server._warm_up(SimpleNamespace(wsgi=app))
    for thread in threading.enumerate():
        if thread.name == "load-model":
            thread.join(10)
    assert models.loaded == loaded
    assert said in caplog.text
