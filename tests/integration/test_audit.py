"""The leak audit: every leak is made on purpose, and the canary is seen exactly when the cutoff passes it."""

import numpy as np
import pandas as pd
import pytest
from bank import exported, settings_in
from sklearn.neighbors import KNeighborsClassifier

from features import leaks
from features.table import build
from payoff.metadata import TARGET
from payoff.warehouse import open_warehouse
from training.evaluation import audit as auditing
from training.evaluation.audit import Case, Finding, as_markdown, audit


@pytest.fixture(scope="module")
def cases(real_settings) -> dict[str, Case | Finding]:
    with open_warehouse(real_settings.warehouse_url) as warehouse:
        return {case.leak: case for case in auditing.cases(warehouse)}


def test_the_canary_is_seen_exactly_when_the_cutoff_passes_it(cases):
    honest = cases["none"].table
    defaulted = (honest[TARGET] == 1).to_numpy()
    same = cases["canary, cutoff as it is"]
    assert isinstance(same, Finding)
    assert same.note == "every feature is the same to the last byte"
    for days, seen in ((-30, False), (-1, False), (1, True), (30, True)):
        table = cases[f"canary on the day of the grant, cutoff {days:+d} days"].table
        fortune = (table["transaction_amount_max_card_withdrawal"] == 1_000_000).to_numpy()
        np.testing.assert_array_equal(fortune, defaulted & seen)


def test_leaks_that_the_source_does_not_hold_are_said_and_not_measured(cases):
    for leak in ("transactions after the grant", "cards after the grant"):
        assert isinstance(cases[leak], Finding)
        assert cases[leak].note == "the source has no such row"


def test_undated_tables_add_features_and_dispositions_add_rows(cases):
    honest = cases["none"]
    assert {"order_count", "order_amount_max_loan"} <= set(cases["standing orders"].names) - set(honest.names)
    assert "person_count_user" in cases["second person on the account"].names
    twice = cases["a row per disposition, split at random"]
    assert (len(honest.table), len(twice.table)) == (682, 827)
    assert set(twice.names) == set(honest.names)


def test_later_transactions_and_cards_are_found_where_the_source_has_them(tiny_bank, tmp_path):
    settings = settings_in(tmp_path, tiny_bank)
    exported(settings)
    with open_warehouse(settings.warehouse_url) as warehouse:
        assert leaks.later_rows(warehouse, "transactions") > 0
        assert leaks.later_rows(warehouse, "cards") > 0
        loans = leaks.granted(warehouse)
        honest = build(warehouse, "full").set_index("loan_id")
        ever = leaks.as_of(warehouse, loans, leaks.THE_END)
        as_it_was = leaks.as_of(warehouse, loans, 0)
    assert (ever["transaction_count"].fillna(0) > honest["transaction_count"].fillna(0)).any()
    assert (ever["card_type"] != honest["card_type"]).any()
    pd.testing.assert_frame_equal(as_it_was, honest.drop(columns=["granted_on", "defaulted"]), check_exact=True)


@pytest.mark.parametrize("engine", ["duckdb", "mariadb"])
def test_the_canary_leaves_nothing_behind(request, tiny_bank, tmp_path, engine):
    url = {} if engine == "duckdb" else {"warehouse_url": request.getfixturevalue("mariadb_url")}
    settings = settings_in(tmp_path, tiny_bank, **url)
    exported(settings)
    with open_warehouse(settings.warehouse_url) as warehouse:
        count = "select count(*) as rows_there from stg_transactions"
        before = warehouse.query(count).to_pylist()
        defaulted = warehouse.query("select count(*) as loans from loans where defaulted = 1").to_pylist()[0]["loans"]
        with leaks.planted_canary(warehouse):
            planted = warehouse.query(count).to_pylist()
        assert warehouse.query(count).to_pylist() == before
    assert planted[0]["rows_there"] == before[0]["rows_there"] + defaulted
    assert defaulted > 0


def by_the_nearest(train: pd.DataFrame, test: pd.DataFrame, seed: int) -> np.ndarray:
    """Whose row is the same comes out the same: leaks of whole rows show."""
    features = train.columns.drop(TARGET)
    near = KNeighborsClassifier(3, weights="distance").fit(train[features], train[TARGET].astype(int))
    return near.predict_proba(test[features])[:, 1]


def made_up_cases(_: object) -> list[Case | Finding]:
    rng = np.random.default_rng(1)
    names = ("first", "second", "third")
    loans = pd.DataFrame(rng.normal(size=(300, 3)), columns=list(names)).assign(
        loan_id=range(300), granted_on=pd.Timestamp("1995-01-01"), defaulted=(rng.random(300) < 0.3).astype(int)
    )
    tells = loans.assign(tells=loans["defaulted"] + rng.normal(scale=0.3, size=300))
    twice = pd.concat([loans, loans], ignore_index=True)
    return [
        Case("none", loans, names),
        Case("the end itself", tells, (*names, "tells")),
        Finding("nothing", 300, None, None, "the source has no such row"),
        Case("twice, together", twice, names),
        Case("twice, at random", twice, names, grouped=False),
    ]


def test_a_leak_shows_with_an_interval_and_copies_leak_only_when_split_apart(monkeypatch):
    monkeypatch.setattr(auditing, "cases", made_up_cases)
    found = {each.leak: each for each in audit(None, by_the_nearest, repeats=2, seed=1)}
    assert found["none"].auc.low < 0.5 < found["none"].auc.high
    assert found["none"].difference is None
    assert found["the end itself"].difference.low > 0.1
    together, apart = found["twice, together"], found["twice, at random"]
    assert together.auc.low < 0.5 < together.auc.high
    assert apart.difference.low > 0.3
    table = as_markdown(list(found.values()))
    assert table.count("\n") == 6
    assert "| nothing | 300 | the source has no such row |  |" in table
