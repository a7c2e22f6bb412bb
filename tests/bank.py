"""Banks in a warehouse and a lake, as the tests need them."""

import json
from pathlib import Path
from typing import Any

import pyarrow as pa

from etl import pipeline
from features.build import build_features, to_arrow
from features.questions import QUESTIONS
from payoff import runs, schema
from payoff.lake import Lake, open_lake
from payoff.settings import Settings, load_settings

SEED = 20261121


def silent(stage: str, did: str) -> None:
    """A report that nobody reads."""


def settings_in(directory: Path, source: Path | str, **settings: object) -> Settings:
    """Settings whose warehouse, lake and caches lie in ``directory`` unless ``settings`` says otherwise."""
    here = {
        "source": str(source),
        "warehouse_url": f"duckdb:///{directory / 'warehouse.duckdb'}",
        "lake_uri": str(directory / "lake"),
        "var_dir": directory / "var",
    }
    return load_settings(**(here | settings))


def exported(settings: Settings) -> Lake:
    """The lake after the whole ETL."""
    pipeline.run_etl(settings, silent)
    return open_lake(settings)


def marts_of(lake: Lake) -> dict[str, pa.Table]:
    """Every mart of the current run."""
    run = runs.current_run(lake)
    return {mart: runs.read_mart(lake, run, mart) for mart in schema.marts()}


def feature_bytes(lake: Lake, set_name: str) -> bytes:
    """A feature table of the current run as Arrow writes it: equal tables have equal bytes, and only they."""
    frame, _ = build_features(lake, set_name)
    table = to_arrow(frame)
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table.combine_chunks())
    return sink.getvalue().to_pybytes()


def answers_of_loans(lake: Lake) -> list[dict[str, Any]]:
    """What a person would type for each loan of the current run, by loan_id, as JSON would carry it."""
    run = runs.current_run(lake)
    features = runs.read_features(lake, run, "form").to_pylist()
    loans = runs.read_mart(lake, run, "loans").sort_by("loan_id").to_pylist()
    return [_answers(*each) for each in zip(features, loans, strict=True)]


def _answers(features: dict[str, Any], loan: dict[str, Any]) -> dict[str, Any]:
    assert features["loan_id"] == loan["loan_id"]
    asked = {question.name: features.get(question.name) for question in QUESTIONS}
    dates = {name: loan[name].isoformat() for name in ("granted_on", "opened_on", "owner_born_on")}
    answers: dict[str, Any] = json.loads(json.dumps({**asked, **dates, "district": loan["district_name"]}, default=str))
    return answers
