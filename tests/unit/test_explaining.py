"""Explanations: of loans that do not contradict themselves, in groups that people understand, adding up."""

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from web import ANSWERS, DOUBTFUL, StandIn, app_with, background, metadata, program

from features.answers import form_features, validated
from features.derived import rederived
from features.sets import SET_NAMES, every_candidate, feature_set
from payoff.errors import ContractError
from webapp import storage
from webapp.explaining import (
    Explanation,
    Reason,
    as_json,
    explain,
    explain_many,
    from_json,
    groups,
    principal_reasons,
    quick_reasons,
)
from webapp.explaining.mixing import ROWS
from webapp.explaining.wording import LABELS, label
from webapp.storage.tables import Details

SALARIES = {district.name: district.average_salary_czk for district in metadata().districts}


def loans(*answers: dict[str, Any]) -> pd.DataFrame:
    return form_features([validated(each, SALARIES) for each in answers], SALARIES)


class Watched(StandIn):
    """Keeps every loan that it was asked about."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[pd.DataFrame] = []

    def default_probabilities(self, features: pd.DataFrame) -> np.ndarray:
        self.asked.append(features)
        return super().default_probabilities(features)


def whole(explanation: Explanation) -> float:
    return explanation.base + sum(reason.effect for reason in explanation.reasons)


@pytest.mark.parametrize("thorough", [False, True])
@pytest.mark.parametrize("answers", [ANSWERS, DOUBTFUL])
def test_base_and_effects_add_up_to_the_probability_of_payoff(answers, thorough):
    model, loan = StandIn(), loans(answers)
    explanation = explain(model, loan, thorough=thorough)
    assert whole(explanation) == pytest.approx(1 - model.default_probabilities(loan)[0], abs=1e-9)
    assert explanation.base == pytest.approx(1 - model.default_probabilities(model.background).mean(), abs=1e-12)
    assert {reason.key for reason in explanation.reasons} == set(groups.groups("form"))
    sizes = [abs(reason.effect) for reason in explanation.reasons]
    assert sizes == sorted(sizes, reverse=True)


def test_no_loan_is_scored_that_contradicts_itself():
    model = Watched()
    explain(model, loans(ANSWERS))
    explain(model, loans(DOUBTFUL), thorough=True)
    quick_reasons(model, loans(ANSWERS, DOUBTFUL), 3)
    asked = pd.concat(model.asked)
    assert len(asked) > 1_000
    instalment = asked["loan_amount_czk"] / asked["loan_duration_months"]
    assert asked["loan_instalment_czk"].equals(instalment)
    for column in ("transaction_balance_last", "transaction_balance_min_180d", "month_income_mean_180d"):
        assert asked[f"{column}_per_instalment"].equals(asked[column] / instalment)


def test_what_is_derived_from_changed_figures_is_derived_again_and_what_needs_others_is_kept():
    form, before = feature_set("form"), background()
    after = rederived(before.assign(loan_amount_czk=2 * before["loan_amount_czk"]), form)
    assert after["loan_instalment_czk"].equals(2 * before["loan_instalment_czk"])
    ratio = "month_income_mean_180d_per_instalment"
    np.testing.assert_allclose(after[ratio], before[ratio] / 2, rtol=1e-12)
    assert after[["account_age_days", "owner_age_years"]].equals(before[["account_age_days", "owner_age_years"]])
    without = before.drop(columns="loan_duration_months").assign(loan_amount_czk=1.0)
    assert rederived(without, form).equals(without)
    synthesised = pd.DataFrame({"loan_amount_czk": [1.0], "transaction_balance_min_per_income": [3.0]})
    assert rederived(synthesised, feature_set("full")).equals(synthesised)


def test_mixed_loans_have_no_values_but_those_of_the_loan_and_the_background():
    model, loan = Watched(), loans(DOUBTFUL)
    explain(model, loan)
    (asked,) = model.asked
    for name in ("card_type", "owner_age_years", "transaction_count", "loan_amount_czk"):
        assert set(asked[name]) == {*model.background[name], *loan[name]}
    for names in groups.groups("form").values():
        kept = [name for name in names if not name.endswith(("_per_instalment", "_instalment_czk"))]
        known = pd.concat([model.background, loan])[kept].drop_duplicates()
        assert len(asked[kept].drop_duplicates()) == len(known)


def test_a_quick_explanation_is_one_call_of_the_model_and_a_thorough_one_is_several_times_as_many_rows():
    model = Watched()
    explain(model, loans(ANSWERS))
    (quick,) = (len(each) for each in model.asked)
    assert quick == 1 + len(background()) * len(groups.groups("form"))
    explain(model, loans(ANSWERS), thorough=True)
    assert sum(len(each) for each in model.asked[1:]) > 5 * quick


def test_the_model_is_never_given_more_rows_at_once_than_others_can_wait_for():
    model = Watched()
    quick_reasons(model, loans(*[ANSWERS] * 700), 1)
    assert max(len(each) for each in model.asked) <= ROWS
    assert len(model.asked) < 6


def test_the_same_question_has_the_same_explanation_wherever_it_stands():
    model, both = StandIn(), loans(ANSWERS, DOUBTFUL)
    assert explain(model, both.iloc[[1]]) == explain(StandIn(), loans(DOUBTFUL))
    one, other = quick_reasons(model, both, 4)
    assert [other, one, other] == quick_reasons(model, both.iloc[[1, 0, 1]], 4)


class Additive(StandIn):
    """Three groups, each on its own."""

    def default_probabilities(self, features: pd.DataFrame) -> np.ndarray:
        low = 0.3 * (features["transaction_balance_min_180d"] < 6_000)
        return (0.1 + low + 0.2 * (features["card_type"] == "none") + 1e-4 * features["owner_age_years"]).to_numpy()


def test_where_groups_act_alone_every_kind_of_explanation_says_the_same_and_it_is_exact():
    model, asked = Additive(), loans(ANSWERS, DOUBTFUL)
    for place, batch in enumerate(explain_many(model, asked)):
        loan = asked.iloc[[place]]
        effects = {reason.key: reason.effect for reason in explain(model, loan).reasons}
        share = (model.background["card_type"] == "none").mean()
        assert effects["services"] == pytest.approx(-0.2 * (1 - share), abs=1e-12)
        assert effects["district"] == pytest.approx(0, abs=1e-12)
        thorough = explain(model, loan, thorough=True)
        assert {reason.key: reason.effect for reason in thorough.reasons} == pytest.approx(effects, abs=1e-12)
        assert batch.base == pytest.approx(thorough.base, abs=1e-12)
        assert {reason.key: reason.effect for reason in batch.reasons} == pytest.approx(effects, abs=1e-12)


def test_reasons_of_a_batch_are_the_principal_ones_of_each_verdict():
    beyond_means = ANSWERS | {"loan_amount_czk": 400_000, "transaction_balance_min_180d": 100}
    likely, doubtful = quick_reasons(StandIn(), loans(ANSWERS, beyond_means), 2)
    assert {reason.key for reason in likely.reasons} <= {"lowest_balance", "amount", "duration"}
    assert [reason.key for reason in doubtful.reasons] == ["lowest_balance", "amount"]
    assert all(reason.effect < 0 for reason in doubtful.reasons)
    assert likely.base == doubtful.base == pytest.approx(explain(StandIn(), loans(ANSWERS)).base, abs=1e-12)


def test_a_loan_with_missing_figures_is_explained_and_says_what_is_missing():
    loan = loans(ANSWERS).assign(month_income_mean_180d=np.nan, card_type=None)
    explanation = explain(StandIn(), loan)
    values = {reason.key: reason.values for reason in explanation.reasons}
    assert values["income"][0] == ("month_income_mean_180d", None)
    assert values["services"] == (("card_type", None), ("account_statement_frequency", "monthly"))
    assert values["amount"] == (("loan_amount_czk", 80952.0), ("loan_instalment_czk", 3373.0))
    (batch,) = explain_many(StandIn(), loan)
    json.dumps(as_json(batch), allow_nan=False)


@pytest.mark.parametrize("count", [0, 2])
def test_one_loan_is_explained_at_a_time(count):
    with pytest.raises(ContractError, match=f"got {count}"):
        explain(StandIn(), loans(ANSWERS, DOUBTFUL).head(count))


def test_no_loans_have_no_reasons():
    assert quick_reasons(StandIn(), loans(ANSWERS).head(0), 4) == []


@pytest.mark.parametrize("name", SET_NAMES)
def test_every_feature_of_every_set_belongs_to_exactly_one_group_that_has_a_name(name):
    found = groups.groups(name)
    features = [feature for names in found.values() for feature in names]
    assert sorted(features) == sorted(feature.name for feature in feature_set(name))
    assert len(features) == len(set(features))
    assert len(found) <= 20
    assert set(found) <= set(LABELS)
    assert len({label(key) for key in found}) == len(found)


def test_what_belongs_to_no_group_is_refused_by_name(monkeypatch):
    candidate = next(each for each in every_candidate() if each.slice == "household")
    with pytest.raises(ContractError, match="'leasing', which belongs to no group"):
        groups.synthesised(replace(candidate, slice="leasing", sources=("loan_transactions.amount_czk",)))
    monkeypatch.setattr(groups, "DECLARED", {key: each for key, each in groups.DECLARED.items() if key != "use"})
    with pytest.raises(ContractError, match=r"transaction_amount_mean, transaction_count, .* of the set form"):
        groups.groups.__wrapped__("form")


@pytest.mark.parametrize(
    ("feature", "key"),
    [
        ("transaction_balance_min_180d_per_income", "recent_balance"),
        ("transaction_balance_min_statement_90d", "recent_balance"),
        ("transaction_balance_mean", "balance"),
        ("transaction_balance_min_balance_below_zero_30d", "overdraft"),
        ("transaction_count_sanction_interest", "penalty_interest"),
        ("transaction_amount_share_household_transfer_90d", "household"),
        ("transaction_amount_max_plain_cash", "cash_withdrawals"),
        ("transaction_signed_amount_mean_90d", "net_flow"),
        ("transaction_month_amount_sum_credit_mean_180d", "money_in"),
        ("loan_instalment", "terms"),
    ],
)
def test_a_synthesised_feature_goes_with_what_it_is_about(feature, key):
    assert feature in groups.groups("full")[key]


def test_a_model_of_some_features_has_their_groups_only_and_plain_figures_come_first():
    names = ("transaction_balance_min_90d_per_income", "transaction_balance_min_180d", "card_type")
    assert groups.of_model("full", names) == {
        "services": ("card_type",),
        "recent_balance": ("transaction_balance_min_180d", "transaction_balance_min_90d_per_income"),
    }
    assert groups.of_model("form", ("loan_instalment_czk", "loan_amount_czk")) == {
        "amount": ("loan_amount_czk", "loan_instalment_czk")
    }


def reason(key: str, effect: float, **values: Any) -> Reason:
    return Reason(key, effect, tuple(values.items()))


EXPLANATION = Explanation(
    0.9,
    (
        reason("lowest_balance", -0.3, transaction_balance_min_180d=-12000.0),
        reason("amount", 0.2, loan_amount_czk=50000.0),
        reason("balance", -0.1),
        reason("use", -0.05),
        reason("income", -0.04),
        reason("duration", -0.03),
        reason("district", -0.0004),
    ),
)


def test_a_refusal_has_at_most_four_principal_reasons_and_all_of_them_lowered_the_probability():
    keys = [each.key for each in principal_reasons(EXPLANATION, "default")]
    assert keys == ["lowest_balance", "balance", "use", "income"]
    few = replace(EXPLANATION, reasons=EXPLANATION.reasons[-2:])
    assert [each.key for each in principal_reasons(few, "default")] == ["duration"]


def test_a_likely_payoff_is_told_the_strongest_reasons_up_and_down():
    keys = [each.key for each in principal_reasons(EXPLANATION, "paid_off", 3)]
    assert keys == ["lowest_balance", "amount", "balance"]


def test_an_explanation_survives_being_stored():
    assert from_json(json.loads(json.dumps(as_json(EXPLANATION)))) == EXPLANATION


@pytest.mark.parametrize("answers", [ANSWERS, DOUBTFUL])
def test_an_answer_is_stored_with_its_reasons(tmp_path, answers):
    app = app_with(tmp_path)
    answer = program(app).post("/api/v1/predict", json=answers)
    assert answer.status_code == 200, answer.text
    with app.extensions[storage.EXTENSION].session() as session:
        (details,) = session.query(Details).all()
        stored = from_json(details.reasons)
    assert stored == explain(StandIn(), loans(answers))
    assert whole(stored) == pytest.approx(answer.json["payoff_probability"], abs=1e-9)


def test_the_stand_ins_background_is_of_possible_loans():
    found = background()
    assert list(found.columns) == [feature.name for feature in feature_set("form")]
    assert found.notna().all(axis=None)
    assert found["loan_instalment_czk"].equals(found["loan_amount_czk"] / found["loan_duration_months"])
    lows, means = found["transaction_balance_min_180d"], found["month_balance_min_mean_180d"]
    assert (lows <= means).all()
