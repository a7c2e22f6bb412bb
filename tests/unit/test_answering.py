"""An answer is stored with how long it took: alone, or its part of what many took together."""

from types import SimpleNamespace

import pytest
from flask import Flask
from sqlalchemy import select
from web import ANSWERS, StandIn, database_of

from webapp import answering
from webapp.predictions import typed_answers
from webapp.storage.history import Circumstances
from webapp.storage.tables import StoredPrediction


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
