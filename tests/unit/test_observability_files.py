"""Dashboard, alerts, documents and the figures that there are agree."""

import json
import re
from typing import Any

import pytest
import yaml
from web import settings

from payoff.settings import ROOT
from webapp import create_app
from webapp.observing.together import everything

FOLDER = ROOT / "infra" / "observability"
DASHBOARD = json.loads((FOLDER / "dashboard.json").read_text(encoding="utf-8"))
RULES = [
    rule for group in yaml.safe_load((FOLDER / "alerts.yaml").read_text("utf-8"))["groups"] for rule in group["rules"]
]
PAGE = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
#: What a counter or a histogram becomes when it is written.
SUFFIXES = {"counter": ("_total",), "histogram": ("_bucket", "_sum", "_count"), "gauge": ("",)}

FAMILIES = {family.name: family.type for family in everything().collect()}
SERIES = {name + suffix for name, kind in FAMILIES.items() for suffix in SUFFIXES[kind]}
LABELS = {
    "le", "instance", "job", "pid", "role", "method", "endpoint", "status", "stage", "source", "reason", "hit",
    "feature_set", "of", "version",
}  # fmt: skip


def queries() -> dict[str, str]:
    """Every query of the dashboard and the alerts, by where it stands."""
    panels = {
        f"{panel['title']} {target['refId']}": target["expr"]
        for panel in DASHBOARD["panels"]
        for target in panel["targets"]
    }
    return panels | {rule["alert"]: rule["expr"] for rule in RULES}


QUERIES = queries()


@pytest.mark.parametrize("where", QUERIES)
def test_a_query_asks_for_figures_that_there_are(where: str) -> None:
    asked = set(re.findall(r"\bpayoff_\w+", QUERIES[where]))
    assert asked | set(re.findall(r"\bup\b", QUERIES[where]))
    assert asked <= SERIES


@pytest.mark.parametrize("where", QUERIES)
def test_a_query_is_whole(where: str) -> None:
    text = re.sub(r'"[^"]*"', "", QUERIES[where])
    assert '"' not in text
    for opening, closing in ("()", "[]", "{}"):
        assert text.count(opening) == text.count(closing)
    grouped = re.findall(r"\b(?:by|on) \(([\w, ]*)\)", text) + re.findall(r"{([^}]*)}", text)
    assert {name for each in grouped for name in re.findall(r"[a-z_]+", each)} <= LABELS
    # A rate of what can fall, or a counter without a rate, says nothing.
    rated = set(re.findall(r"rate\((\w+)", text))
    assert all(name.endswith(("_total", "_bucket", "_sum", "_count")) for name in rated)
    assert {name for name in re.findall(r"payoff_\w+", text) if name not in rated} <= set(FAMILIES)


def test_every_figure_is_documented_and_none_that_there_is_not() -> None:
    rows = re.findall(r"^\| `(payoff_\w+)` \|", PAGE, flags=re.MULTILINE)
    assert set(rows) == {name + ("_total" if kind == "counter" else "") for name, kind in FAMILIES.items()}
    assert len(rows) == len(set(rows))


def test_every_alert_is_documented_and_says_what_to_look_at() -> None:
    assert re.findall(r"^\| `(Payoff\w+)` \|", PAGE, flags=re.MULTILINE) == [rule["alert"] for rule in RULES]
    for rule in RULES:
        assert re.fullmatch(r"\d+[mh]", rule["for"])
        assert set(rule["annotations"]) == {"summary", "description"}
        assert rule["labels"]["severity"] in {"page", "ticket"}


def test_every_alert_is_tried() -> None:
    tried = (FOLDER / "alerts_test.yaml").read_text(encoding="utf-8")
    for rule in RULES:
        assert tried.count(rule["alert"]) >= 2, rule["alert"]


def test_every_figure_is_on_the_dashboard_or_raises_an_alert() -> None:
    asked = " ".join(QUERIES.values())
    unseen = {name for name in FAMILIES if name not in asked}
    assert unseen == {
        "payoff_drift_timestamp_seconds", "payoff_model_loaded_timestamp_seconds",
        "payoff_process_resident_memory_bytes",
    }  # fmt: skip


def test_the_panels_overlap_nowhere_and_fill_the_width() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in DASHBOARD["panels"]:
        at = panel["gridPos"]
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert not cells & taken, panel["title"]
        taken |= cells
    assert {x for x, _ in taken} == set(range(24))


def test_the_dashboard_is_of_no_prometheus_in_particular() -> None:
    (variable,) = DASHBOARD["templating"]["list"]
    assert (variable["type"], variable["query"]) == ("datasource", "prometheus")
    sources = [each["datasource"]["uid"] for panel in DASHBOARD["panels"] for each in (panel, *panel["targets"])]
    assert set(sources) == {f"${{{variable['name']}}}"}
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])


def endpoints() -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for where, query in QUERIES.items():
        found += [(where, pattern) for pattern in re.findall(r'endpoint=~"([^"]+)"', query)]
    return found


def test_the_pages_that_queries_name_are_there(tmp_path: Any) -> None:
    known = {rule.endpoint for rule in create_app(settings(tmp_path)).url_map.iter_rules()}
    assert endpoints()
    for where, pattern in endpoints():
        for each in pattern.split("|"):
            assert any(re.fullmatch(each, name) for name in known), (where, each)


def test_prometheus_is_told_where_the_figures_are_and_how_to_be_let_in() -> None:
    told = yaml.safe_load((FOLDER / "prometheus.yaml").read_text(encoding="utf-8"))
    (job,) = told["scrape_configs"]
    assert job["job_name"] == "payoff"
    assert "credentials_file" in job["authorization"]
    assert [(FOLDER / name).is_file() for name in told["rule_files"]] == [True]
