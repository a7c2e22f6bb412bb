"""The whole ETL on real data: the counts that are known, and the same marts whatever the source, engine and store."""

import json
from dataclasses import dataclass, field
from threading import Lock

import pandas as pd
import pyarrow as pa
import pytest
from bank import exported, feature_bytes, marts_of, settings_in, silent

from etl import pipeline
from features.build import build_features
from features.sets import SET_NAMES
from payoff import runs, schema
from payoff.errors import BadRows, CheckFailed, LakeError, WarehouseError
from payoff.lake import open_lake
from payoff.warehouse import open_warehouse


def test_the_real_bank_has_the_loans_and_transactions_that_are_known(real_lake):
    marts = marts_of(real_lake)
    loans = marts["loans"].to_pandas()
    assert len(loans) == 682
    assert loans["loan_id"].is_unique
    assert loans["is_finished"].sum() == 234
    assert loans["defaulted"].sum() == 76
    assert loans.loc[loans["is_finished"] == 1, "status"].value_counts().to_dict() == {"paid": 203, "defaulted": 31}
    assert marts["loan_transactions"].num_rows == 54_694
    assert (loans["card_type"] != "none").sum() == 36
    assert marts["districts"].num_rows == 77


@pytest.mark.parametrize("mart", schema.marts())
def test_every_mart_has_one_row_per_key(real_lake, mart):
    table = marts_of(real_lake)[mart]
    keys = table.select(schema.table_spec(mart).key)
    assert keys.group_by(keys.column_names).aggregate([]).num_rows == table.num_rows > 0


def test_the_archive_and_the_original_files_give_identical_marts(real_lake, original_files, tmp_path):
    from_files = exported(settings_in(tmp_path, original_files))
    assert_same_marts(marts_of(real_lake), marts_of(from_files))


def test_duckdb_and_mariadb_give_identical_marts_and_features(real_lake, original_files, mariadb_url, s3, tmp_path):
    settings = settings_in(
        tmp_path, original_files, warehouse_url=mariadb_url, lake_uri=s3.uri, s3_endpoint_url=s3.endpoint_url
    )
    in_cloud = exported(settings)
    assert_same_marts(marts_of(real_lake), marts_of(in_cloud))
    for name in SET_NAMES:
        assert feature_bytes(in_cloud, name) == feature_bytes(real_lake, name)


def assert_same_marts(one: dict[str, pa.Table], other: dict[str, pa.Table]) -> None:
    assert one.keys() == other.keys()
    for mart, table in one.items():
        assert table.schema.equals(other[mart].schema), mart
        assert table.equals(other[mart]), mart


def test_the_manifest_says_what_the_run_holds_and_where_it_came_from(real_lake):
    run = runs.current_run(real_lake)
    manifest = runs.manifest(real_lake, run)
    assert manifest["source"]["kind"] == "archive"
    assert manifest["sql_sha256"] == schema.sql_hash()
    assert manifest["marts"]["loans"]["rows"] == 682
    assert manifest["marts"]["loans"]["schema"]["granted_on"] == "date32[day]"
    assert set(manifest["versions"]) >= {"payoff", "python", "duckdb", "sqlglot"}
    parts = manifest["marts"]["loan_transactions"]["parts"]
    assert sum(part["rows"] for part in parts) == 54_694
    assert all(len(part["sha256"]) == 64 for part in parts)


@dataclass
class BreakingLake:
    """A lake whose process is killed in the middle of its n-th write."""

    inner: object
    writes_left: int
    lock: Lock = field(default_factory=Lock)

    @property
    def uri(self) -> str:
        return self.inner.uri

    def write(self, key: str, data: bytes) -> None:
        self._count()
        self.inner.write(key, data)

    def swap(self, key: str, data: bytes, seen: str | None) -> bool:
        self._count()
        return self.inner.swap(key, data, seen)

    def _count(self) -> None:
        with self.lock:  # marts are written at the same time
            if self.writes_left == 0:
                raise KeyboardInterrupt
            self.writes_left -= 1

    def __getattr__(self, name: str) -> object:
        return getattr(self.inner, name)


def test_a_killed_export_leaves_the_current_run_readable_wherever_it_was_killed(tiny_bank, tmp_path):
    settings = settings_in(tmp_path, tiny_bank)
    lake = exported(settings)
    before, tables = runs.current_run(lake), marts_of(lake)
    written = 0
    while runs.current_run(lake) == before:
        try:
            with open_warehouse(settings.warehouse_url) as warehouse:
                pipeline.export(warehouse, BreakingLake(lake, written), {"location": "a test"})
        except KeyboardInterrupt:
            assert runs.current_run(lake) == before
            assert marts_of(lake) == tables
        written += 1
    assert (
        written == len(schema.marts()) + 2 + 1
    )  # a part of each mart, the manifest, the pointer; then one that worked


def test_a_table_larger_than_a_batch_is_written_in_several_parts(tiny_bank, tmp_path):
    settings = settings_in(tmp_path, tiny_bank)
    lake = exported(settings)
    whole = marts_of(lake)
    with open_warehouse(settings.warehouse_url) as warehouse:
        run = pipeline.export(warehouse, lake, {}, batch_rows=10)
    parts = runs.manifest(lake, run)["marts"]["loan_transactions"]["parts"]
    assert [part["rows"] for part in parts[:-1]] == [10] * (len(parts) - 1)
    assert len(parts) > 1
    assert_same_marts(whole, marts_of(lake))


def test_a_mart_without_rows_still_has_its_columns(tiny_bank, tmp_path):
    header = (tiny_bank / "order.asc").read_bytes().splitlines(keepends=True)
    (tiny_bank / "order.asc").write_bytes(b"".join([*header[:1], *(line for line in header[1:] if b";12;" in line)]))
    settings = settings_in(tmp_path, tiny_bank)
    rows = [line for line in header[1:] if line.split(b";")[1] not in {b"1", b"2", b"3", b"4", b"5", b"6"}]
    (tiny_bank / "order.asc").write_bytes(b"".join([header[0], *rows]))
    orders = marts_of(exported(settings))["loan_orders"]
    assert orders.num_rows == 0
    assert orders.schema.equals(schema.table_spec("loan_orders").arrow)


def test_a_damaged_part_is_refused(tiny_bank, tmp_path):
    lake = exported(settings_in(tmp_path, tiny_bank))
    run = runs.current_run(lake)
    lake.write(runs.manifest(lake, run)["marts"]["loans"]["parts"][0]["key"], b"rubbish")
    with pytest.raises(LakeError, match="damaged"):
        runs.read_mart(lake, run, "loans")


def test_what_is_not_there_yet_says_which_command_makes_it(tmp_path, tiny_bank):
    settings = settings_in(tmp_path, tiny_bank)
    lake = open_lake(settings)
    with pytest.raises(LakeError, match="payoff etl"):
        runs.current_run(lake)
    exported(settings)
    run = runs.current_run(lake)
    with pytest.raises(LakeError, match="payoff features build --set form"):
        runs.read_features(lake, run, "form")
    with pytest.raises(LakeError, match="no mart 'nonsense'"):
        runs.read_mart(lake, run, "nonsense")


def test_load_transform_and_export_can_be_run_one_by_one(tiny_bank, tmp_path):
    settings = settings_in(tmp_path, tiny_bank)
    told = []
    pipeline.run_load(settings, lambda stage, did: told.append(stage))
    with pytest.raises(WarehouseError, match="payoff etl transform"):
        pipeline.run_export(settings, silent)
    pipeline.run_transform(settings, lambda stage, did: told.append(stage))
    pipeline.run_export(settings, lambda stage, did: told.append(stage))
    assert told == ["load", "transform", "check", "export"]
    stepwise = marts_of(open_lake(settings))
    assert_same_marts(stepwise, marts_of(exported(settings)))


def test_a_bad_source_leaves_the_last_good_warehouse_and_run_in_place(tiny_bank, tmp_path):
    settings = settings_in(tmp_path, tiny_bank)
    lake = exported(settings)
    run, marts = runs.current_run(lake), marts_of(lake)
    with (tiny_bank / "loan.asc").open("a") as file:
        file.write('107;7;980230;1000;12;83.00;"A"\n')
    with pytest.raises(BadRows, match=r"loan\.asc, line 8"):
        pipeline.run_etl(settings, silent)
    assert runs.current_run(lake) == run
    with open_warehouse(settings.warehouse_url) as warehouse:
        assert pa.Table.from_batches(warehouse.stream("loans", 100)).equals(marts["loans"])


def test_a_broken_promise_names_the_check_and_leaves_everything_in_place(tiny_bank, tmp_path):
    settings = settings_in(tmp_path, tiny_bank)
    lake = exported(settings)
    run = runs.current_run(lake)
    text = (tiny_bank / "loan.asc").read_text()
    (tiny_bank / "loan.asc").write_text(text.replace("44400;24;1850.00", "44400;24;1851.00"))
    with pytest.raises(CheckFailed, match=r"loans_instalment_identity.*1 rows break it.*101"):
        pipeline.run_etl(settings, silent)
    assert runs.current_run(lake) == run


@pytest.mark.parametrize("check", schema.checks())
def test_every_check_finds_the_row_that_breaks_its_promise(tiny_bank, tmp_path, check):
    settings = settings_in(tmp_path, tiny_bank)
    exported(settings)
    with pipeline.rebuild_warehouse(settings.warehouse_url, keep=KEPT) as warehouse:
        assert warehouse.query(schema.select_text("checks", check)).num_rows == 0
        for statement in BREAKS[check]:
            warehouse.run(statement)
        assert warehouse.query(schema.select_text("checks", check)).num_rows > 0


KEPT = (*schema.raw_tables(), *schema.views(), *schema.marts(), "origin")
BREAKS = {
    "loan_transactions_amounts_positive": ["update loan_transactions set amount_czk = -1 where loan_id = 101"],
    "loan_transactions_balances_chain": [
        "update loan_transactions set signed_amount_czk = signed_amount_czk + 5000 where loan_id = 101"
    ],
    "loan_transactions_before_grant": ["update loan_transactions set days_before = 0 where loan_id = 101"],
    "loan_transactions_know_their_loan": ["update loan_transactions set account_id = 99 where loan_id = 101"],
    "loans_account_before_grant": ["update loans set opened_on = granted_on where loan_id = 101"],
    "loans_card_before_grant": ["update loans set card_issued_on = granted_on where loan_id = 101"],
    "loans_instalment_identity": ["update raw_loan set payments = payments + 1 where loan_id = 101"],
    "loans_label_matches_status": ["update loans set defaulted = 1 where loan_id = 101"],
    "loans_one_owner_per_account": ["update raw_disp set type = 'OWNER' where disp_id = 3"],
    "loans_one_row_per_application": ["delete from loans where loan_id = 101"],
}


def test_rejected_rows_are_listed_and_the_rest_is_loaded(tiny_bank, tmp_path):
    settings = settings_in(tmp_path, tiny_bank)
    with (tiny_bank / "card.asc").open("a") as file:
        file.write('99;1;"platinum";931112 00:00:00\n')
    told = {}
    pipeline.run_etl(settings, lambda stage, did: told.update({stage: did}), skip_bad_rows=True)
    assert told["rejected"].startswith("1 rows left out")
    listed = (tmp_path / "var" / "rejected" / "card.csv").read_text()
    assert "platinum" in listed
    assert marts_of(open_lake(settings))["loans"].num_rows == 6


ASKED = """
    insert into applications
    select 900, account_id, date, amount, duration from raw_loan where loan_id = 103
"""


def test_a_loan_that_does_not_exist_yet_is_asked_about_with_the_same_sql(tiny_bank, tmp_path):
    settings = settings_in(tmp_path, tiny_bank)
    lake = exported(settings)
    known = marts_of(lake)
    with pipeline.rebuild_warehouse(settings.warehouse_url, keep=KEPT) as warehouse:
        for mart in ("loans", "loan_transactions"):
            warehouse.run(f"delete from {mart}")
        warehouse.run("delete from applications")
        warehouse.run(ASKED)
        for mart in ("loans", "loan_transactions"):
            columns = ", ".join(schema.table_spec(mart).column_names)
            select = schema.select_text("marts", mart)
            warehouse.run(f"insert into {mart} ({columns}) select {columns} from ({select}) as filled")
        asked = pa.Table.from_batches(warehouse.stream("loans", 100)).to_pylist()
        history = pa.Table.from_batches(warehouse.stream("loan_transactions", 1000)).to_pylist()
    (existing,) = (row for row in known["loans"].to_pylist() if row["loan_id"] == 103)
    unknown = {"loan_id": 900, "status": None, "is_finished": None, "defaulted": None}
    assert asked == [existing | unknown]
    assert history == [
        row | {"loan_id": 900} for row in known["loan_transactions"].to_pylist() if row["loan_id"] == 103
    ]


def test_feature_tables_are_stored_beside_the_marts_they_were_made_from(real_lake):
    frame, prefix = build_features(real_lake, "form")
    run = runs.current_run(real_lake)
    assert prefix == f"runs/{run}/features/form"
    stored = runs.read_features(real_lake, run, "form")
    assert stored.column_names[:3] == ["loan_id", "granted_on", "defaulted"]
    pd.testing.assert_frame_equal(stored.to_pandas()[frame.columns[3:]], frame[frame.columns[3:]])
    assert json.loads(real_lake.read(f"{prefix}/manifest.json"))["rows"] == 682
