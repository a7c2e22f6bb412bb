"""An answer is stored with how long it took: alone, or its part of what many took together."""

from types import SimpleNamespace
from typing import Any

import pytest
from flask import Flask
from pages import send
from sqlalchemy import select
from web import ANSWERS, StandIn, database_of

from payoff.errors import StorageError
from webapp import answering, gathering, lots
from webapp.predictions import typed_answers
from webapp.storage.history import Circumstances
from webapp.storage.tables import Details, StoredPrediction


@pytest.fixture
def half_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    """What lies between two looks at the clock."""
    monkeypatch.setattr(answering, "time", SimpleNamespace(perf_counter=iter([7.0, 7.5]).__next__))


def took(app: Flask) -> list[float | None]:
    with database_of(app).session() as session:
        return list(session.scalars(select(StoredPrediction.milliseconds)))


@pytest.mark.usefixtures("half_a_second")
def test_an_answer_keeps_the_milliseconds_from_question_to_answer(app: Flask) -> None:
    with app.app_context():
        answering.answer_form(ANSWERS, Circumstances("form"))
    assert took(app) == [500]


@pytest.mark.usefixtures("half_a_second")
def test_each_of_many_answers_keeps_its_part_of_the_time(app: Flask) -> None:
    model = StandIn()
    asked = [(typed_answers(model, ANSWERS), Circumstances("api")) for _ in range(4)]
    with app.app_context():
        assert len(answering.answer_forms(model, asked)) == 4
    assert took(app) == [125] * 4


def test_the_same_application_is_predicted_once_and_stored_each_time(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    judge = answering.judged

    def counted(model: Any, features: Any, terms: Any) -> Any:
        asked.append(len(features))
        return judge(model, features, terms)

    monkeypatch.setattr(answering, "judged", counted)
    with app.app_context():
        first = answering.answer_form(ANSWERS, Circumstances("form", application="A"))
        second = answering.answer_form(ANSWERS, Circumstances("form", application="B"))
        number, short = answering.answer_shortly(first.answers, Circumstances("api", application="C"))
    assert asked == [1]
    assert first.prediction == second.prediction == short
    assert first.explanation == second.explanation
    with database_of(app).session() as session:
        stored = session.execute(select(StoredPrediction.id, StoredPrediction.application)).all()
        reasons = dict(session.execute(select(Details.prediction_id, Details.reasons)).all())
    assert [tuple(row) for row in stored] == [(first.number, "A"), (second.number, "B"), (number, "C")]
    assert reasons[first.number] == reasons[second.number]
    assert reasons[number] is None


def test_a_lot_is_judged_and_stored_as_one_and_each_gets_its_own_number(app: Flask) -> None:
    def member(place: int) -> tuple[int, int, float]:
        with app.app_context():
            answers = typed_answers(StandIn(), ANSWERS | {"loan_amount_czk": str(60_000 + 1_200 * place)})
            number, prediction = answering.answer_shortly(answers, Circumstances("api", application=f"A{place % 3}"))
            return place, number, prediction.payoff_probability

    given = lots.run([lambda place=place: member(place) for place in range(7)])
    with database_of(app).session() as session:
        rows = {row.id: row for row in session.scalars(select(StoredPrediction))}
    assert len({rows[number].made_at for _, number, _ in given}) == 1
    for place, number, probability in given:
        assert (rows[number].amount_czk, rows[number].application) == (60_000 + 1_200 * place, f"A{place % 3}")
        assert rows[number].payoff_probability == probability


def test_an_answer_that_cannot_be_stored_leaves_its_neighbours_theirs(app: Flask) -> None:
    answers = typed_answers(StandIn(), ANSWERS)

    def member(user_id: int | None) -> object:
        with app.app_context():
            try:
                return answering.answer_shortly(answers, Circumstances("api", user_id=user_id))[0]
            except StorageError as error:
                return error

    # There is no user 99, which SQLite finds out as it stores the row.
    first, refused, last = lots.run([lambda user=user: member(user) for user in (None, 99, None)])
    assert isinstance(refused, StorageError)
    with database_of(app).session() as session:
        assert set(session.scalars(select(StoredPrediction.id))) == {first, last}


def test_more_than_can_wait_is_answered_with_503_and_when_to_come_back(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gathering, "PATIENCE_SECONDS", -1.0)
    page = send(app.test_client(), ANSWERS)
    assert page.status_code == 503
    assert page.headers["Retry-After"] == "1"
    assert "Many are asking at the moment" in page.text
