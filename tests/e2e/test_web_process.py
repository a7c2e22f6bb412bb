"""The real server in processes of its own."""

import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
START = "from payoff.settings import load_settings; from webapp.server import serve; serve(load_settings())"


def get(address: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(address, timeout=30) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def test_the_server_announces_its_port_answers_and_stops_when_told(tmp_path: Path) -> None:
    own = {"PAYOFF_PORT": "0", "PAYOFF_VAR_DIR": str(tmp_path / "var"), "PAYOFF_LAKE_URI": str(tmp_path / "lake")}
    own["PAYOFF_DATABASE_URL"] = f"sqlite:///{tmp_path}/payoff.sqlite"
    with subprocess.Popen(
        [sys.executable, "-c", START], cwd=ROOT, env=os.environ | own, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        line = process.stdout.readline()
        try:
            assert line.startswith("Payoff is ready: http://127.0.0.1:")
            address = line.split()[3]
            assert get(f"{address}/healthz") == (200, '{"status":"ok"}\n')
            status, page = get(address)
            assert status == 503
            assert "payoff model train" in page
        finally:
            process.send_signal(signal.SIGTERM)
        assert process.wait(40) == 0
