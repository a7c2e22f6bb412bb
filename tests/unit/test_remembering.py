"""What a model said is remembered for as long as the model is used."""

import gc

import pytest
from web import StandIn

from webapp import remembering
from webapp.remembering import Remembered


def test_a_question_is_asked_once_of_each_model() -> None:
    noted: list[bool] = []
    asked: list[object] = []
    remembered: Remembered[int] = Remembered(noted.append)
    one, other = StandIn(), StandIn()

    def ask(model: StandIn, question: str) -> int:
        return remembered.get(model, question, lambda: asked.append((model, question)) or len(asked))

    assert [ask(one, "a"), ask(one, "a"), ask(other, "a"), ask(one, "b"), ask(one, "a")] == [1, 1, 2, 3, 1]
    assert noted == [False, True, False, False, True]


def test_the_least_recently_asked_is_forgotten_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remembering, "MOST", 2)
    remembered: Remembered[str] = Remembered()
    model = StandIn()
    for question in ("a", "b", "a", "c"):
        remembered.get(model, question, lambda: "first")
    again = [remembered.get(model, question, lambda: "again") for question in ("a", "c", "b")]
    assert again == ["first", "first", "again"]


def test_an_error_is_not_remembered() -> None:
    remembered: Remembered[str] = Remembered()
    model = StandIn()

    def fails() -> str:
        raise ValueError("for once")

    with pytest.raises(ValueError, match="for once"):
        remembered.get(model, "a", fails)
    assert remembered.get(model, "a", lambda: "answered") == "answered"


def test_a_model_out_of_use_takes_its_answers_with_it() -> None:
    remembered: Remembered[str] = Remembered()
    model = StandIn()
    remembered.get(model, "a", lambda: "answered")
    assert len(remembered._held) == 1
    del model
    gc.collect()
    assert len(remembered._held) == 0
