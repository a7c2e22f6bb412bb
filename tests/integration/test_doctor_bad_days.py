"""What `payoff doctor` says of AWS and MariaDB on their bad days."""

import boto3
import pytest
from aws_front import States
from servers import free_port

from payoff.doctor import examine
from payoff.doctor.finding import Finding


def findings(settings, part: str) -> list[Finding]:
    return [finding for _, finding in examine(settings, (part,))]


def only(settings, part: str) -> Finding:
    (found,) = findings(settings, part)
    return found


@pytest.fixture
def key(aws) -> str:
    """A KMS key that can be used."""
    client = boto3.session.Session().client("kms")
    made = client.create_key()["KeyMetadata"]["KeyId"]
    aws.settings = aws.settings.model_copy(update={"export_kms_key": made})
    yield made
    client.close()


def test_an_export_that_is_set_up_is_good(aws, key):
    assert [finding.state for finding in findings(aws.settings, "export")] == ["good", "good"]


def test_half_of_an_export_names_the_other_half(aws):
    settings = aws.settings.model_copy(update={"export_role_arn": None, "export_uri": None})
    found = only(settings, "export")
    assert found.state == "bad"
    assert "needs PAYOFF_EXPORT_URI, PAYOFF_EXPORT_ROLE_ARN." in found.found
    nothing = settings.model_copy(update={"export_instance": None, "export_kms_key": None})
    assert findings(nothing, "export") == []


def test_an_instance_that_is_not_there_or_not_available_is_told(aws, key):
    missing = aws.settings.model_copy(update={"export_instance": "elsewhere"})
    found = only(missing, "export")
    assert found.state == "bad"
    assert "Check PAYOFF_EXPORT_INSTANCE" in found.found
    client = boto3.session.Session().client("rds")
    client.stop_db_instance(DBInstanceIdentifier=aws.settings.export_instance)
    client.close()
    assert [finding.state for finding in findings(aws.settings, "export")] == ["doubtful", "good"]


def test_a_key_that_is_disabled_or_denied_is_told(aws, key):
    client = boto3.session.Session().client("kms")
    client.disable_key(KeyId=key)
    client.close()
    found = findings(aws.settings, "export")[-1]
    assert found.state == "bad"
    assert "Disabled" in found.found
    assert "aws kms enable-key" in found.advice


def test_a_snapshot_that_failed_and_an_export_that_stopped_are_told_with_the_reason_of_aws(aws, key):
    name = aws.name
    aws.front.states("rds:DescribeDBSnapshots", {"Status": "available"})
    aws.client.create_db_snapshot(
        DBSnapshotIdentifier=name, DBInstanceIdentifier=aws.settings.export_instance,
        Tags=[{"Key": "payoff:export", "Value": "bank"}],
    )  # fmt: skip
    taken = findings(aws.settings, "export")[-1]
    assert taken.state == "good"
    assert f"--snapshot {name}` goes on with it" in taken.found
    arn = aws.client.describe_db_snapshots(DBSnapshotIdentifier=name)["DBSnapshots"][0]["DBSnapshotArn"]
    aws.client.start_export_task(
        ExportTaskIdentifier=name,
        SourceArn=arn,
        S3BucketName="bank",
        IamRoleArn=aws.settings.export_role_arn,
        KmsKeyId=key,
    )
    failed = {"Status": "FAILED", "PercentProgress": "40", "FailureCause": "the key is denied"}
    aws.front.rules.insert(0, ("rds:DescribeExportTasks", States((failed,))))
    stopped = findings(aws.settings, "export")[-1]
    assert stopped.state == "doubtful"
    assert f"the export {name} ended FAILED at 40 %: the key is denied" in stopped.found
    assert f"payoff etl export --via snapshot --snapshot {name}" in stopped.advice
    aws.front.rules.insert(0, ("rds:DescribeDBSnapshots", States(({"Status": "failed", "PercentProgress": "12"},))))
    assert f"the snapshot {name} failed at " in findings(aws.settings, "export")[-1].found


def test_a_snapshot_that_somebody_else_made_is_none_of_our_business(aws, key):
    aws.snapshot()
    assert len(findings(aws.settings, "export")) == 2


@pytest.mark.parametrize(
    ("code", "status", "advice"),
    [
        ("ExpiredToken", 400, "The credentials have expired"),
        ("AccessDenied", 403, "The credentials lack the right"),
        ("IllegalLocationConstraintException", 400, "AWS_DEFAULT_REGION"),
        ("InvalidAccessKeyId", 403, "AWS_ACCESS_KEY_ID"),
        ("SlowDown", 503, "Run this again in some minutes"),
    ],
)
def test_what_s3_refuses_is_said_with_what_to_do(aws, code, status, advice):
    aws.front.refuse("s3:", code, status=status)
    found = only(aws.settings, "lake")
    assert found.state == "bad"
    assert advice in found.found


def test_a_bucket_that_is_not_there_says_so_once_for_the_lake(aws):
    elsewhere = aws.settings.model_copy(update={"lake_uri": "s3://no-such-bucket/lake"})
    assert "Create the bucket" in only(elsewhere, "lake").found
    assert all(finding.state == "bad" for finding in findings(elsewhere, "bucket")[-1:])


def test_a_bucket_is_asked_for_each_promise(aws):
    bucket = aws.settings.lake_uri.removeprefix("s3://").split("/")[0]
    states = {finding.found: finding for finding in findings(aws.settings, "bucket")}
    assert any("is not one that is closed to the public" in each for each in states)
    assert any("is not one that keeps what is overwritten" in each for each in states)
    client = boto3.session.Session().client("s3")
    blocked = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")
    client.put_public_access_block(
        Bucket=bucket, PublicAccessBlockConfiguration=dict.fromkeys(blocked[:3], True) | {blocked[3]: False}
    )
    client.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    assert findings(aws.settings, "bucket")[0].state == "bad"
    client.put_public_access_block(Bucket=bucket, PublicAccessBlockConfiguration=dict.fromkeys(blocked, True))
    rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms"}}
    client.put_bucket_encryption(Bucket=bucket, ServerSideEncryptionConfiguration={"Rules": [rule]})
    client.close()
    assert [finding.state for finding in findings(aws.settings, "bucket")] == ["good"] * 3


def test_a_bucket_that_may_not_be_asked_is_doubtful(aws):
    aws.front.refuse("s3:GET", "AccessDenied", status=403)
    assert {finding.state for finding in findings(aws.settings, "bucket")} == {"doubtful"}


@pytest.mark.parametrize("part", ["warehouse", "database"])
def test_a_database_that_does_not_answer_or_refuses_says_what_to_check(
    tmp_path, mariadb_server, mariadb_url, real_settings, monkeypatch, part
):
    setting = {"warehouse": "warehouse_read_url", "database": "database_url"}[part]
    monkeypatch.setattr("payoff.mariadb.retrying.CONNECT_SECONDS", 0.2)
    away = mariadb_url.replace(f":{mariadb_server.port}/", f":{free_port()}/")
    wrong = mariadb_url.replace(mariadb_server.password, "wrong-one")
    outside = mariadb_url.replace("127.0.0.1", "db.example.org")
    for url, says in ((away, "can be reached"), (wrong, "password"), (outside, "PAYOFF_MARIADB_CA")):
        found = only(real_settings.model_copy(update={setting: url, "var_dir": tmp_path}), part)
        assert found.state == "bad"
        assert says in f"{found.found} {found.advice}"
        assert mariadb_server.password not in found.found
        assert "wrong-one" not in found.found
