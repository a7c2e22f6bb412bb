"""The page of one version."""

import re

import pytest
from pages import words
from published import publish
from staffed import CHALLENGER, CHAMPION, DAMAGED, lake_of

from payoff.comparison import HELD_OUT
from payoff.metadata import Figure


def test_a_version_shows_every_figure_beside_the_majority(viewer):
    page = words(viewer.get(f"/staff/models/{CHAMPION}"))
    for label in ("ROC AUC", "PR AUC", "Brier score", "Log-loss", "Recall", "Matthews correlation"):
        assert label in page
    assert re.search(r"ROC AUC .*? 0.830 0.780 to 0.870 0.430 0.380 to 0.470", page)
    assert "Granting breaks even at a probability of payoff of 80 %" in page
    assert "This model 3,000 2,000 to 4,000" in page
    assert "multiplied by 1.100 on the scale of log-odds and shifted by 0.000" in page
    assert "95 % to 100 % 260 258 99.2 %" in page
    assert "promoted as the first of its set Reason: trained" in page
    assert "Lowest balance in the last six months" in page


def test_a_version_without_some_figures_is_shown_all_the_same(app, admin):
    bare = {"metrics": {"brier": Figure(value=0.1, low=0, high=0.2)}, "baseline": {}, "bands": (), "cost_per_loan": {}}
    publish(lake_of(app), "bare", None, feature_set="foreign", features=("brand_new",), **bare)
    answer = admin.get("/staff/models/bare")
    assert answer.status_code == 200
    assert "Brier score mean squared error of the probability 0.100 0.000 to 0.200 unknown" in words(answer)
    assert "was published without its predictions of held-out loans" in words(answer)
    assert "This program computes no such feature." in words(answer)
    assert "It has never been the champion." in words(answer)


@pytest.mark.parametrize(
    "version", ["nothing", "..", ".hidden", "a b", "x" * 65, "champion.json", "%2e%2e%2fruns", "promotions"]
)
def test_a_version_that_is_not_there_is_not_found(viewer, version):
    for address in (version, f"{version}/card", f"{version}/card/card.md"):
        assert viewer.get(f"/staff/models/{address}").status_code == 404
    assert viewer.get("/staff/models/compare", query_string={"left": version, "right": CHAMPION}).status_code == 404


@pytest.mark.parametrize("name", ["../models/" + CHAMPION, "../../secret", "/etc", f"{CHAMPION}/predictor"])
def test_no_name_leads_out_of_the_models(viewer, name):
    assert viewer.get("/staff/models/compare", query_string={"left": name, "right": CHAMPION}).status_code == 404


def test_a_version_that_cannot_be_read_says_what_is_wrong(viewer):
    answer = viewer.get(f"/staff/models/{DAMAGED}")
    assert answer.status_code == 503
    assert "is not the metadata of a model of this version of payoff" in words(answer)


def test_damaged_predictions_cost_the_curves_only(app, admin):
    lake_of(app).write(f"models/{CHAMPION}/{HELD_OUT}", b"half")
    answer = admin.get(f"/staff/models/{CHAMPION}")
    assert answer.status_code == 200
    assert "it was damaged" in words(answer)
    assert "<polyline" not in answer.text
    compared = admin.get(f"/staff/models/compare?left={CHAMPION}&right={CHALLENGER}")
    assert compared.status_code == 200
    assert "it was damaged" in words(compared)


def test_curves_are_drawn_described_and_tabulated(viewer):
    page = viewer.get(f"/staff/models/{CHAMPION}").text
    assert page.count('role="img"') == 3
    for name in ("roc", "pr", "reliability"):
        assert f'aria-labelledby="{name}" aria-describedby="{name}-summary"' in page
        assert f'id="{name}-summary"' in page
    for drawn in re.findall(r'points="([^"]+)"', page):
        for point in drawn.split():
            assert all(0 <= float(number) <= 100 for number in point.split(","))
    assert page.count("<details>") >= 4
    assert "style=" not in page
    assert "<style" not in page
