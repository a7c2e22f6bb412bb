"""The leaderboard: every version with its figures, sorted by any of them."""

import re

import pytest
from pages import words
from staffed import CHALLENGER, CHAMPION, DAMAGED, FULL, figures, lake_in, lake_of, staffed
from web import client_for, metadata

from payoff import registry
from webapp.leaderboard import SORTS, Standing, ordered
from webapp.measures import LEADING


def test_the_leaderboard_has_every_version_with_its_figures_and_place(viewer):
    page = words(viewer.get("/staff/models/"))
    assert re.search(rf"{CHALLENGER} challenger best, all loans, trained on 1 February 2026, 08:00 UTC 0.730", page)
    assert re.search(
        rf"{CHAMPION} champion good, all loans, trained on 5 January 2026, 09:30 UTC 0.830 0.780 to 0.870", page
    )
    assert "3,000 2,000 to 4,000" in page
    assert page.index("Feature set form") < page.index(CHAMPION) < page.index("Feature set full") < page.index(FULL)
    assert "each version’s own" in page


def test_metadata_that_cannot_be_read_is_a_row_that_says_so(app, admin):
    lake = lake_of(app)
    lake.write("models/2026-04-04T04-04-04/metadata.json", b"{half")
    answer = admin.get("/staff/models/")
    assert answer.status_code == 200
    assert re.search(rf"{DAMAGED} models/{DAMAGED}/metadata.json is not the metadata of a model", words(answer))
    assert "2026-04-04T04-04-04 file:///" in words(answer)
    assert "is not JSON" in words(answer)
    assert CHAMPION in answer.text


@pytest.mark.parametrize("damage", [b"{half", b'{"form": 3}', b"[]"])
def test_a_damaged_pointer_is_said_and_the_versions_are_shown_all_the_same(app, admin, damage):
    lake_of(app).write(registry.CHAMPION, damage)
    answer = admin.get("/staff/models/")
    assert answer.status_code == 200
    assert "It cannot be told which versions answer" in words(answer)
    assert CHAMPION in answer.text
    for address in (f"/{CHAMPION}", "/compare", "/applicant"):
        assert admin.get(f"/staff/models{address}").status_code == 200
    assert admin.get(f"/staff/models/{CHALLENGER}/promote").status_code == 503


def test_an_empty_lake_says_how_to_get_a_model(tmp_path):
    app = staffed(tmp_path)
    for path in sorted((tmp_path / "lake").rglob("*"), reverse=True):
        path.unlink() if path.is_file() else path.rmdir()
    client = client_for(app, "admin")
    assert "payoff model train" in words(client.get("/staff/models/"))
    assert "There is nothing to compare" in words(client.get("/staff/models/compare"))
    assert client.get("/staff/models/applicant").status_code == 200


def standing(version: str, **changed: object) -> Standing:
    return Standing(version, metadata(version).model_copy(update=changed))


def test_figures_sort_by_what_is_better_and_the_unknown_come_last():
    good = standing("a", metrics=figures(0.9), calibration_error=0.1, cost_per_loan={})
    bad = standing("b", metrics=figures(0.6), calibration_error=0.01)
    bare = standing("c", metrics={}, calibration_error=0.05, cost_per_loan={})
    unread = Standing("d", None, "damaged")
    rows = [unread, bare, bad, good]
    for by in ("roc_auc", "pr_auc"):
        assert [row.version for row in ordered(rows, by)] == ["a", "b", "d", "c"]
        assert [row.version for row in ordered(rows, by, best_first=False)] == ["b", "a", "d", "c"]
    for by in ("brier", "log_loss"):
        assert [row.version for row in ordered(rows, by)] == ["b", "a", "d", "c"]
    assert [row.version for row in ordered(rows, "calibration_error")] == ["b", "c", "a", "d"]
    assert [row.version for row in ordered(rows, "cost")] == ["b", "d", "c", "a"]
    assert [row.version for row in ordered(rows, "version")] == ["d", "c", "b", "a"]
    assert [row.version for row in ordered(rows, "version", best_first=False)] == ["a", "b", "c", "d"]


@pytest.mark.parametrize("by", SORTS)
def test_every_column_is_sorted_by_a_link_and_turned_by_the_same(viewer, by):
    page = viewer.get(f"/staff/models/?sort={by}").text
    assert page.count("aria-sort=") == 2  # one a feature set
    assert f"/staff/models/?sort={by}&amp;order=worst#set-form" in page
    best = re.findall(r'href="/staff/models/(2026[^/"]+)"', page)
    worst = re.findall(r'href="/staff/models/(2026[^/"]+)"', viewer.get(f"/staff/models/?sort={by}&order=worst").text)
    assert sorted(best) == sorted(worst)
    more_is_better = by == "version" or LEADING[by].more_is_better
    assert ('aria-sort="descending"' in page) == more_is_better
    if by in {"roc_auc", "brier"}:
        assert best[:2] == ([CHAMPION, CHALLENGER] if by == "roc_auc" else [CHALLENGER, CHAMPION])
        assert worst[:2] == best[:2][::-1]


def test_a_column_that_is_none_sorts_by_age(viewer):
    assert viewer.get("/staff/models/?sort=nonsense&order=<b>").text.count('aria-sort="descending"') == 2


def test_the_lake_of_these_tests_has_what_they_speak_of(tmp_path):
    lake = lake_in(tmp_path)
    assert registry.champions(lake) == {"form": CHAMPION, "full": FULL}
    assert registry.challengers(lake) == {"form": CHALLENGER}
