"""Export by snapshot: what AWS wrote becomes the run that a query would give, and what stopped is taken up again."""

import pyarrow as pa
import pytest
from bank import exported, settings_in
from planted import DATABASE, parquet, plant, written

from etl.export.snapshot import cancel, new_name
from payoff import runs, schema
from payoff.errors import ExportError

TABLES = (*schema.marts(), "origin")


def test_the_run_is_the_one_that_a_query_gives_but_for_where_it_came_from(aws):
    aws.plant()
    run = aws.export()
    assert runs.current_run(aws.lake) == run != aws.before
    queried, exported = (runs.manifest(aws.lake, each) for each in (aws.before, run))
    for mart in schema.marts():
        assert runs.read_mart(aws.lake, run, mart).equals(aws.tables[mart])
        sums = [[part["sha256"] for part in manifest["marts"][mart]["parts"]] for manifest in (queried, exported)]
        assert sums[0] == sums[1]
    assert queried["export"] == {"via": "query"}
    assert exported["export"] | {"taken_at": ""} == {
        "via": "snapshot", "snapshot": aws.name, "task": aws.name, "taken_at": "",
    }  # fmt: skip
    same = {"engine", "source", "sql_sha256", "versions"}
    assert {name: queried[name] for name in same} == {name: exported[name] for name in same}
    assert queried.keys() == exported.keys()


def test_a_snapshot_of_mariadb_equals_its_query_row_by_row(aws, mariadb_server, mariadb_url, tiny_bank, tmp_path):
    database = mariadb_url.rpartition("/")[2]
    lake = exported(settings_in(tmp_path, tiny_bank, warehouse_url=mariadb_url))
    rows = mariadb_server.rows
    tables = {table: _as_aws_reads_it(rows(f"select * from {table}", database), table) for table in TABLES}
    plant(aws.place, aws.name, tables, database)
    aws.settings = aws.settings.model_copy(update={"warehouse_url": mariadb_url})
    run, queried = aws.export(), runs.current_run(lake)
    for mart in schema.marts():
        one, other = runs.manifest(lake, queried)["marts"][mart], runs.manifest(aws.lake, run)["marts"][mart]
        assert [part["sha256"] for part in one["parts"]] == [part["sha256"] for part in other["parts"]], mart
        assert runs.read_mart(aws.lake, run, mart).equals(runs.read_mart(lake, queried, mart)), mart
    assert runs.manifest(aws.lake, run)["source"] == runs.manifest(lake, queried)["source"]


def test_the_marts_of_the_real_bank_come_back_as_the_same_bytes(aws, real_lake):
    queried = runs.current_run(real_lake)
    aws.plant(**{mart: runs.read_mart(real_lake, queried, mart) for mart in schema.marts()})
    run = aws.export()
    for mart in schema.marts():
        one, other = runs.manifest(real_lake, queried)["marts"][mart], runs.manifest(aws.lake, run)["marts"][mart]
        assert [part["sha256"] for part in one["parts"]] == [part["sha256"] for part in other["parts"]], mart


def _as_aws_reads_it(rows: list[dict], table: str) -> pa.Table:
    return pa.Table.from_pylist(rows, schema=schema.table_spec(table).arrow)


def test_aws_is_asked_for_the_marts_and_their_origin_alone_with_the_role_and_the_key(aws):
    aws.plant()
    aws.export()
    (asked,) = aws.front.of("rds:StartExportTask")
    only = {value for name, value in asked.parameters.items() if name.startswith("ExportOnly")}
    assert only == {f"{DATABASE}.{table}" for table in TABLES}
    assert asked.parameters["IamRoleArn"] == aws.settings.export_role_arn
    assert asked.parameters["KmsKeyId"] == aws.settings.export_kms_key
    assert asked.parameters["S3Prefix"] == "exports"
    assert asked.parameters["SourceArn"].endswith(f":snapshot:{aws.name}")


def test_a_mart_without_rows_still_has_its_columns(aws):
    empty = aws.tables["loan_orders"].slice(0, 0)
    aws.plant(loan_orders=empty)
    assert runs.read_mart(aws.lake, aws.export(), "loan_orders").equals(empty)


def test_the_older_layout_without_batches_is_read_as_well(aws):
    aws.plant()
    folder = f"{aws.name}/{DATABASE}/{DATABASE}.loans"
    for key in aws.place.keys(f"{folder}/"):
        aws.place.delete(key)
    aws.place.write(f"{folder}/_SUCCESS", b"")
    aws.place.write(f"{folder}/part-00007-x.gz.parquet", parquet(written(aws.tables["loans"])))
    assert runs.read_mart(aws.lake, aws.export(), "loans").equals(aws.tables["loans"])


def test_progress_is_told_as_aws_tells_it(aws):
    aws.front.states(
        "rds:DescribeDBSnapshots",
        {"Status": "creating", "PercentProgress": "10"},
        {"Status": "available", "PercentProgress": "100"},
    )
    aws.front.states(
        "rds:DescribeExportTasks",
        {"Status": "STARTING", "PercentProgress": "0"},
        {"Status": "IN_PROGRESS", "PercentProgress": "40"},
        {"Status": "COMPLETE", "PercentProgress": "100"},
    )
    aws.plant()
    aws.export()
    assert aws.watched == [
        (f"snapshot {aws.name}: creating", 10),
        (f"export {aws.name}: starting", 0),
        (f"export {aws.name}: in_progress", 40),
        (f"reading {aws.name}", None),
    ]
    assert aws.pauses == 3


def test_our_snapshot_is_deleted_once_its_run_is_published(aws):
    aws.plant()
    aws.export()
    assert aws.snapshots() == []
    assert ("delete", f"snapshot {aws.name}") in aws.told


def test_a_snapshot_is_kept_on_request(aws):
    aws.plant()
    aws.export(keep=True)
    assert aws.snapshots() == [aws.name]


def test_a_snapshot_that_somebody_else_made_is_exported_and_never_deleted(aws):
    aws.snapshot()
    aws.plant()
    aws.export()
    assert aws.snapshots() == [aws.name]
    assert aws.front.of("rds:DeleteDBSnapshot") == []
    with pytest.raises(ExportError, match="somebody else made it"):
        cancel(aws.settings, aws.name, aws.report, delete=True)
    assert aws.snapshots() == [aws.name]


def test_a_snapshot_of_another_instance_is_refused(aws):
    other = f"x{aws.settings.export_instance}"
    aws.instance(other)
    aws.snapshot(other)
    with pytest.raises(ExportError, match="PAYOFF_EXPORT_INSTANCE"):
        aws.export()
    assert aws.untouched()


@pytest.mark.parametrize("killed_in", ["rds:CreateDBSnapshot", "rds:StartExportTask", "s3:GET"])
def test_an_export_that_was_stopped_is_taken_up_by_its_name(aws, killed_in):
    def killed(what: str, percent: int | None) -> None:
        if aws.front.of(killed_in):
            raise KeyboardInterrupt

    aws.front.states(
        "rds:DescribeDBSnapshots", *[{"Status": "creating", "PercentProgress": "10"}] * 2, {"Status": "available"}
    )
    aws.front.states("rds:DescribeExportTasks", *[{"Status": "STARTING"}] * 3, {"Status": "COMPLETE"})
    aws.watch, told = killed, aws.watch
    with pytest.raises(ExportError, match=r"goes on there.*--snapshot nightly-.*cancel-export nightly-"):
        aws.export()
    assert aws.untouched()
    aws.watch = told
    aws.plant()
    run = aws.export()
    assert runs.current_run(aws.lake) == run
    assert len(aws.front.of("rds:CreateDBSnapshot")) == 1
    assert len(aws.front.of("rds:StartExportTask")) == 1


def test_a_complete_export_is_read_again_when_its_snapshot_is_long_gone(aws):
    aws.plant()
    first = aws.export()
    assert aws.snapshots() == []
    second = aws.export()
    assert runs.current_run(aws.lake) == second > first
    assert len(aws.front.of("rds:CreateDBSnapshot")) == 1


def test_a_cancelled_export_is_begun_anew_under_the_next_name(aws):
    aws.snapshot()
    aws.plant()
    aws.export()
    aws.client.cancel_export_task(ExportTaskIdentifier=aws.name)
    aws.plant(f"{aws.name}-2")
    aws.export()
    asked = [each.parameters["ExportTaskIdentifier"] for each in aws.front.of("rds:StartExportTask")]
    assert asked == [aws.name, f"{aws.name}-2"]
    assert runs.manifest(aws.lake, runs.current_run(aws.lake))["export"]["task"] == f"{aws.name}-2"


def test_an_export_under_way_is_cancelled_and_its_snapshot_kept_unless_told_otherwise(aws):
    aws.plant()
    aws.export(keep=True)
    aws.front.states("rds:DescribeExportTasks", {"Status": "IN_PROGRESS", "PercentProgress": "40"})
    cancel(aws.settings, aws.name, aws.report)
    assert len(aws.front.of("rds:CancelExportTask")) == 1
    assert ("cancel", f"export {aws.name}, which was IN_PROGRESS at 40 %") in aws.told
    assert aws.snapshots() == [aws.name]
    cancel(aws.settings, aws.name, aws.report, delete=True)
    assert aws.snapshots() == []


def test_cancelling_what_nobody_knows_is_refused(aws):
    with pytest.raises(ExportError, match="neither a snapshot nor an export nonsense"):
        cancel(aws.settings, "nonsense", aws.report)


def test_a_new_name_is_one_that_rds_takes():
    assert new_name().replace("-", "").isalnum()
    assert "--" not in new_name()


def test_the_command_exports_by_snapshot_and_says_what_it_did(aws, run, monkeypatch):
    for name, value in aws.settings.model_dump(exclude_none=True).items():
        if name.startswith(("export_", "lake_", "warehouse_", "s3_", "var_")):
            monkeypatch.setenv(f"PAYOFF_{name.upper()}", str(value))
    aws.plant()
    status, out, err = run("etl", "export", "--via", "snapshot", "--snapshot", aws.name)
    assert (status, err) == (0, "")
    assert [line.split()[0] for line in out.splitlines()] == [
        "begun", "begun", "exported", "reading", "export", "delete",
    ]  # fmt: skip
    status, out, err = run("etl", "cancel-export", aws.name)
    assert (status, err) == (0, "")
    assert f"nothing: export {aws.name} is COMPLETE" in out


def test_options_of_a_snapshot_without_one_are_refused(run, small):
    status, _, err = run("etl", "export", "--keep-snapshot")
    assert status == 2
    assert "--via snapshot" in err


def test_what_is_not_set_is_named_all_at_once(run, small, monkeypatch):
    monkeypatch.setenv("PAYOFF_EXPORT_INSTANCE", "bank")
    status, _, err = run("etl", "export", "--via", "snapshot")
    assert status == 1
    assert "PAYOFF_EXPORT_URI, PAYOFF_EXPORT_ROLE_ARN, PAYOFF_EXPORT_KMS_KEY" in err


def test_a_warehouse_in_a_file_has_no_snapshots(run, small, monkeypatch):
    for name in ("INSTANCE", "URI", "ROLE_ARN", "KMS_KEY"):
        monkeypatch.setenv(f"PAYOFF_EXPORT_{name}", "s3://bank/exports")
    status, _, err = run("etl", "export", "--via", "snapshot")
    assert status == 1
    assert "PAYOFF_WAREHOUSE_URL" in err
