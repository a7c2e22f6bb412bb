import json
from datetime import date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from web import ANSWERS as GOOD

from features.answer_files import read_answers
from features.answers import form_features, validated, validated_terms
from features.questions import QUESTIONS
from payoff.errors import ContractError, InvalidAnswers

DISTRICTS = {"Benesov": 8507.0, "Praha": 12541.0}


def problems(**changed: object) -> dict[str, str]:
    with pytest.raises(InvalidAnswers) as caught:
        validated(GOOD | changed, DISTRICTS)
    return caught.value.fields


def test_text_and_numbers_are_taken_alike():
    typed = validated(GOOD, DISTRICTS)
    assert typed == validated({name: str(value) for name, value in GOOD.items()}, DISTRICTS)
    assert typed["granted_on"] == date(1997, 5, 10)
    assert typed["transaction_count"] == 120.0


def test_features_follow_from_the_answers():
    (row,) = form_features([validated(GOOD, DISTRICTS)], DISTRICTS).to_dict("records")
    assert row["loan_instalment_czk"] == 3373
    assert row["account_age_days"] == 800
    assert row["district_average_salary_czk"] == 8507
    assert row["transaction_balance_last_per_instalment"] == pytest.approx(30000 / 3373)


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: question.name)
def test_a_missing_answer_is_named(question):
    without = {name: value for name, value in GOOD.items() if name != question.name}
    with pytest.raises(InvalidAnswers) as caught:
        validated(without, DISTRICTS)
    assert caught.value.fields[question.name] == "is missing"


HOSTILE = [None, True, [], {}, [1], {"a": 1}, "", "abc", "1_000", "nan", "inf", float("nan"), float("-inf"), 10**400,
           -(10**30), "1e999", "'; drop table loans; --", "<script>", "\x00", "\ud800", "9" * 5000, "0x10"]  # fmt: skip


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: question.name)
@pytest.mark.parametrize("value", HOSTILE, ids=lambda value: repr(value)[:20])
def test_a_hostile_answer_is_named_and_not_repeated(question, value):
    found = problems(**{question.name: value})
    assert question.name in found
    assert "script" not in found[question.name]


def test_every_wrong_field_is_named_at_once():
    wrong = {"loan_amount_czk": -1, "district": "Atlantis", "granted_on": "10. 5. 1997", "card_type": "platinum"}
    assert problems(**wrong).keys() == wrong.keys()


@pytest.mark.parametrize(
    ("changed", "field", "reason"),
    [
        ({"loan_amount_czk": 999}, "loan_amount_czk", "must be at least 1,000 CZK"),
        ({"loan_duration_months": 121}, "loan_duration_months", "must be at most 120 months"),
        ({"loan_duration_months": 24.5}, "loan_duration_months", "must be a whole number"),
        ({"granted_on": "1997-02-30"}, "granted_on", "is not a date; write it as YYYY-MM-DD"),
        ({"granted_on": datetime(1997, 5, 10)}, "granted_on", "is not a date; write it as YYYY-MM-DD"),
        ({"granted_on": "1989-12-31"}, "granted_on", "must not be before 1990-01-01"),
        ({"granted_on": "2101-01-01"}, "granted_on", "must not be after 2100-12-31"),
        ({"card_type": "platinum"}, "card_type", "must be one of 'none', 'junior', 'classic' or 'gold'"),
        ({"district": "Atlantis"}, "district", "is none of the 2 districts; the form lists them"),
        ({"colour": "red"}, "colour", "is not asked for"),
        ({"opened_on": "1997-05-10"}, "opened_on", "must be before the day of the grant"),
        ({"opened_on": "1959-01-01"}, "opened_on", "must not be before the owner was born"),
        ({"owner_born_on": "1990-01-01", "opened_on": "1996-01-01"}, "owner_born_on",
         "must make the owner 12 to 120 years old on the day of the grant"),
        ({"transaction_count_90d": 121}, "transaction_count_90d", "cannot be more than all transactions so far"),
        ({"month_balance_min_mean_180d": 4000}, "month_balance_min_mean_180d",
         "cannot be below the lowest balance of the same six months"),
    ],
)  # fmt: skip
def test_the_reason_says_what_was_expected(changed, field, reason):
    assert problems(**changed)[field] == reason


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@given(st.dictionaries(st.sampled_from([question.name for question in QUESTIONS]) | st.text(max_size=8), json_values))
def test_any_json_is_either_answered_or_refused_by_name(answers):
    try:
        typed = validated(GOOD | answers, DISTRICTS)
    except InvalidAnswers as error:
        refused, typed = error.fields, {}
    else:
        refused = {}
    # Refused with reasons that can be sent, or taken with a value for every question.
    assert json.loads(json.dumps(refused)) or typed.keys() == GOOD.keys()


def test_a_file_of_one_object_and_one_of_several_give_the_same_rows(tmp_path):
    (tmp_path / "one.json").write_text(json.dumps(GOOD), encoding="utf-8")
    (tmp_path / "two.json").write_text(json.dumps([GOOD, GOOD]), encoding="utf-8-sig")
    typed = validated(GOOD, DISTRICTS)
    assert [validated(row, DISTRICTS) for row in read_answers(tmp_path / "one.json")] == [typed]
    assert [validated(row, DISTRICTS) for row in read_answers(tmp_path / "two.json")] == [typed, typed]


@pytest.mark.parametrize("content", [b"{", b"[1]", b"\xff", b"a,b\n1,2"])
def test_a_file_that_is_no_json_is_refused(tmp_path, content):
    (tmp_path / "a.json").write_bytes(content)
    with pytest.raises(ContractError, match="not UTF-8 text with JSON objects"):
        read_answers(tmp_path / "a.json")


TERMS = {"account_id": "2", "loan_amount_czk": "80952.25", "loan_duration_months": "24", "granted_on": "1994-01-05"}


def test_an_account_and_its_terms_are_typed():
    typed = validated_terms(TERMS)
    assert typed == {
        "account_id": 2.0, "loan_amount_czk": 80952.25, "loan_duration_months": 24.0, "granted_on": date(1994, 1, 5),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("changed", "field", "reason"),
    [
        ({"account_id": "0"}, "account_id", "must be at least 1"),
        ({"account_id": "2.5"}, "account_id", "must be a whole number"),
        ({"account_id": "9" * 400}, "account_id", "must be at most 2,147,483,647"),
        ({"account_id": None}, "account_id", "is not a number"),
        ({"loan_amount_czk": "0.125"}, "loan_amount_czk", "must be at least 1,000 CZK"),
        ({"loan_amount_czk": "1000.125"}, "loan_amount_czk", "must have at most two digits after the point"),
        ({"loan_duration_months": "1000"}, "loan_duration_months", "must be at most 120 months"),
        ({"granted_on": "5.1.1994"}, "granted_on", "is not a date; write it as YYYY-MM-DD"),
        ({"district": "Benesov"}, "district", "is not asked for"),
    ],
)
def test_impossible_terms_are_named(changed, field, reason):
    with pytest.raises(InvalidAnswers) as refused:
        validated_terms(TERMS | changed)
    assert refused.value.fields == {field: reason}
