"""The pages on models as a browser gets them, and the curves and orders they show."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from flask import Flask
from flask.testing import FlaskClient
from published import CERTAIN, publish
from scipy.stats import binomtest
from sklearn.metrics import auc, average_precision_score, roc_auc_score
from sqlalchemy import select, text
from staffed import CHALLENGER, CHAMPION, DAMAGED, FULL, figures, lake_in, quick_hashes, staffed
from web import ANSWERS, PASSWORD, StandIn, metadata

import webapp
from payoff import registry
from payoff.comparison import HELD_OUT
from payoff.errors import ModelError
from payoff.lake import DirectoryLake, sha256
from payoff.metadata import Figure
from webapp import side_by_side, storage
from webapp.cards import rendered
from webapp.curves import MOST_POINTS, Line, curves, reliability
from webapp.explaining import Explanation, Reason
from webapp.leaderboard import SORTS, Standing, ordered
from webapp.measures import LEADING
from webapp.serving import EXTENSION
from webapp.storage.tables import AuditEntry, Details, StoredPrediction


@pytest.fixture(scope="module", autouse=True)
def _quick() -> Iterator[None]:
    with quick_hashes():
        yield


def logged_in(app: Flask, role: str) -> FlaskClient:
    app.config["WTF_CSRF_ENABLED"] = False
    client = app.test_client()
    assert client.post("/staff/login", data={"name": role, "password": PASSWORD}).status_code == 302
    return client


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Flask:
    """An app that tests only ask, and leave as it was."""
    return staffed(tmp_path_factory.mktemp("shown"))


@pytest.fixture(scope="module")
def viewer(shown: Flask) -> FlaskClient:
    return logged_in(shown, "viewer")


@pytest.fixture
def app(tmp_path: Path) -> Flask:
    return staffed(tmp_path)


@pytest.fixture
def admin(app: Flask) -> FlaskClient:
    return logged_in(app, "admin")


def lake_of(app: Flask) -> DirectoryLake:
    lake: DirectoryLake = app.extensions[webapp.LAKE]
    return lake


def words(answer) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.text)).replace("\N{NO-BREAK SPACE}", " ")


def notes(app: Flask, action: str) -> list[AuditEntry]:
    with app.extensions[storage.EXTENSION].session() as session:
        return list(session.scalars(select(AuditEntry).where(AuditEntry.action == action)))


# The leaderboard


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
    client = logged_in(app, "admin")
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


# One version


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


# Curves


RNG = np.random.default_rng(5)
PROBABILITY = RNG.beta(1, 6, 400).round(2)
TRUTH = (RNG.random(400) < PROBABILITY).astype(int)
SAID = pd.DataFrame({"defaulted": TRUTH, "probability": PROBABILITY})


def area(line: Line) -> float:
    x, y = np.array(line.points).T
    return float(auc(x, y))


def test_the_area_under_the_roc_curve_is_the_roc_auc():
    found = curves(SAID, 0.2)
    assert area(found.roc) == pytest.approx(roc_auc_score(TRUTH, PROBABILITY))
    assert (found.roc.points[0], found.roc.points[-1]) == ((0, 0), (1, 1))
    refused = PROBABILITY >= 0.2
    assert found.roc.at == pytest.approx((refused[TRUTH == 0].mean(), refused[TRUTH == 1].mean()))


def test_the_area_under_the_drawn_steps_is_the_average_precision():
    line = curves(SAID, 0.2).precision_recall
    corners = np.array([point.split(",") for point in line.drawn.split()], dtype=float)
    drawn = float(np.trapezoid(100 - corners[:, 1], corners[:, 0])) / 1e4
    assert drawn == pytest.approx(average_precision_score(TRUTH, PROBABILITY), abs=5e-4)
    refused = PROBABILITY >= 0.2
    assert line.at == pytest.approx((refused[TRUTH == 1].mean(), TRUTH[refused].mean()))
    assert curves(SAID, 1.1).precision_recall.at is None


def test_groups_hold_every_loan_once_and_like_scores_together():
    found = reliability(TRUTH, PROBABILITY)
    assert sum(group.loans for group in found) == 400
    assert sum(group.observed * group.loans for group in found) == pytest.approx(TRUTH.sum())
    assert [group.predicted for group in found] == sorted(group.predicted for group in found)
    assert 8 <= len(found) <= 10
    for group in found:
        expected = binomtest(round(group.observed * group.loans), group.loans).proportion_ci(0.95, method="wilson")
        assert (group.low, group.high) == pytest.approx((expected.low, expected.high))
    shuffled = np.random.default_rng(1).permutation(400)
    assert [each.loans for each in reliability(TRUTH[shuffled], PROBABILITY[shuffled])] == [
        each.loans for each in found
    ]
    assert len(reliability(TRUTH, np.full(400, 0.1))) == 1


def test_curves_of_many_loans_are_thinned_and_keep_their_ends():
    probability = RNG.random(5_000)
    truth = (RNG.random(5_000) < probability).astype(int)
    found = curves(pd.DataFrame({"defaulted": truth, "probability": probability}), 0.5)
    for line in (found.roc, found.precision_recall):
        assert len(line.points) == MOST_POINTS
        assert (line.points[0][0], line.points[-1][0]) == (0, 1)
    assert area(found.roc) == pytest.approx(roc_auc_score(truth, probability), abs=0.002)


@pytest.mark.parametrize("truth", [[], [0, 0], [1, 1, 1]])
def test_loans_that_all_ended_alike_give_no_curve(truth):
    assert curves(pd.DataFrame({"defaulted": truth, "probability": [0.3] * len(truth)}, dtype=float), 0.2) is None


# The card


CARD = b"""# Model card: x

## Fairness

<script>alert(1)</script>

| a | b |
|---|---|
| 1 | [x](javascript:alert) |
"""


def with_card(app: Flask, text: bytes = CARD, name: str = "card.md") -> str:
    lake = lake_of(app)
    found = json.loads(lake.read(f"models/{CHAMPION}/metadata.json"))
    found["attachments"][name] = sha256(text)
    lake.write(f"models/{CHAMPION}/metadata.json", json.dumps(found).encode())
    lake.write(f"models/{CHAMPION}/{name}", text)
    return f"/staff/models/{CHAMPION}/card"


def test_the_card_is_a_page_of_the_site_without_any_tag_of_its_own(app, admin):
    at = with_card(app)
    assert at in admin.get(f"/staff/models/{CHAMPION}").text
    page = admin.get(at).text
    assert "<h1>Model card: x</h1>" in page
    assert '<div class="scrolling" role="region" tabindex="0" aria-label="Fairness"><table>' in page
    assert "&lt;script&gt;alert(1)" in page
    assert "<script>alert" not in page
    assert 'href="javascript' not in page


def test_tables_under_one_heading_are_told_apart():
    table = "| a |\n|---|\n| 1 |\n"
    labels = re.findall(r'aria-label="([^"]+)"', rendered(f'## A "b"\n\n{table}\n\nand\n\n{table}\n'))
    assert labels == ["A &#34;b&#34;", "A &#34;b&#34; 2"]


@pytest.mark.parametrize(("name", "kind"), [("card.md", "text/markdown"), ("card.html", "text/html")])
def test_the_files_of_the_card_are_downloads(app, admin, name, kind):
    at = with_card(app, b"<script>alert(1)</script>", name)
    answer = admin.get(f"{at}/{name}")
    assert answer.data == b"<script>alert(1)</script>"
    assert answer.mimetype == kind
    assert answer.headers["Content-Disposition"] == f'attachment; filename="{CHAMPION}-{name}"'
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("name", [HELD_OUT, "metadata.json", "predictor", "card.pdf", "card.html"])
def test_nothing_but_the_card_is_downloaded(app, admin, name):
    assert admin.get(f"{with_card(app)}/{name}").status_code == 404


def test_a_card_that_is_missing_or_damaged_is_said(app, admin):
    at = f"/staff/models/{CHAMPION}/card"
    assert admin.get(at).status_code == 503
    with_card(app)
    lake_of(app).write(f"models/{CHAMPION}/card.md", b"something else")
    for address in (at, f"{at}/card.md"):
        answer = admin.get(address)
        assert answer.status_code == 503
        assert "it was damaged" in words(answer)


# Two versions


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


# Promote and roll back


def promote(client: FlaskClient, version: str = CHALLENGER, serving: str = CHAMPION, **sent: str):
    return client.post(f"/staff/models/{version}/promote", data={"serving": serving} | sent)


def test_the_page_before_a_promotion_shows_what_stands_against_it(admin):
    answer = admin.get(f"/staff/models/{CHALLENGER}/promote")
    assert f"instead of {CHAMPION}" in words(answer)
    assert "It is worse, beyond chance." in words(answer)
    assert "significantly worse: on 300 held-out loans" in words(answer)
    assert 'name="force" value="yes" required' in answer.text


def test_a_better_version_is_promoted_and_noted(app, admin):
    publish(lake_of(app), "better", np.where(CERTAIN > 0.5, 0.95, 0.02))
    page = admin.get("/staff/models/better/promote")
    assert 'name="force"' not in page.text
    answer = promote(admin, "better", reason=" fewer defaults ")
    assert (answer.status_code, answer.location) == (302, "/staff/models/better")
    assert "better answers now." in words(admin.get("/staff/models/better"))
    assert registry.champion(lake_of(app)) == "better"
    (entry,) = notes(app, "model.promoted")
    assert (entry.actor, entry.subject) == ("admin", "better")
    assert entry.details == {"feature_set": "form", "replaced": CHAMPION, "reason": "fewer defaults", "forced": []}


def test_a_worse_version_is_refused_then_forced_with_a_reason(app, admin):
    answer = promote(admin)
    assert answer.status_code == 409
    assert "It was not promoted: something stands against it." in words(answer)
    answer = promote(admin, force="yes", reason="  ")
    assert answer.status_code == 409
    assert "give a reason" in words(answer)
    assert registry.champion(lake_of(app)) == CHAMPION
    assert notes(app, "model.promoted") == []
    assert promote(admin, force="yes", reason="the old one is withdrawn").status_code == 302
    assert registry.champion(lake_of(app)) == CHALLENGER
    (entry,) = notes(app, "model.promoted")
    assert entry.details["reason"] == "the old one is withdrawn"
    assert "significantly worse" in entry.details["forced"][0]
    page = words(admin.get(f"/staff/models/{CHALLENGER}"))
    assert f"promoted; it replaced {CHAMPION}" in page
    assert "Forced, although" in page
    assert f"replaced by {CHALLENGER}" in words(admin.get(f"/staff/models/{CHAMPION}"))


def test_a_decision_about_another_champion_is_asked_for_again(app, admin):
    answer = promote(admin, serving=FULL, force="yes", reason="why not")
    assert answer.status_code == 409
    assert "Somebody else has changed the champion meanwhile." in words(answer)
    # What was written is not lost.
    assert ">why not</textarea>" in answer.text
    assert registry.champion(lake_of(app)) == CHAMPION


def test_a_reason_has_an_end(app, admin):
    answer = promote(admin, force="yes", reason="x" * 501)
    assert answer.status_code == 409
    assert "500 characters at most" in words(answer)


def test_a_damaged_version_is_not_promoted(app, admin):
    lake_of(app).write(f"models/{CHALLENGER}/predictor/note.txt", b"half")
    answer = promote(admin, force="yes", reason="why not")
    assert answer.status_code == 409
    assert "incomplete or damaged" in words(answer)
    assert registry.champion(lake_of(app)) == CHAMPION
    assert notes(app, "model.promoted") == []


def test_a_damaged_champion_can_be_replaced(app, admin):
    lake_of(app).write(f"models/{CHAMPION}/metadata.json", b"half")
    page = words(admin.get(f"/staff/models/{CHALLENGER}/promote"))
    assert f"the champion {CHAMPION} cannot be read to compare with" in page
    assert promote(admin, force="yes", reason="the old one is torn").status_code == 302


def test_the_first_of_a_set_needs_no_comparison(app, admin):
    publish(lake_of(app), "seed", feature_set="seed")
    page = words(admin.get("/staff/models/seed/promote"))
    assert "which has no champion yet" in page
    assert promote(admin, "seed", serving="").status_code == 302


def test_the_champion_is_not_promoted_again(admin):
    answer = admin.get(f"/staff/models/{CHAMPION}/promote")
    assert f"{CHAMPION} is the champion already" in words(answer)
    assert '<form method="post" class' not in answer.text
    assert promote(admin, CHAMPION).status_code == 409


def test_a_promotion_that_cannot_be_noted_is_not_made(app, admin, monkeypatch):
    asked = []
    monkeypatch.setattr(registry, "promote", lambda *_, **__: asked.append(1))
    monkeypatch.setattr("webapp.staff.promotions.text", lambda _: text("select 1 from no_such_table"))
    assert promote(admin, force="yes", reason="why not").status_code == 503
    assert asked == []


def test_the_champion_before_is_brought_back(app, admin):
    assert "Roll back the set" not in words(admin.get("/staff/models/"))
    promote(admin, force="yes", reason="a mistake")
    assert "Roll back the set form" in words(admin.get("/staff/models/"))
    assert "Roll back the set full" not in words(admin.get("/staff/models/"))
    page = words(admin.get("/staff/models/rollback/form"))
    assert f"Go back to {CHAMPION}?" in page
    assert "It is better, beyond chance." in page
    answer = admin.post("/staff/models/rollback/form", data={"serving": CHALLENGER, "reason": "complaints"})
    assert (answer.status_code, answer.location) == (302, f"/staff/models/{CHAMPION}")
    assert f"{CHAMPION} answers again." in words(admin.get(answer.location))
    assert registry.champion(lake_of(app)) == CHAMPION
    (entry,) = notes(app, "model.rolled_back")
    assert entry.details == {"feature_set": "form", "replaced": CHALLENGER, "reason": "complaints", "forced": []}


def test_a_rollback_that_has_nothing_to_go_back_to_says_so(app, admin):
    for method in ("GET", "POST"):
        answer = admin.open("/staff/models/rollback/form", method=method)
        assert answer.status_code == 409
        assert "replaced no other" in words(answer)
    assert admin.get("/staff/models/rollback/nonsense").status_code == 404


def test_a_rollback_of_a_champion_that_has_changed_is_asked_for_again(app, admin):
    promote(admin, force="yes", reason="a mistake")
    answer = admin.post("/staff/models/rollback/form", data={"serving": CHAMPION})
    assert answer.status_code == 409
    assert registry.champion(lake_of(app)) == CHALLENGER


# One applicant


def explained(model, features) -> Explanation:
    effects = {"lowest_balance": -0.2, "amount": 0.1, "owner_age": 0.0, "income": 0.05, "use": -0.01}
    return Explanation(0.9, tuple(Reason(key, effect, ()) for key, effect in effects.items()))


@pytest.fixture
def explaining(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(side_by_side, "explain", explained)


@pytest.fixture
def stored(app: Flask, admin: FlaskClient) -> int:
    """The number of a prediction in the history."""
    assert app.test_client().post("/", data=ANSWERS).status_code == 200
    with app.extensions[storage.EXTENSION].session() as session:
        return session.scalars(select(StoredPrediction.id)).one()


def test_somebody_from_the_history_is_shown_to_every_version_of_the_form(admin, stored, explaining):
    answer = admin.get(f"/staff/models/applicant?prediction={stored}")
    assert answer.status_code == 200
    page = words(answer)
    assert f"Prediction {stored} was made on" in page
    assert re.search(rf"{CHALLENGER} challenger 60.0 % 80 % doubtful", page)
    told = re.search(rf"by {CHAMPION}: ([\d.]+ %) probability", page)[1]
    assert re.search(rf"{CHAMPION} champion {told} 80 % likely paid off", page)
    # The strongest first, those without effect left out.
    reasons = "Against it: Lowest balances in the last six months For payoff: Amount and instalment For payoff: Income"
    assert f"{reasons} and spending" in page
    assert f"{FULL} champion " not in page.split("Somebody from the history")[0]


def test_the_form_is_answered_by_every_version_and_stored_by_none(app, admin, explaining):
    answer = admin.post("/staff/models/applicant", data=ANSWERS)
    assert answer.status_code == 200
    assert re.search(rf"{CHALLENGER} challenger 60.0 %", words(answer))
    assert f'value="{ANSWERS["loan_amount_czk"]}"' in answer.text
    with app.extensions[storage.EXTENSION].session() as session:
        assert session.scalars(select(StoredPrediction)).all() == []


def test_faulty_answers_come_back_with_what_is_wrong(admin):
    answer = admin.post("/staff/models/applicant", data=ANSWERS | {"loan_amount_czk": "-1", "district": "Atlantis"})
    assert answer.status_code == 400
    assert "Some answers need another look" in words(answer)
    assert 'id="loan_amount_czk-error"' in answer.text
    assert 'id="district-error"' in answer.text
    assert 'value="-1"' in answer.text
    assert "What the models say" not in answer.text


@pytest.mark.parametrize("number", ["999", "x", "-1", "1.5", "1e3", "٣", "9" * 30, "<b>"])
def test_a_number_that_is_in_no_history_says_so(admin, number):
    answer = admin.get("/staff/models/applicant", query_string={"prediction": number})
    assert answer.status_code == 400
    assert ("The history holds no prediction 999" if number == "999" else "made of digits") in words(answer)
    assert "<b>" not in answer.text


def test_a_version_says_which_features_are_not_stored(app, admin, stored, explaining):
    with app.extensions[storage.EXTENSION].session() as session:
        details = session.get(Details, stored)
        details.features = {name: value for name, value in details.features.items() if name != "owner_age_years"}
    page = words(admin.get(f"/staff/models/applicant?prediction={stored}&version={CHAMPION}&version={FULL}"))
    assert "It needs 1 feature that is not stored owner_age_years" in page
    # The other needs less.
    assert re.search(rf"{FULL} champion 90.0 %", page)


def test_a_missing_value_stays_missing(app, admin, stored, monkeypatch, explaining):
    with app.extensions[storage.EXTENSION].session() as session:
        details = session.get(Details, stored)
        details.features = details.features | {"owner_age_years": None, "card_type": None}
    seen = []
    scored = StandIn.default_probabilities
    monkeypatch.setattr(StandIn, "default_probabilities", lambda self, rows: seen.append(rows) or scored(self, rows))
    assert admin.get(f"/staff/models/applicant?prediction={stored}&version={CHAMPION}").status_code == 200
    (row,) = seen
    assert row["owner_age_years"].dtype == "float64"
    assert row["owner_age_years"].isna().all()
    assert row["card_type"].dtype == object
    assert row["card_type"].isna().all()


def test_a_version_that_cannot_be_loaded_is_a_row_that_says_so(app, admin, stored, monkeypatch, explaining):
    models = app.extensions[EXTENSION]
    whole = models.version

    def version(name: str) -> StandIn:
        if name == CHALLENGER:
            raise ModelError("model torn is incomplete or damaged")
        return whole(name)

    monkeypatch.setattr(models, "version", version)
    page = words(admin.get(f"/staff/models/applicant?prediction={stored}"))
    assert "model torn is incomplete or damaged" in page
    assert "likely paid off" in page


def test_no_more_versions_are_loaded_than_somebody_waits_for(app, admin, stored, monkeypatch, explaining):
    names = [f"2026-06-0{day}T00-00-00" for day in range(1, 9)]
    for name in names:
        publish(lake_of(app), name)
    loaded = []
    monkeypatch.setattr(
        app.extensions[EXTENSION], "version", lambda name: loaded.append(name) or StandIn(metadata(name))
    )
    assert admin.get(f"/staff/models/applicant?prediction={stored}").status_code == 200
    assert loaded == names[:1:-1]
    loaded.clear()
    asked = {"prediction": stored, "version": names}
    answer = admin.get("/staff/models/applicant", query_string=asked)
    assert answer.status_code == 400
    assert "Choose 6 versions at most" in words(answer)
    assert loaded == []
    assert admin.get("/staff/models/applicant", query_string=asked | {"version": names[:2]}).status_code == 200
    assert loaded == names[1::-1]
    answer = admin.get("/staff/models/applicant", query_string=asked | {"version": "gone"})
    assert "None of the versions that were chosen" in words(answer)


def test_without_a_champion_only_the_history_can_be_asked(app, admin, stored, explaining):
    app.extensions[EXTENSION].model = ModelError("torn")
    page = admin.get("/staff/models/applicant")
    assert page.status_code == 200
    assert "Somebody new" not in page.text
    assert admin.post("/staff/models/applicant", data=ANSWERS).status_code == 200


def test_the_lake_of_these_tests_has_what_they_speak_of(tmp_path):
    lake = lake_in(tmp_path)
    assert registry.champions(lake) == {"form": CHAMPION, "full": FULL}
    assert registry.challengers(lake) == {"form": CHALLENGER}


def test_only_a_sent_form_changes_anything(app, admin):
    publish(lake_of(app), "seed", feature_set="seed")
    promote(admin, force="yes", reason="a mistake")
    for address in ("seed/promote", "rollback/form"):
        for method in ("GET", "HEAD"):
            assert admin.open(f"/staff/models/{address}", method=method).status_code == 200
    assert registry.champions(lake_of(app)) == {"form": CHALLENGER, "full": FULL}
    app.config["WTF_CSRF_ENABLED"] = True
    assert promote(admin, "seed", serving="").status_code == 400
    assert registry.champions(lake_of(app)) == {"form": CHALLENGER, "full": FULL}
