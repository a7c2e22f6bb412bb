"""What an account lookup shows first: the features behind the strongest reasons, and the figures furthest out."""

import pytest
from batches import full_metadata
from flask import Flask
from web import metadata

from features.sets import feature_set
from webapp.explaining import Reason
from webapp.predictions import Outside
from webapp.staff.lookup import _features, _how_far, _row

FULL = full_metadata()
VALUES = dict.fromkeys(FULL.features, 1.0) | {"account_statement_frequency": "monthly"}


@pytest.fixture(autouse=True)
def _asked(app: Flask):
    with app.test_request_context():
        yield


def test_how_far_a_figure_lies_beyond_is_told_in_widths_on_either_side():
    def distance(value, low=10.0, high=30.0):
        return _how_far(Outside("", "", value, low, high))

    assert (distance(70.0), distance(-50.0)) == (2, 3)
    # All training loans had the same: there is no width to measure with.
    assert distance(13.0, 10.0, 10.0) == 3


def test_features_of_the_strongest_reasons_come_first_and_all_others_in_the_models_order():
    reasons = [
        Reason("use", 0.01, (("transaction_count", 1.0),)),
        Reason("lows", -0.3, (("transaction_balance_min_180d", 1.0),)),
        Reason("amount", 0.2, (("loan_amount_czk", 1.0), ("loan_instalment", 1.0))),
    ]
    first, rest = _features(FULL, VALUES, reasons)
    declared = {feature.name: feature.label for feature in feature_set("full")}
    leading = ["transaction_balance_min_180d", "loan_amount_czk", "loan_instalment", "transaction_count"]
    assert [row.label for row in first] == [declared[name] for name in leading]
    assert [row.label for row in rest] == [declared[name] for name in FULL.features if name not in leading]


@pytest.mark.parametrize(
    ("value", "outside"),
    [(-34_001, True), (-34_000, False), (0, False), (69_000, False), (69_001, True), (None, False)],
)
def test_a_figure_is_marked_beyond_the_training_loans_and_not_where_few_of_them_lay(value, outside):
    name = "transaction_balance_min_180d"
    (declared,) = (feature for feature in feature_set("form") if feature.name == name)
    assert _row(declared, value, metadata().spreads[name]).outside == outside
