"""As-of lookups: an account, a day and terms give the features that training would have seen."""

from datetime import date
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from bank import exported, settings_in

from features import lookup
from features.leaks import granted as loans_of
from features.lookup import Application, build_for
from features.sets import SET_NAMES, every_candidate, feature_set
from features.table import build
from payoff.errors import ContractError, WarehouseError
from payoff.model import load_model
from payoff.warehouse import Warehouse, open_warehouse

NUMBERS = [candidate.name for candidate in every_candidate() if candidate.dtype == "number"]


def granted(warehouse: Warehouse) -> list[Application]:
    return list(loans_of(warehouse).applications)


@pytest.fixture
def real_warehouse(real_settings):
    with open_warehouse(real_settings.warehouse_url) as warehouse:
        yield warehouse


@pytest.fixture(params=["duckdb", "mariadb"])
def tiny_warehouse(request, tiny_bank, tmp_path):
    url = {} if request.param == "duckdb" else {"warehouse_url": request.getfixturevalue("mariadb_url")}
    settings = settings_in(tmp_path, tiny_bank, **url)
    exported(settings)
    with open_warehouse(settings.warehouse_url) as warehouse:
        yield warehouse


@pytest.mark.parametrize("set_name", SET_NAMES)
def test_a_loan_that_was_granted_gets_its_training_row_again(real_warehouse, set_name):
    batch = build(real_warehouse, set_name).drop(columns=["loan_id", "defaulted"])
    asked = granted(real_warehouse)
    looked_up = build_for(real_warehouse, asked, set_name)
    assert list(looked_up["account_id"]) == [each.account_id for each in asked]
    pd.testing.assert_frame_equal(looked_up.drop(columns="account_id"), batch, check_exact=True)
    for place in (0, 340, 681):
        (alone,) = build_for(real_warehouse, [asked[place]], set_name).to_dict("records")
        assert pd.Series(alone).drop("account_id").equals(batch.iloc[place].astype(object))


def test_both_engines_look_up_what_they_compute_in_a_batch(tiny_warehouse):
    batch = build(tiny_warehouse, "full").drop(columns=["loan_id", "defaulted"])
    looked_up = build_for(tiny_warehouse, granted(tiny_warehouse), "full").drop(columns="account_id")
    pd.testing.assert_frame_equal(looked_up, batch, check_exact=True)


def test_the_marts_are_as_they_were_after_a_lookup_and_after_one_that_failed(tiny_warehouse):
    before = tiny_warehouse.query("select * from loan_transactions order by loan_id, transaction_id")
    build_for(tiny_warehouse, granted(tiny_warehouse)[:1], "seed")
    with pytest.raises(ContractError):
        build_for(tiny_warehouse, [Application(999, date(1999, 1, 1), Decimal(1000), 12)], "seed")
    assert tiny_warehouse.query("select * from loan_transactions order by loan_id, transaction_id") == before


def test_a_mart_that_cannot_be_filled_does_not_hide_the_real_one(tiny_warehouse, monkeypatch):
    before = tiny_warehouse.query("select * from loans order by loan_id")

    def failing(_: Warehouse, mart: str) -> None:
        raise WarehouseError(f"no room for {mart}")

    monkeypatch.setattr(lookup, "fill_mart", failing)
    with pytest.raises(WarehouseError, match="no room"):
        build_for(tiny_warehouse, granted(tiny_warehouse)[:1], "form")
    assert tiny_warehouse.query("select * from loans order by loan_id") == before


def test_only_the_features_asked_for_are_computed(real_warehouse):
    wanted = ["transaction_balance_min_180d", "transaction_count_share_debit", "account_statement_frequency"]
    full = build(real_warehouse, "full")
    some = build(real_warehouse, "full", only=wanted)
    assert sorted(some.columns[3:]) == sorted(wanted)
    pd.testing.assert_frame_equal(some, full[some.columns])


def test_a_later_day_sees_more_and_the_order_of_the_applications_is_kept(real_warehouse):
    first = granted(real_warehouse)[0]
    days = [date(1998, 12, 31), first.granted_on, date(1994, 1, 1)]
    asked = [Application(first.account_id, day, Decimal(30_000), 12) for day in days]
    table = build_for(real_warehouse, asked, "full")
    counts = table["transaction_count"].fillna(0).to_list()
    assert list(table["granted_on"]) == [pd.Timestamp(day) for day in days]
    assert counts == sorted(counts, reverse=True)
    assert table["loan_instalment"].to_list() == [2500.0] * 3


def test_an_account_without_history_has_missing_values_and_still_gets_a_prediction(
    real_lake, trained_full, tiny_bank, tmp_path
):
    header, *rows = (tiny_bank / "trans.asc").read_text(encoding="latin-1").splitlines(keepends=True)
    others = [row for row in rows if row.split(";")[1] != "3"]
    assert len(others) < len(rows)
    (tiny_bank / "trans.asc").write_text("".join([header, *others]), encoding="latin-1")
    settings = settings_in(tmp_path, tiny_bank)
    exported(settings)
    with open_warehouse(settings.warehouse_url) as warehouse:
        table = build_for(warehouse, [Application(3, date(1998, 1, 1), Decimal(50_000), 24)], "full")
    assert table[[each.name for each in every_candidate() if each.cube]].isna().all(axis=None)
    model = load_model(real_lake, trained_full.version, tmp_path / "models")
    assert 0 < model.default_probabilities(table)[0] < 1


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"account_id": 999_999}, "has no account 999999 with an owner"),
        ({"granted_on": date(1990, 1, 1)}, "was opened on .*, which is not before 1990-01-01"),
        ({"account_id": 2**31}, "there is no account 2147483648"),
        ({"amount_czk": Decimal(0)}, "asks for 0 CZK over 24 months; expected more than 0 CZK"),
        ({"amount_czk": Decimal("NaN")}, "asks for NaN CZK"),
        ({"amount_czk": Decimal("Infinity")}, "asks for Infinity CZK"),
        ({"amount_czk": Decimal(10**12)}, "fewer than 1,000,000,000,000"),
        ({"amount_czk": Decimal("0.125")}, "at most two digits after the point"),
        ({"duration_months": -1}, "over -1 months; expected .* 1 to 999 months"),
        ({"duration_months": 10**12}, "1 to 999 months"),
    ],
)
def test_an_application_that_cannot_be_looked_up_says_why(real_warehouse, changes, reason):
    good = {"account_id": 2, "granted_on": date(1994, 1, 5), "amount_czk": Decimal(80_952), "duration_months": 24}
    with pytest.raises(ContractError, match=reason):
        build_for(real_warehouse, [Application(**(good | changes))], "form")
    with pytest.raises(ContractError, match="no application"):
        build_for(real_warehouse, [], "form")


def test_the_numbers_of_a_lookup_are_those_of_the_set(real_warehouse):
    (row,) = build_for(real_warehouse, granted(real_warehouse)[:1], "full").to_dict("records")
    assert list(row)[2:] == [feature.name for feature in feature_set("full")]
    assert all(isinstance(row[name], float) for name in NUMBERS)
    assert np.isfinite(row["transaction_balance_mean"])
