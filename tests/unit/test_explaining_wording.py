"""Reasons in sentences, with one's own figures and what is typical."""

from typing import Any

import pytest
from web import SPREADS, app_with, metadata

from webapp.explaining import Reason
from webapp.explaining.wording import sentence


def reason(key: str, effect: float, **values: Any) -> Reason:
    return Reason(key, effect, tuple(values.items()))


SENTENCES = [
    (
        reason("lowest_balance", -0.142, transaction_balance_min_180d=-12000.0, month_balance_min_mean_180d=-4000.0),
        (
            "The lowest balance in the last six months, −12,000 CZK, is below what is typical (200 to 28,000 CZK); "
            "it lowers the probability of payoff by 14.2 points."
        ),
    ),
    (
        reason("lowest_balance", 0.0312, transaction_balance_min_180d=30000.0),
        (
            "The lowest balance in the last six months, 30,000 CZK, is above what is typical (200 to 28,000 CZK); "
            "it raises the probability of payoff by 3.1 points."
        ),
    ),
    (
        reason("duration", 0.0001, loan_duration_months=24.0),
        (
            "The duration, 24 months, is within what is typical (12 to 60 months); "
            "it hardly moves the probability of payoff."
        ),
    ),
    (
        reason("account_age", -0.01, account_age_days=800.0),
        "The age of the account, 2.2 years, lowers the probability of payoff by 1.0 points.",
    ),
    (
        reason("use", 0.02, transaction_count_90d=None, transaction_count=120.0),
        (
            "The number of transactions so far, 120, is within what is typical (29 to 157); "
            "it raises the probability of payoff by 2.0 points."
        ),
    ),
    (
        reason("services", -0.02, card_type="none", account_statement_frequency="monthly"),
        "“Card and statements” lowers the probability of payoff by 2.0 points. Card: No card. Statements: Every month.",
    ),
    (
        reason("income", 0.02, month_income_mean_180d=None),
        "“Income and spending” raises the probability of payoff by 2.0 points.",
    ),
]


@pytest.mark.parametrize(("given_reason", "words"), SENTENCES)
def test_a_reason_is_said_with_ones_own_figures_and_what_is_typical(given_reason, words):
    assert sentence(given_reason, metadata()).replace("\N{NO-BREAK SPACE}", " ") == words


def test_a_synthesised_reason_is_said_with_its_strongest_figures():
    spread = SPREADS["transaction_count"].model_copy(update={"p10": 0.25, "p90": 0.5})
    described = metadata().model_copy(
        update={"feature_set": "full", "spreads": {"transaction_amount_share_household_90d": spread}}
    )
    said = sentence(
        reason(
            "household", -0.05, transaction_amount_share_household_90d=0.604, transaction_days_since_last_household=12.0
        ),
        described,
    )
    assert said.replace("\N{NO-BREAK SPACE}", " ") == (
        "“Household payments” lowers the probability of payoff by 5.0 points. "
        "Share of the total amount of transactions (household) in the 90 days before the grant: 60.4 %; "
        "typical: 25.0 to 50.0 %. "
        "Days since the last transaction (household) before the grant: 12."
    )


def test_a_stored_reason_of_another_version_of_the_program_can_still_be_said():
    said = sentence(reason("old_group", 0.05, feature_that_is_gone=3.0), metadata())
    assert said == "“Old group” raises the probability of payoff by 5.0 points."


def test_numbers_in_sentences_are_in_the_readers_form(tmp_path):
    with app_with(tmp_path).test_request_context("/?language=cs"):
        assert "14,2" in sentence(SENTENCES[0][0], metadata())
