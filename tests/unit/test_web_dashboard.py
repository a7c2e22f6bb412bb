"""The dashboard as a browser gets it."""

import re
from datetime import UTC, datetime, timedelta
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
from flask import Flask
from flask.testing import FlaskClient
from pages import flowed
from predicted import NOON, WINDOW, filled, keep, keep_features, predictions, table, trained_on
from published import CERTAIN, publish
from web import Served, StandIn, app_with, client_of, metadata, settings

from features.sets import feature_set
from payoff.lake import DirectoryLake
from webapp import create_app
from webapp.charts import ceiling, line, spark, stacks
from webapp.staff import figures
from webapp.staff.drifting import set_drift
from webapp.staff.windows import window_of
from webapp.storage import EXTENSION as DATABASE

NAMES = tuple(feature.name for feature in feature_set("form"))

pytestmark = pytest.mark.usefixtures("quick_passwords")


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Flask:
    """An app with predictions, for tests that only read."""
    return filled(tmp_path_factory.mktemp("shared"))


@pytest.fixture(scope="module")
def viewer(shared: Flask) -> FlaskClient:
    return client_of(shared, "viewer")


@pytest.fixture
def app(tmp_path: Path) -> Flask:
    """An app with predictions, to be changed."""
    return filled(tmp_path)


def read(viewer: FlaskClient, address: str = f"/staff/dashboard/?{WINDOW}", status: int = 200) -> str:
    answer = viewer.get(address)
    assert answer.status_code == status
    return answer.text


def page_of(app: Flask, address: str = f"/staff/dashboard/?{WINDOW}") -> str:
    return read(client_of(app, "viewer"), address)


@pytest.mark.parametrize("address", ["/staff/dashboard/", "/staff/dashboard/drift?set=form"])
def test_only_staff_see_the_dashboard(shared: Flask, address: str) -> None:
    answer = shared.test_client().get(address)
    assert answer.status_code == 302
    assert answer.headers["Location"].startswith("/staff/login?next=")


def test_before_the_first_prediction_the_dashboard_says_so(tmp_path: Path) -> None:
    page = page_of(app_with(tmp_path), "/staff/dashboard/")
    assert "No prediction yet" in page
    assert "<figure" not in page


def test_a_window_without_predictions_names_the_newest(viewer: FlaskClient) -> None:
    page = read(viewer, "/staff/dashboard/?since=2020-01-01&until=2020-01-31")
    assert "No prediction in this window" in page
    assert "9 March 2026" in page or "10 March 2026" in page


def test_the_tiles_and_tables_hold_the_figures(viewer: FlaskClient) -> None:
    page, rows = flowed(read(viewer)), predictions(600)
    granted = (rows["verdict"] == "paid_off").mean()
    assert "<dt>Predictions</dt><dd>600</dd>" in page
    assert f"<dt>Share granted</dt><dd>{granted * 100:.1f}\u00a0%</dd>" in page
    assert f"<dt>Outcomes recorded</dt><dd>{rows['outcome'].notna().sum()}</dd>" in page
    for source, name in (("form", "Form"), ("lookup", "Account lookup"), ("api", "API"), ("batch", "Batch")):
        count = (rows["source"] == source).sum()
        assert re.search(rf">{name}<svg.*?</svg> </th> <td>{count}</td>", page)
    assert "Brier score" in page
    assert "Milliseconds from question to answer" in page


def test_every_chart_has_its_words_and_its_table(viewer: FlaskClient) -> None:
    page = read(viewer)
    assert page.count('<figure class="chart"') == page.count("The same as a table") == 3
    pictures = re.findall(r'<svg viewBox="0 0 360 190" role="img" aria-label="([^"]+)">', page)
    assert len(pictures) == 3
    assert pictures[0].startswith("600 predictions; most on ")
    assert "granted above 80\u00a0%" in page
    assert re.search(r'<th scope="row">\d+ March 2026</th><td>\d+</td><td>\d+</td>', page)


def test_the_worst_feature_stands_first_with_its_level(viewer: FlaskClient) -> None:
    page = flowed(read(viewer))
    drift = page[page.index('id="drift"') :]
    first = drift[drift.index("<tbody>") :]
    assert first.index("Amount (CZK)") < first.index("Card") < len(first)
    assert re.search(r'level-alarm">Alarm</strong> <span class="fine">\s?Decile 10: from 10.0\u00a0% to \d\d', first)
    assert "One feature raises an alarm. 0 features give a warning." in page
    assert first.count('class="feature"') == len(NAMES)


def test_a_set_of_many_features_has_a_page_of_its_own(viewer: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(import_module("webapp.staff.dashboard"), "WORST", 5)
    page = read(viewer)
    assert page.count('class="feature"') == 5
    link = re.search(r'<a href="([^"]+)">The drift of all 20 features</a>', page)
    assert link
    own = read(viewer, link[1].replace("&amp;", "&"))
    assert own.count('class="feature"') == len(NAMES)
    assert 'value="2026-02-15"' in own


def test_the_page_of_a_set_without_predictions_says_so(viewer: FlaskClient) -> None:
    assert "No prediction from this set" in read(viewer, "/staff/dashboard/drift?set=form&days=7")


def test_a_set_that_there_is_none_of_has_no_page(viewer: FlaskClient) -> None:
    read(viewer, "/staff/dashboard/drift?set=none", status=404)


def test_a_set_without_a_champion_has_no_drift_but_the_dashboard_opens(app: Flask) -> None:
    app.extensions["payoff.models"].model = StandIn(metadata().model_copy(update={"feature_set": "seed"}))
    assert "No model of the sets that were asked about" in page_of(app)


def test_predictions_without_some_feature_are_left_out_of_drift(app: Flask) -> None:
    with app.extensions[DATABASE].session() as session:
        numbers = keep(session, predictions(30, seed=2).assign(version="older"))
        keep_features(session, numbers, [{"loan_amount_czk": 1.0}] * 30)
    assert "600 of the newest predictions" in page_of(app)


def test_an_earlier_model_without_shares_admits_what_it_cannot_tell(tmp_path: Path) -> None:
    app = filled(tmp_path)
    model = app.extensions["payoff.models"].model
    model.metadata = model.metadata.model_copy(update={"shares": {}})
    page = flowed(page_of(app))
    assert "Nothing can be said of 2 features" in page
    assert "train it anew" in page


def test_the_drift_of_the_score_is_measured_against_the_loans_held_out(tmp_path: Path) -> None:
    lake = DirectoryLake(tmp_path / "lake")
    described = trained_on(table(500), publish(lake, "held"))
    app = create_app(settings(tmp_path), lake=lake, models=Served(StandIn(described)))
    same = np.random.default_rng(7).choice(1 - CERTAIN, 400)
    rows = predictions(400).assign(version="held", payoff_probability=same)
    with app.extensions[DATABASE].session() as session:
        keep(session, rows)
        steady = set_drift(session, lake, described, NOON - timedelta(days=30), NOON)
        keep(session, rows.assign(payoff_probability=0.5, made_at=NOON))
        moved = set_drift(session, lake, described, NOON, NOON + timedelta(days=1))
    assert steady.score is not None
    assert moved.score is not None
    assert (steady.score.level, moved.score.level) == ("steady", "alarm")
    assert "The score itself" not in page_of(app)


def test_a_damaged_model_has_no_drift_of_its_score(tmp_path: Path) -> None:
    lake = DirectoryLake(tmp_path / "lake")
    described = publish(lake, "held")
    lake.write("models/held/held_out.parquet", b"damaged")
    app = create_app(settings(tmp_path), lake=lake, models=Served(StandIn(described)))
    with app.extensions[DATABASE].session() as session:
        keep(session, predictions(100).assign(version="held"))
        assert set_drift(session, lake, described, NOON - timedelta(days=30), NOON).score is None


def test_champion_and_challenger_stand_side_by_side(viewer: FlaskClient) -> None:
    page = flowed(read(viewer))
    assert "Champion and challenger" in page
    assert "Now only the champion answers." in page
    assert "both models on the same applications" in page
    assert re.search(r"The two give the same verdict on \d+\.\d\u00a0% of the applications", page)
    assert "log-loss less the champion’s is" in page
    assert re.search(r"About [\d,]+ outcomes in all would be needed", page)


@pytest.mark.parametrize(
    ("mode", "says"), [("shadow", "scores every application too"), ("split", "answers 10\u00a0% of the applications")]
)
def test_what_the_challenger_does_is_said_before_it_has_done_anything(tmp_path: Path, mode: str, says: str) -> None:
    app = create_app(settings(tmp_path, challenger=mode), models=Served(StandIn()))
    with app.extensions[DATABASE].session() as session:
        keep(session, predictions(20))
    page = flowed(page_of(app))
    assert says in page
    assert "no challenger has scored" in page


def test_without_a_challenger_nothing_is_said_of_one(tmp_path: Path) -> None:
    app = app_with(tmp_path)
    with app.extensions[DATABASE].session() as session:
        keep(session, predictions(20).assign(milliseconds=None, outcome=None))
    page = page_of(app)
    assert "Champion and challenger" not in page
    assert "No outcome has been recorded" in page
    assert "Only batches were scored" in page


def test_a_single_prediction_makes_a_whole_page(tmp_path: Path) -> None:
    app = app_with(tmp_path)
    with app.extensions[DATABASE].session() as session:
        keep(session, predictions(1))
    page = page_of(app)
    assert 'aria-label="One prediction, on ' in page
    assert "<circle" in page


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ("days=8", "There is no window of “8” days"),
        ("days=", "There is no window of “” days"),
        ("since=2026-03-10&until=2026-03-01", "The first day has to be the last or before it"),
        ("since=2026-03-10", "Give a first and a last day"),
        ("since=x&until=<b>", "Give a first and a last day"),
        ("since=2026-01-01&until=9999-12-31", "The first day has to be"),
        ("since=0001-01-01&until=2026-12-31", "A window has at most 1,100 days"),
    ],
)
def test_a_window_that_cannot_be_is_named_and_that_of_30_days_shown(viewer: FlaskClient, asked: str, says: str) -> None:
    page = read(viewer, f"/staff/dashboard/?{asked}", status=400)
    assert says in page
    assert "<b>" not in page
    assert says in read(viewer, f"/staff/dashboard/drift?set=form&{asked}", status=400)


def test_a_wrong_window_keeps_what_was_typed(viewer: FlaskClient) -> None:
    page = read(viewer, "/staff/dashboard/?since=2026-03-10&until=2026-03-01", status=400)
    assert 'name="since" required value="2026-03-10"' in page
    assert 'name="until" required value="2026-03-01"' in page


def test_a_window_is_of_whole_days_today_included() -> None:
    today = datetime.now(UTC).date()
    week = window_of({"days": "7"})
    assert (week.last - week.first).days == 6
    assert abs((week.last - today).days) <= 1
    assert (week.until - week.since) == timedelta(days=7)
    one = window_of({"since": "2026-03-01", "until": "2026-03-01"})
    assert (one.until - one.since, one.arguments) == (
        timedelta(days=1),
        {"since": "2026-03-01", "until": "2026-03-01"},
    )


@pytest.mark.parametrize(("days", "refused"), [(1_100, False), (1_101, True)])
def test_a_window_may_be_as_long_as_a_chart_can_be_read(viewer: FlaskClient, days: int, refused: bool) -> None:
    last = NOON.date()
    first = last - timedelta(days=days - 1)
    read(viewer, f"/staff/dashboard/drift?set=form&since={first}&until={last}", status=400 if refused else 200)


@pytest.mark.parametrize(("largest", "top"), [(0, 1), (1, 1), (3, 5), (5, 5), (11, 20), (100, 100), (101, 200)])
def test_an_axis_ends_at_a_round_number_above_what_it_shows(largest: float, top: float) -> None:
    assert ceiling(largest) == top


def test_bars_stand_on_one_another_and_on_the_ground() -> None:
    low, high = stacks([(30, 20)], ("granted", "refused"), 100)
    assert (low.y + low.height, high.y + high.height) == (162, low.y)
    assert (low.height, high.height) == (45, 30)
    assert stacks([(0, 0)], ("granted", "refused"), 100) == ()


def test_a_line_breaks_where_a_value_is_missing() -> None:
    pieces = line("", "", [1, 0.5, None, 0.2], 1).pieces
    assert [len(piece) for piece in pieces] == [2, 1]
    assert pieces[0][0][1] == 12


def test_a_spark_is_as_high_as_its_largest_share() -> None:
    drawn = spark((("1", 0.5, 0.2), ("2", 0.5, 0.8)))
    assert "v-28.0" in drawn.sample
    assert drawn.training == "M0.0 10.5h35.2M44.0 10.5h35.2"


def test_models_that_disagree_on_the_threshold_leave_the_histogram_without_a_mark() -> None:
    from webapp.staff.dashboard import _threshold

    others = [StandIn(), StandIn(metadata().model_copy(update={"threshold": 0.3}))]
    assert _threshold(others) is None
    assert _threshold(others[:1]) == 0.8
    assert figures._mark(None) is None


def test_a_low_threshold_has_its_words_on_the_right(shared: Flask) -> None:
    with shared.test_request_context():
        mark = figures._mark(0.2)
    assert mark is not None
    assert mark.anchor == "start"


def test_no_page_of_the_dashboard_has_inline_styles_or_scripts(viewer: FlaskClient) -> None:
    for address in (f"/staff/dashboard/?{WINDOW}", f"/staff/dashboard/drift?set=form&{WINDOW}"):
        page = read(viewer, address)
        assert " style=" not in page
        assert "<style" not in page
        assert not re.search(r"<script(?![^>]* src=)", page)


def test_the_dashboard_can_be_read_in_czech(viewer: FlaskClient) -> None:
    page = viewer.get(f"/staff/dashboard/?{WINDOW}", headers={"Accept-Language": "cs"}).text
    assert '<html lang="cs">' in page
    assert re.search(r"\d+,\d\u00a0%", page)
