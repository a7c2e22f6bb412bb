"""Other terms: probabilities in one batch, and the largest amount that can be counted on."""

from typing import Any

import pytest
from amounts import LOW, ByAmount, knowing
from hypothesis import given
from hypothesis import strategies as st
from web import ANSWERS, StandIn

from payoff.errors import ModelError
from webapp.predictions import Terms, predict, typed_answers
from webapp.whatif import amounts, largest_amount, probabilities, what_if

STEPS = 30


def typed(model: StandIn, **changed: Any) -> Any:
    return typed_answers(model, ANSWERS | changed)


def test_amounts_are_whole_thousands_within_what_the_model_has_seen() -> None:
    assert amounts(knowing(4_980, 8_999)) == (5_000, 6_000, 7_000, 8_000)
    assert amounts(knowing(5_000, 6_000)) == (5_000, 6_000)
    assert amounts(knowing(5_100, 5_900)) == ()
    assert amounts(knowing(0, 1_000)) == (1_000,)


def verdict_of(model: StandIn, amount: float, duration: float = 24) -> str:
    """What the form would answer."""
    return predict(model, typed(model, loan_amount_czk=amount, loan_duration_months=duration)).prediction


@given(st.lists(st.booleans(), min_size=1, max_size=STEPS))
def test_the_largest_amount_is_granted_as_is_every_smaller_one_and_the_next_is_not(granted: list[bool]) -> None:
    model = ByAmount(granted)
    found = largest_amount(model, typed(model), 24)
    smallest, biggest = LOW, LOW + 1000 * (len(granted) - 1)
    if found is None:
        assert verdict_of(model, smallest) == "default"
        return
    assert {verdict_of(model, amount) for amount in range(smallest, int(found) + 1, 1000)} == {"paid_off"}
    assert found == biggest or verdict_of(model, found + 1000) == "default"


@given(st.sampled_from([6, 12, 24, 60, 120]), st.floats(-10_000, 60_000))
def test_a_model_without_islands_grants_up_to_the_largest_amount_and_nothing_beyond(months: int, low: float) -> None:
    model = StandIn()
    answers = typed(model, transaction_balance_min_180d=low, month_balance_min_mean_180d=60_000)
    found = largest_amount(model, answers, months)
    curve = what_if(model, {**answers, "loan_duration_months": months}).curve
    granted = [amount for amount, payoff in curve if payoff > 0.8]
    assert found == max(granted, default=None)
    tried = amounts(model.metadata)
    assert granted == [amount for amount in tried if found is not None and amount <= found]


def test_an_island_beyond_the_first_doubtful_amount_is_not_counted_on() -> None:
    model = ByAmount([True, True, False, True, True])
    assert largest_amount(model, typed(model), 24) == LOW + 1000


def test_nothing_can_be_tried_where_the_model_has_seen_no_whole_thousand() -> None:
    model = StandIn(knowing(5_100, 5_900))
    found = what_if(model, typed(model))
    assert found.curve == ()
    assert found.largest_amount_czk is None
    assert found.payoff_probability == predict(model, typed(model)).payoff_probability


def test_everything_is_asked_of_the_model_at_once() -> None:
    model = ByAmount([True] * STEPS)
    found = what_if(model, typed(model, loan_amount_czk=LOW + 3000))
    assert model.batches == 1
    assert len(found.curve) == STEPS
    assert found.largest_amount_czk == LOW + 1000 * (STEPS - 1)


@given(st.floats(1_000, 2_000_000), st.integers(6, 120))
def test_other_terms_get_the_prediction_that_the_form_would_give(amount: float, months: int) -> None:
    model = StandIn()
    asked = typed(model, loan_amount_czk=amount, loan_duration_months=months)
    expected = predict(model, asked)
    assert probabilities(model, typed(model), [Terms(amount, months)])[0] == expected.payoff_probability
    found = what_if(model, asked)
    assert found.payoff_probability == pytest.approx(expected.payoff_probability, abs=1e-12)
    assert (found.verdict, found.terms) == (expected.prediction, expected.terms)


def test_other_terms_leave_the_answers_as_they_are() -> None:
    model = StandIn()
    answers = typed(model)
    before = dict(answers)
    largest_amount(model, answers, 60)
    assert answers == before


def test_what_is_no_probability_is_refused() -> None:
    with pytest.raises(ModelError, match="no probability"):
        what_if(StandIn(fixed=1.5), typed(StandIn()))
