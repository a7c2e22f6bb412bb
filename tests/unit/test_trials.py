"""Champion and challenger: who answers, and what the other says unseen."""

import logging
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from flask import Flask
from predicted import NOON
from scipy.stats import binomtest
from sqlalchemy import select
from web import ANSWERS, DISTRICTS, Served, StandIn, metadata, program, settings

from features.answers import form_features, validated
from payoff.errors import ModelError
from payoff.metadata import District
from webapp import create_app
from webapp import trials as runtime
from webapp.answering import answer_features
from webapp.predictions import Terms
from webapp.public.reference import Reference
from webapp.storage import EXTENSION as DATABASE
from webapp.storage.history import Circumstances
from webapp.storage.tables import Details, ModelVersion, ShadowScore, StoredPrediction
from webapp.trials import MOST_WAITING, Shadows, arm_of, features_needed

pytestmark = pytest.mark.usefixtures("quick_passwords")


class Broken(StandIn):
    """A model that always fails, in a way that no program foresees."""

    def default_probabilities(self, features: pd.DataFrame) -> np.ndarray:
        raise RuntimeError("out of memory")


def challenger(fixed: float = 0.5, **changed: Any) -> StandIn:
    return StandIn(metadata("challenger").model_copy(update=changed), fixed)


def app_of(directory: Path, mode: str, opponent: StandIn | None, share: float = 0.1) -> Flask:
    models = Served(StandIn(), challenger=opponent)
    return create_app(settings(directory, challenger=mode, challenger_share=share), models=models)


def ask(app: Flask, times: int = 1) -> list[dict[str, Any]]:
    """Ask the API, and wait for what is scored unseen."""
    client = program(app)
    answers = [client.post("/api/v1/predict", json=ANSWERS) for _ in range(times)]
    assert all(answer.status_code == 200 for answer in answers)
    if waiting := app.extensions.get(runtime.EXTENSION):
        waiting.wait()
    return [answer.json for answer in answers]


def stored(app: Flask, *columns: Any) -> list[Any]:
    with app.extensions[DATABASE].session() as session:
        return list(session.execute(select(*columns)))


def test_an_application_always_gets_the_same_arm() -> None:
    assert [arm_of(f"loan {number}", 0.3) for number in range(50)] == [
        arm_of(f"loan {number}", 0.3) for number in range(50)
    ]
    # Fixed for good: a change of the salt would deal all applications anew.
    dealt = [number for number in range(20) if arm_of(f"loan {number}", 0.3) == "challenger"]
    assert dealt == [
        1,
        2,
        4,
        5,
        6,
        8,
        10,
        19,
    ]


@pytest.mark.parametrize("share", [0.01, 0.1, 0.5, 0.9])
def test_the_share_is_kept_as_a_fair_coin_would(share: float) -> None:
    dealt = sum(arm_of(f"application {number}", share) == "challenger" for number in range(20_000))
    assert binomtest(dealt, 20_000, share).pvalue > 0.001


def test_a_larger_share_keeps_whom_it_had() -> None:
    names = [str(number) for number in range(2_000)]
    small = {name for name in names if arm_of(name, 0.1) == "challenger"}
    large = {name for name in names if arm_of(name, 0.3) == "challenger"}
    assert small < large


def test_any_text_can_be_the_reference_of_an_application() -> None:
    assert {arm_of(name, 0.5) for name in ("", "žluťoučký", "x" * 64, "\N{PILE OF POO}")} <= {"champion", "challenger"}


def test_nobody_but_the_champion_is_asked_where_the_challenger_is_off(tmp_path: Path) -> None:
    app = app_of(tmp_path, "off", Broken(metadata("challenger")))
    ask(app)
    assert stored(app, StoredPrediction.arm) == [(None,)]
    assert stored(app, ShadowScore.prediction_id) == []


def test_a_shadow_score_is_stored_and_changes_no_answer(tmp_path: Path) -> None:
    (without,) = ask(app_of(tmp_path / "off", "off", None))
    app = app_of(tmp_path / "shadow", "shadow", challenger(0.4))
    (answer,) = ask(app)
    # But for the reference, which is drawn anew.
    assert answer | {"application": ""} == without | {"application": ""}
    assert stored(app, ShadowScore.prediction_id, ShadowScore.payoff_probability, ShadowScore.verdict) == [
        (1, 0.6, "default")
    ]
    assert stored(app, ModelVersion.version) == [(metadata().version,), ("challenger",)]
    assert stored(app, StoredPrediction.arm) == [(None,)]


def test_an_application_from_features_is_scored_unseen_too(tmp_path: Path) -> None:
    app = app_of(tmp_path, "shadow", challenger())
    typed = validated(ANSWERS, metadata().salaries)
    with app.app_context():
        answered = answer_features(
            "form", form_features([typed], metadata().salaries), Terms(80_952, 24), Circumstances("lookup")
        )
        app.extensions[runtime.EXTENSION].wait()
    assert stored(app, ShadowScore.prediction_id) == [(answered.number,)]


def test_a_shadow_that_fails_is_logged_and_left_out(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    app = app_of(tmp_path, "shadow", Broken(metadata("challenger")))
    ask(app, 2)
    assert stored(app, ShadowScore.prediction_id) == []
    assert caplog.text.count("has no shadow score") == 2
    assert "out of memory" in caplog.text


def test_an_answer_does_not_wait_for_the_shadow(tmp_path: Path) -> None:
    gate = threading.Event()

    class Hesitant(Served):
        def challenger(self, feature_set: str = "form") -> StandIn | None:
            assert gate.wait(20)
            return super().challenger(feature_set)

    models = Hesitant(StandIn(), challenger=challenger())
    app = create_app(settings(tmp_path, challenger="shadow"), models=models)
    assert program(app).post("/api/v1/predict", json=ANSWERS).status_code == 200
    assert stored(app, ShadowScore.prediction_id) == []
    gate.set()
    app.extensions[runtime.EXTENSION].wait()
    assert stored(app, ShadowScore.prediction_id) == [(1,)]


def test_shadows_that_pile_up_are_left_out(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    app = app_of(tmp_path, "shadow", challenger())
    gate = threading.Event()
    shadows = Shadows(app.extensions["payoff.models"], app.extensions[DATABASE])

    def hold(model: Any) -> Any:
        gate.wait(20)
        raise ModelError("only to wait")

    for number in range(MOST_WAITING + 3):
        shadows.score("form", number, hold)
    assert caplog.text.count("others wait") == 3
    gate.set()
    shadows.wait()
    shadows.score("form", 1, hold)
    shadows.wait()
    assert caplog.text.count("others wait") == 3


def test_an_answer_is_given_while_the_process_ends(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    app = app_of(tmp_path, "shadow", challenger())
    ask(app)
    app.extensions[runtime.EXTENSION].close()
    assert program(app).post("/api/v1/predict", json=ANSWERS).status_code == 200
    assert "the process ends" in caplog.text
    assert stored(app, ShadowScore.prediction_id) == [(1,)]


def test_scores_that_wait_are_made_before_the_process_ends(tmp_path: Path) -> None:
    app = app_of(tmp_path, "shadow", challenger())
    shadows, gate, asked = Shadows(app.extensions["payoff.models"], app.extensions[DATABASE]), threading.Event(), []

    def hesitant(model: Any) -> Any:
        gate.wait(20)
        asked.append(model)
        raise ModelError("only to be asked")

    for number in range(3):
        shadows.score("form", number, hesitant)
    threading.Timer(0.1, gate.set).start()
    shadows.close()
    assert len(asked) == 3


def test_the_reasons_that_are_stored_are_those_of_the_model_that_answered(tmp_path: Path) -> None:
    app = app_of(tmp_path, "split", challenger(0.123), share=0.999)
    ask(app)
    ((reasons,),) = stored(app, Details.reasons)
    assert reasons[0]["base"] == pytest.approx(0.877)


def test_a_split_answers_with_the_arm_of_the_application(tmp_path: Path) -> None:
    app = app_of(tmp_path, "split", challenger(0.123), share=0.5)
    told = ask(app, 30)
    rows = stored(app, StoredPrediction.application, StoredPrediction.arm, StoredPrediction.payoff_probability)
    assert {arm for _, arm, _ in rows} == {"champion", "challenger"}
    for application, arm, payoff in rows:
        assert arm == arm_of(application, 0.5)
        assert (payoff == pytest.approx(0.877)) == (arm == "challenger")
    assert [answer["model_version"] == "challenger" for answer in told] == [arm == "challenger" for _, arm, _ in rows]
    assert stored(app, ShadowScore.prediction_id) == []


def test_the_page_speaks_of_the_model_that_answered(tmp_path: Path) -> None:
    app = app_of(tmp_path, "split", challenger(0.123, threshold=0.05), share=0.999)
    app.config["WTF_CSRF_ENABLED"] = False
    page = app.test_client().post("/", data=ANSWERS)
    assert "Model challenger" in page.text
    assert "Payoff is doubtful" in page.text


def test_the_page_of_an_answer_needs_no_look_at_the_lake_whoever_answered(tmp_path: Path) -> None:
    class InMemory(Served):
        def version(self, version: str) -> StandIn:
            raise ModelError(f"{version} would have to be fetched")

    app = create_app(settings(tmp_path), models=InMemory(StandIn(), challenger=challenger()))
    with app.app_context():
        for held in ("challenger", metadata().version):
            assert Reference(1, held, NOON).model.metadata.version == held
        with pytest.raises(ModelError, match="fetched"):
            assert Reference(1, "replaced since", NOON).model


def test_a_challenger_that_fails_never_reaches_the_person(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    app = app_of(tmp_path, "split", Broken(metadata("challenger")), share=0.999)
    (told,) = ask(app)
    assert told["model_version"] == metadata().version
    assert stored(app, StoredPrediction.arm) == [("champion",)]
    assert "out of memory" in caplog.text


def test_a_challenger_that_gives_no_probability_never_reaches_the_person(tmp_path: Path) -> None:
    (told,) = ask(app_of(tmp_path, "split", challenger(float("nan")), share=0.999))
    assert told["model_version"] == metadata().version


def test_without_a_challenger_there_is_no_arm(tmp_path: Path) -> None:
    app = app_of(tmp_path, "split", None)
    ask(app)
    assert stored(app, StoredPrediction.arm) == [(None,)]


@pytest.mark.parametrize("mode", ["split", "shadow"])
def test_a_challenger_that_lacks_districts_takes_no_part(
    tmp_path: Path, mode: str, caplog: pytest.LogCaptureFixture
) -> None:
    app = app_of(tmp_path, mode, challenger(districts=DISTRICTS[:2]), share=0.999)
    (told,) = ask(app)
    assert told["model_version"] == metadata().version
    assert stored(app, ShadowScore.prediction_id) == []
    assert "it lacks 4 districts" in caplog.text


def test_answers_are_checked_against_what_the_form_offered(tmp_path: Path) -> None:
    more = (*DISTRICTS, District(name="Zlin", region="south Moravia", average_salary_czk=8_800))
    app = app_of(tmp_path, "split", challenger(districts=more), share=0.999)
    refused = program(app).post("/api/v1/predict", json=ANSWERS | {"district": "Zlin"})
    assert refused.status_code == 400


def test_lookups_compute_the_features_of_both_models_where_both_may_be_asked(tmp_path: Path) -> None:
    opponent = challenger(features=("card_type", "new_feature"))
    for mode, both in (("off", False), ("shadow", True), ("split", True)):
        with app_of(tmp_path / mode, mode, opponent).app_context():
            assert ("new_feature" in features_needed("form")) == both
            assert set(metadata().features) <= features_needed("form")


def test_the_failure_of_the_champion_is_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL)
    app = create_app(settings(tmp_path, challenger="split"), models=Served(ModelError("none")))
    assert program(app).post("/api/v1/predict", json=ANSWERS).status_code == 503
