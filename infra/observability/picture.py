"""Draws the dashboard of dashboard.json with what a running `payoff serve` does, for the documents.

A real Prometheus (Debian: prometheus) reads /metrics for a while; each panel's own queries are then asked of it and
drawn with matplotlib where the dashboard has the panel. So the figures are those that Grafana would show; the looks
are not.

    python infra/observability/picture.py http://127.0.0.1:8000 --seconds 120

Something else has to use the server meanwhile, for there to be something to see. Where PAYOFF_METRICS_TOKEN is set, the
server's token is taken from it.
"""

import argparse
import json
import os
import re
import shutil
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import matplotlib

matplotlib.use("agg")
from matplotlib import pyplot
from matplotlib.axes import Axes
from matplotlib.dates import ConciseDateFormatter
from matplotlib.ticker import FuncFormatter

HERE = Path(__file__).parent
PICTURE = HERE.parents[1] / "docs" / "images" / "dashboard-operations.png"
SCRAPE_SECONDS = 1
#: What Grafana would put for $__rate_interval is four scrapes at least; a few more even the curves out.
RATE = "10s"
_COLUMNS = 24
_ROW_INCHES = 0.36

Series = tuple[str, list[float], list[float]]


def main() -> None:
    """Watch, ask, draw."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("address", help="of a running `payoff serve`")
    asked.add_argument("--seconds", type=int, default=120, help="to watch")
    asked.add_argument("--picture", type=Path, default=PICTURE)
    given = asked.parse_args()
    dashboard = json.loads((HERE / "dashboard.json").read_text(encoding="utf-8"))
    with tempfile.TemporaryDirectory() as folder, prometheus(Path(folder), given.address) as ask:
        began = time.time()
        time.sleep(given.seconds)
        found = [(panel, series_of(panel, ask, began, time.time())) for panel in dashboard["panels"]]
    draw(dashboard["title"], found, given.picture)
    print(f"{given.picture}: {sum(bool(series) for _, series in found)} of {len(found)} panels have something to show")


@contextmanager
def prometheus(folder: Path, address: str) -> Iterator[Callable[..., Any]]:
    """A Prometheus that reads ``address``; what asks its API."""
    if not (program := shutil.which("prometheus")):
        raise SystemExit("Prometheus is not installed (Debian: apt-get install prometheus)")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    # JSON is YAML.
    (folder / "prometheus.yaml").write_text(json.dumps(configuration(address)), encoding="utf-8")
    places = [f"--config.file={folder}/prometheus.yaml", f"--storage.tsdb.path={folder}/data"]
    command = [program, *places, f"--web.listen-address=127.0.0.1:{port}", "--log.level=warn"]

    def ask(path: str, **parameters: object) -> Any:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}?{urlencode(parameters)}", timeout=30) as answer:
            return json.load(answer)["data"]["result"]

    with subprocess.Popen(command) as server:
        try:
            wait_for(ask)
            yield ask
        finally:
            server.terminate()


def configuration(address: str) -> dict[str, Any]:
    """Like prometheus.yaml, but quicker."""
    job: dict[str, Any] = {"job_name": "payoff", "static_configs": [{"targets": [urlsplit(address).netloc]}]}
    if token := os.environ.get("PAYOFF_METRICS_TOKEN"):
        job["authorization"] = {"credentials": token}
    return {"global": {"scrape_interval": f"{SCRAPE_SECONDS}s"}, "scrape_configs": [job]}


def wait_for(ask: Callable[..., Any]) -> None:
    """Until Prometheus answers."""
    for _ in range(300):
        try:
            ask("/api/v1/query", query="vector(1)")
            return
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.1)
    raise SystemExit("Prometheus does not answer")


def series_of(panel: dict[str, Any], ask: Callable[..., Any], began: float, ended: float) -> list[Series]:
    """What the panel's queries give: names, seconds since the epoch, values."""
    found = []
    for target in panel["targets"]:
        query = target["expr"].replace("$__rate_interval", RATE)
        for each in ask("/api/v1/query_range", query=query, start=began, end=ended, step=SCRAPE_SECONDS):
            name = re.sub(r"{{(\w+)}}", lambda label, of=each["metric"]: of.get(label[1], ""), target["legendFormat"])
            moments, values = zip(*each["values"], strict=True)
            found.append((name, [float(moment) for moment in moments], [float(value) for value in values]))
    return found


def draw(title: str, found: list[tuple[dict[str, Any], list[Series]]], picture: Path) -> None:
    """Every panel where the dashboard has it."""
    rows = max(panel["gridPos"]["y"] + panel["gridPos"]["h"] for panel, _ in found)
    pyplot.rcParams.update({"font.size": 8, "axes.spines.top": False, "axes.spines.right": False})
    figure = pyplot.figure(figsize=(15, rows * _ROW_INCHES), layout="constrained")
    grid = figure.add_gridspec(rows, _COLUMNS)
    for panel, series in found:
        at = panel["gridPos"]
        axes = figure.add_subplot(grid[at["y"] : at["y"] + at["h"], at["x"] : at["x"] + at["w"]])
        axes.set_title(panel["title"], loc="left", fontweight="bold")
        (write_names if panel["type"] == "stat" else draw_lines)(axes, panel, series)
    figure.suptitle(f"{title}, drawn from its own queries of a Prometheus", x=0.005, ha="left", fontsize=10)
    figure.savefig(picture, dpi=90)


def write_names(axes: Axes, _: dict[str, Any], series: list[Series]) -> None:
    """Series that say all by their names."""
    axes.axis("off")
    axes.text(0, 0.95, "\n\n".join(name for name, _, _ in series), va="top", fontsize=9)


def draw_lines(axes: Axes, panel: dict[str, Any], series: list[Series]) -> None:
    """A line for each series, from zero on."""
    defaults = panel["fieldConfig"]["defaults"]
    for name, moments, values in series:
        axes.plot([datetime.fromtimestamp(moment, UTC) for moment in moments], values, label=name, linewidth=1.2)
    for step in defaults.get("thresholds", {}).get("steps", [])[1:]:
        axes.axhline(step["value"], color=step["color"], linestyle="--", linewidth=0.8)
    axes.set_ylim(bottom=defaults.get("min"))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: worded(value, defaults["unit"])))
    axes.grid(alpha=0.3)
    if series:
        axes.xaxis.set_major_formatter(ConciseDateFormatter(axes.xaxis.get_major_locator(), show_offset=False))
        axes.legend(loc="upper left", bbox_to_anchor=(0, -0.12), ncols=4, columnspacing=1, frameon=False, fontsize=7)
    else:
        axes.set_xticks([])
        axes.text(0.5, 0.5, "No data", transform=axes.transAxes, ha="center", color="gray")


def worded(value: float, unit: str) -> str:
    """A value in the unit of a panel."""
    match unit:
        case "s":
            return f"{value * 1000:,.4g} ms" if value < 1 else f"{value:,.3g} s"
        case "decbytes":
            return f"{value / 1e6:,.4g} MB"
        case "percentunit":
            return f"{value * 100:,.3g} %"
        case "reqps" | "ops":
            return f"{value:,.4g}/s"
    return f"{value:,.4g}"


if __name__ == "__main__":
    main()
