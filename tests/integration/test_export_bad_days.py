"""Bad days of an export by snapshot: each says what to do, and the lake's current run stays as it was."""

import time
from types import SimpleNamespace

import pyarrow as pa
import pytest
from planted import DATABASE, parquet, written

from etl.export import snapshot
from payoff import runs
from payoff.errors import ExportError, LakeError
from payoff.lake import open_lake


@pytest.fixture(autouse=True)
def hurried(monkeypatch):
    """botocore repeats as often as ever, without waiting."""
    monkeypatch.setattr("botocore.endpoint.time", SimpleNamespace(sleep=lambda seconds: None, time=time.time))


def failed(aws, kind: type[Exception] = ExportError) -> str:
    """What is said when it fails, after a look at the lake."""
    with pytest.raises(kind) as caught:
        aws.export()
    aws.front.rules.clear()
    assert aws.untouched()
    assert aws.name in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    ("what", "code", "words"),
    [
        ("rds:DescribeExportTasks", "ExpiredToken", "The credentials have expired. Get new ones (`aws sso login`"),
        ("rds:CreateDBSnapshot", "AccessDenied", "lack the right to do so"),
        ("rds:CreateDBSnapshot", "SnapshotQuotaExceeded", "Delete snapshots"),
        ("rds:CreateDBSnapshot", "InvalidDBInstanceState", "calls it available"),
        ("rds:StartExportTask", "KMSKeyNotAccessibleFault", "The KMS key cannot be used"),
        ("rds:StartExportTask", "InvalidS3BucketFault", "PAYOFF_EXPORT_URI must exist"),
        ("rds:StartExportTask", "IamRoleMissingPermissions", "Check PAYOFF_EXPORT_ROLE_ARN"),
        ("rds:StartExportTask", "InvalidExportOnly", "PAYOFF_WAREHOUSE_URL names is not in the snapshot"),
        ("rds:DescribeDBSnapshots", "Throttling", "AWS asks for fewer requests, also after several tries"),
    ],
)
def test_what_rds_refuses_says_what_to_do_and_how_to_go_on(aws, what, code, words):
    aws.plant()
    aws.front.refuse(what, code)
    said = failed(aws)
    assert words in said
    assert f"--snapshot {aws.name}` takes over" in said
    run = aws.export()  # when the day is better
    assert runs.current_run(aws.lake) == run


@pytest.mark.parametrize(
    ("what", "code", "status", "message", "words"),
    [
        ("s3:GET", "ExpiredToken", 400, "The provided token has expired.", "The credentials have expired"),
        ("s3:GET", "PermanentRedirect", 301, "Use the endpoint eu-west-1.", "Set AWS_DEFAULT_REGION to its region"),
        ("s3:PUT", "AccessDenied", 403, "not authorized to perform: kms:GenerateDataKey", "The KMS key cannot be used"),
        ("s3:PUT", "SlowDown", 503, "Please reduce your request rate.", "AWS asks for fewer requests"),
        ("s3:PUT", "NotImplemented", 501, "A header you provided", "conditional writes"),
    ],
)
def test_what_s3_refuses_says_what_to_do_and_how_to_go_on(aws, what, code, status, message, words):
    aws.plant()
    aws.front.refuse(what, code, message, status)
    assert words in failed(aws, LakeError)


def test_a_few_refusals_that_mean_later_are_repeated_unseen(aws):
    aws.plant()
    for what in ("rds:DescribeDBSnapshots", "rds:StartExportTask", "s3:PUT"):
        aws.front.refuse(what, "Throttling" if what.startswith("rds") else "SlowDown", status=503, times=2)
    run = aws.export()
    assert runs.current_run(aws.lake) == run


def test_the_wrong_region_has_no_such_instance(aws, monkeypatch):
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    assert "Check PAYOFF_EXPORT_INSTANCE and AWS_DEFAULT_REGION" in failed(aws)


def test_a_missing_bucket_shows_before_aws_is_asked_for_anything(aws):
    settings = aws.settings.model_copy(update={"lake_uri": "s3://no-such-bucket/lake"})
    with pytest.raises(LakeError, match="Create the bucket"):
        snapshot.export_snapshot(settings, open_lake(settings), aws.report, aws.watch, name=aws.name)
    assert aws.front.of("rds:") == []


def test_a_snapshot_that_fails_is_told_with_its_progress(aws):
    aws.front.states(
        "rds:DescribeDBSnapshots",
        {"Status": "creating", "PercentProgress": "35"},
        {"Status": "failed", "PercentProgress": "35"},
    )
    said = failed(aws)
    assert "is failed at 35 %" in said
    assert f"describe-events --source-type db-snapshot --source-identifier {aws.name}" in said
    assert aws.watched == [(f"snapshot {aws.name}: creating", 35)]


@pytest.mark.parametrize(
    ("cause", "advice"),
    [
        ("The KMS keys check failed. Check the credentials on your KMS key and try again.", "PAYOFF_EXPORT_KMS_KEY"),
        ("The IAM Role r isn't authorized to call s3:PutObject on b.", "PAYOFF_EXPORT_ROLE_ARN"),
        ("The S3 bucket b isn't valid. It doesn't exist.", "PAYOFF_EXPORT_URI"),
        ("An unknown internal error occurred.", ""),
    ],
)
def test_an_export_that_stops_at_forty_per_cent_is_told_with_the_reason_and_begun_anew(aws, cause, advice):
    running = {"Status": "IN_PROGRESS", "PercentProgress": "40"}
    stopped = {"Status": "FAILED", "PercentProgress": "40", "FailureCause": cause}
    aws.front.states("rds:DescribeExportTasks", running, stopped)
    said = failed(aws)
    assert f"AWS ended the export {aws.name} as FAILED at 40 %: {cause}" in said
    assert advice in said
    assert aws.snapshots() == [aws.name]


def test_after_a_failed_export_the_same_snapshot_is_exported_under_the_next_name(aws):
    failing = {"Status": "FAILED", "PercentProgress": "40", "FailureCause": "An unknown internal error occurred."}
    aws.front.states("rds:DescribeExportTasks", failing)
    failed(aws)
    aws.front.states("rds:DescribeExportTasks", failing, {"Status": "COMPLETE"})
    aws.plant(f"{aws.name}-2")
    aws.export()
    assert ("failed", f"export {aws.name}, FAILED An unknown internal error occurred.") in aws.told
    assert runs.manifest(aws.lake, runs.current_run(aws.lake))["export"]["task"] == f"{aws.name}-2"
    assert len(aws.front.of("rds:CreateDBSnapshot")) == 1


def test_a_warning_of_aws_is_passed_on(aws):
    aws.plant()
    aws.front.states("rds:DescribeExportTasks", {"Status": "COMPLETE", "WarningMessage": "a table was skipped"})
    aws.export()
    assert ("exported", f"{aws.name}, with a warning: a table was skipped") in aws.told


def test_a_token_that_expires_while_the_run_is_written_leaves_nothing_to_read(aws):
    aws.plant()
    put = len(aws.front.of("s3:PUT"))
    aws.front.rules.append(("s3:PUT", iter([None] * 3 + [(400, {}, EXPIRED)] * 50)))
    assert "The credentials have expired" in failed(aws, LakeError)
    assert len(aws.front.of("s3:PUT")) > put + 3
    assert {key.split("/")[1] for key in aws.lake.keys("runs/")} == {aws.before}  # what was written is gone


EXPIRED = b"<Error><Code>ExpiredToken</Code><Message>The provided token has expired.</Message></Error>"


def test_a_snapshot_that_cannot_be_deleted_does_not_undo_the_run(aws):
    aws.plant()
    aws.front.refuse("rds:DeleteDBSnapshot", "AccessDenied")
    run = aws.export()
    assert runs.current_run(aws.lake) == run
    assert any(stage == "keep" and "lack the right" in did for stage, did in aws.told)


def test_a_file_that_aws_did_not_finish_is_refused(aws):
    aws.plant()
    aws.place.delete(f"{aws.name}/{DATABASE}/{DATABASE}.loans/2/_SUCCESS")
    assert f"{DATABASE}.loans/2 has no _SUCCESS" in failed(aws)


def test_a_table_that_is_missing_is_named(aws):
    aws.plant()
    for key in aws.place.keys(f"{aws.name}/"):
        if f"{DATABASE}.loans/" in key or "tables_info" in key:
            aws.place.delete(key)
    assert f"holds no table {DATABASE}.loans. Was it in the database" in failed(aws)


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ({"status": "FAILED", "warningMessage": "too large a row"}, "AWS calls it FAILED (too large a row)"),
        (
            {
                "status": "COMPLETE",
                "tableStatistics": {"partitioningInfo": {"numberOfPartitions": 5, "numberOfCompletedPartitions": 4}},
            },
            "AWS wrote 4 of its 5 partitions",
        ),
    ],
)
def test_a_table_that_aws_does_not_call_whole_is_refused(aws, told, words):
    aws.plant()
    statuses = ",".join(f'"{name}": {value!r}'.replace("'", '"') for name, value in told.items())
    info = f'{{"perTableStatus": [{{"target": "{DATABASE}.loans", {statuses}}}]}}'
    aws.place.write(f"{aws.name}/export_tables_info_{aws.name}_from_9_to_9.json", info.encode())
    assert words in failed(aws)


def replaced(aws, table: str, rows: pa.Table) -> None:
    """Plant an export whose ``table`` has one more file."""
    aws.plant()
    aws.place.write(f"{aws.name}/{DATABASE}/{DATABASE}.{table}/1/part-00099-x.gz.parquet", parquet(rows))


def test_a_row_that_comes_twice_is_refused(aws):
    replaced(aws, "loans", written(aws.tables["loans"].slice(2, 1)))
    said = failed(aws)
    assert "rows of the exported table loans are refused" in said
    assert "uplicate key" in said


def test_a_missing_value_is_refused_where_one_must_be(aws):
    rows = written(aws.tables["loan_persons"].slice(0, 1)).to_pylist()
    replaced(aws, "loan_persons", pa.Table.from_pylist([rows[0] | {"disposition_id": 999, "role": None}]))
    assert "rows of the exported table loan_persons are refused" in failed(aws)


@pytest.mark.parametrize(("column", "value"), [("granted_on", "1996-02-30"), ("granted_on", ""), ("loan_id", 2**40)])
def test_a_value_that_the_declared_type_cannot_take_is_refused(aws, column, value):
    rows = written(aws.tables["applications"].slice(0, 1)).to_pylist()
    replaced(aws, "applications", pa.Table.from_pylist([rows[0] | {column: value}]))
    said = failed(aws)
    assert f"the column {column} of the exported table applications is declared" in said
    assert "payoff etl transform" in said


def test_a_column_that_is_missing_is_named(aws):
    replaced(aws, "districts", written(aws.tables["districts"]).drop_columns(["district_region"]))
    assert "of the table districts has no column district_region" in failed(aws)


def test_a_damaged_file_is_refused(aws):
    aws.plant()
    key = next(key for key in aws.place.keys(f"{aws.name}/") if f"{DATABASE}.loan_transactions/1/part" in key)
    data = bytearray(aws.place.read(key))
    data[40:60] = bytes(20)
    aws.place.write(key, bytes(data))
    assert "of the table loan_transactions cannot be read" in failed(aws)


def test_no_scratch_file_is_left_behind(aws):
    replaced(aws, "loans", written(aws.tables["loans"].slice(2, 1)))
    failed(aws)
    assert list(aws.settings.var_dir.iterdir()) == []
