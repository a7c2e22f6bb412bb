"""Two versions side by side."""

import re

import pytest
from pages import words
from published import CERTAIN, publish
from staffed import CHALLENGER, CHAMPION, FULL, lake_of

from payoff import registry


def test_champion_and_challenger_are_compared_without_being_asked(viewer):
    page = words(viewer.get("/staff/models/compare"))
    assert f"Is {CHALLENGER} better than {CHAMPION}?" in page
    assert re.search(
        r"On 300 loans that neither was trained on, its log-loss differs by \+0\.\d{3} \(95 % interval \+0", page
    )
    assert "It is worse, beyond chance." in page
    assert "it is significantly worse: on 300 held-out loans" in page
    assert "Both look at the same 20 features." in page


def test_the_better_one_is_said_to_be_better(viewer):
    page = words(viewer.get(f"/staff/models/compare?left={CHALLENGER}&right={CHAMPION}"))
    assert "It is better, beyond chance." in page
    assert "Nothing stands against promoting it" in page


def test_without_a_challenger_the_newest_of_a_set_is_held_against_the_one_before(app, admin):
    lake_of(app).write(registry.CHALLENGER, b"{}")
    assert f"Is {CHALLENGER} better than {CHAMPION}?" in words(admin.get("/staff/models/compare"))


def test_curves_are_laid_over_each_other_and_told_apart(viewer):
    page = viewer.get("/staff/models/compare").text
    for chart in ("line-1", "line-2", "band-1", "band-2", "mark-1", "mark-2"):
        assert f'class="{chart}"' in page
    assert "the solid line" in page
    assert "the dashed line" in page


def test_features_that_one_has_alone_are_named(viewer):
    page = words(viewer.get(f"/staff/models/compare?left={FULL}&right={CHAMPION}"))
    assert f"19 features more in {CHAMPION}" in page
    assert "neither can take the other’s place" in page
    assert f"19 features only in {CHAMPION}" in words(viewer.get(f"/staff/models/compare?left={CHAMPION}&right={FULL}"))


@pytest.mark.parametrize("query", [f"left={CHAMPION}&right={CHAMPION}", "left=&right="])
def test_a_version_is_not_compared_with_itself(viewer, query):
    answer = viewer.get(f"/staff/models/compare?{query}")
    assert answer.status_code == 200
    assert ("Choose two different versions." in words(answer)) == (CHAMPION in query)


def test_versions_that_cannot_be_compared_say_why(app, admin):
    publish(lake_of(app), "bare", None)
    publish(lake_of(app), "few", CERTAIN, loans=range(290, 310))
    page = words(admin.get(f"/staff/models/compare?left={CHAMPION}&right=bare"))
    assert "one of the two keeps no held-out predictions" in page
    assert "No difference can be told" in page
    assert "only 10 loans" in words(admin.get(f"/staff/models/compare?left={CHAMPION}&right=few"))
