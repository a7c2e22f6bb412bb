"""Promotions and rollbacks: what stands against them, and who did what why."""

import numpy as np
from flask.testing import FlaskClient
from pages import words
from published import CERTAIN, publish
from sqlalchemy import text
from staffed import CHALLENGER, CHAMPION, FULL, lake_of
from web import audited

from payoff import registry


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
    (entry,) = audited(app, "model.promoted")
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
    assert audited(app, "model.promoted") == []
    assert promote(admin, force="yes", reason="the old one is withdrawn").status_code == 302
    assert registry.champion(lake_of(app)) == CHALLENGER
    (entry,) = audited(app, "model.promoted")
    assert entry.details["reason"] == "the old one is withdrawn"
    assert "significantly worse" in entry.details["forced"][0]
    page = words(admin.get(f"/staff/models/{CHALLENGER}"))
    assert f"promoted; it replaced {CHAMPION}" in page
    assert "Forced, although" in page
    page = words(admin.get(f"/staff/models/{CHAMPION}"))
    # The newest first.
    assert 0 < page.index(f"replaced by {CHALLENGER}") < page.index("promoted as the first of its set")


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
    assert promote(admin, force="yes", reason="x" * 500).status_code == 302


def test_a_damaged_version_is_not_promoted(app, admin):
    lake_of(app).write(f"models/{CHALLENGER}/predictor/note.txt", b"half")
    answer = promote(admin, force="yes", reason="why not")
    assert answer.status_code == 409
    assert "incomplete or damaged" in words(answer)
    assert registry.champion(lake_of(app)) == CHAMPION
    assert audited(app, "model.promoted") == []


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
    (entry,) = audited(app, "model.rolled_back")
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
