"""What each role of infra/roles.yaml may do: the program at work under moto's IAM, and what it is refused there."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from bank import settings_in, silent
from rehearsal import ACCOUNT, REGION, Rehearsal, rehearsed
from web import metadata

from etl import pipeline
from features.build import build_features
from payoff import registry, runs
from payoff.errors import LakeError
from payoff.lake import Lake, open_lake
from payoff.model import publish_model, read_metadata
from payoff.settings import Settings
from webapp.batch.files import BatchFiles

#: The roles of programs, each assumed by a task of its own.
PROGRAMS = ("WebRole", "PurgeRole", "EtlRole", "TrainingRole")
#: Granted, but used only on a bad day, or where AWS itself has a hand in it.
SELDOM = {
    ("EtlRole", "s3:GetObject current.json"): "the run before is looked at, so that it is not replaced by an older one",
    ("TrainingRole", "s3:ListBucket "): "without it S3, unlike moto, says that a file which is not there is forbidden",
    ("EtlRole", "s3:AbortMultipartUpload"): "a large upload that fails half-way is taken back",
    ("TrainingRole", "s3:AbortMultipartUpload"): "the same",
    ("EtlRole", "export"): "what RDS wrote of a snapshot is read and listed there",
    ("WebRole", "s3:DeleteObject models/promotions/*"): "a promotion that another outran takes its record back",
    ("TrainingRole", "s3:DeleteObject models/promotions/*"): "the same",
}
#: Role, action, and the resource after ``arn:aws:s3:::``.
Asked = tuple[str, str, str]
Acting = Callable[[str], AbstractContextManager[None]]


@pytest.fixture(scope="module")
def stacks() -> Iterator[Rehearsal]:
    """The stacks up to the roles, without the refusal of what comes without TLS: moto takes it for one of all."""
    with rehearsed(parts=("base", "network", "storage", "database", "roles")) as found:
        for name in found.outputs["storage"].values():
            found.client("s3").delete_bucket_policy(Bucket=name)
        yield found


@pytest.fixture(scope="module")
def bucket(stacks) -> str:
    return str(stacks.outputs["storage"]["LakeBucket"])


@pytest.fixture
def acting(stacks, monkeypatch) -> Acting:
    """A block in which this process is a task with that role, and moto refuses what the role may not do."""
    from moto.core.authorization import enable_iam_authentication

    @contextmanager
    def under(role: str) -> Iterator[None]:
        found = stacks.client("sts").assume_role(RoleArn=stacks.outputs["roles"][role], RoleSessionName="task")
        credentials = found["Credentials"]
        with monkeypatch.context() as environment, enable_iam_authentication():
            environment.setenv("AWS_ACCESS_KEY_ID", credentials["AccessKeyId"])
            environment.setenv("AWS_SECRET_ACCESS_KEY", credentials["SecretAccessKey"])
            environment.setenv("AWS_SESSION_TOKEN", credentials["SessionToken"])
            yield

    return under


@pytest.fixture
def asked(stacks, monkeypatch) -> set[Asked]:
    """What moto's S3 was asked for, and by which role."""
    from moto.iam.access_control import S3IAMRequest

    heard: set[Asked] = set()
    names = {arn.rpartition("/")[2]: role for role, arn in stacks.outputs["roles"].items()}
    check = S3IAMRequest.check_action_permitted

    def listening(request: Any, resource: str) -> None:
        role = names[request._access_key.arn.split("/")[1]]
        heard.add((role, request._action, resource.removeprefix("arn:aws:s3:::")))
        check(request, resource)

    monkeypatch.setattr(S3IAMRequest, "check_action_permitted", listening)
    return heard


@pytest.fixture
def settings(tmp_path, tiny_bank, bucket) -> Settings:
    return settings_in(tmp_path, tiny_bank, lake_uri=f"s3://{bucket}")


def published(lake: Lake, version: str, folder: Path) -> None:
    (folder / version).mkdir()
    (folder / version / "note.txt").write_text(version)
    publish_model(lake, folder / version, metadata(version), {"card.md": b"# A card"})
    registry.challenge(lake, version)


def statements(stacks: Rehearsal, role: str) -> list[dict[str, Any]]:
    """The statements of a role's policy, as IAM keeps them."""
    iam, name = stacks.client("iam"), stacks.outputs["roles"][role].rpartition("/")[2]
    [policy] = iam.list_role_policies(RoleName=name)["PolicyNames"]
    found: list[dict[str, Any]] = iam.get_role_policy(RoleName=name, PolicyName=policy)["PolicyDocument"]["Statement"]
    return found


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def may(stacks: Rehearsal, role: str, action: str, resource: str, **given: str) -> bool:
    """Whether a statement allows it; ``given`` are the keys of conditions, with ``__`` for the colon."""
    keys = {name.replace("__", ":"): value for name, value in given.items()}
    return any(
        any(fnmatchcase(action, each) for each in listed(statement["Action"]))
        and any(fnmatchcase(resource, each) for each in listed(statement["Resource"]))
        and all(
            keys.get(key) in listed(wanted)
            for wanted_keys in statement.get("Condition", {}).values()
            for key, wanted in wanted_keys.items()
        )
        for statement in statements(stacks, role)
    )


def test_each_program_does_its_work_with_its_role_and_none_has_rights_to_spare(
    stacks, acting, asked, settings, bucket, tmp_path
):
    with acting("EtlRole"):
        pipeline.run_etl(settings, silent)
        pipeline.run_export(settings, silent)
        lake = open_lake(settings)
        failed = runs.begin(lake)
        runs.write_parts(lake, f"runs/{failed.run}/marts/loans", [pa.RecordBatch.from_pydict({"loan_id": [1]})])
        runs.discard(lake, failed)
        assert not lake.keys(f"runs/{failed.run}/")
    with acting("TrainingRole"):
        lake = open_lake(settings)
        build_features(lake, "form")
        assert runs.read_features(lake, runs.current_run(lake), "form").num_rows
        published(lake, "v1", tmp_path)
        registry.promote(lake, "v1")
        published(lake, "v2", tmp_path)
    with acting("WebRole"):
        lake, files = open_lake(settings), BatchFiles(open_lake(settings), "one")
        registry.promote(lake, "v2", force=True, reason="better")
        registry.rollback(lake, reason="worse")
        assert read_metadata(lake, registry.champion(lake)).version == "v1"
        for number in range(2):
            files = BatchFiles(lake, f"batch{number}")
            files.keep_input(b"a,b\n")
            files.keep(0, b"result", b"bad")
            assert files.input() == b"a,b\n"
        BatchFiles(lake, "batch0").delete([0])
    with acting("PurgeRole"):
        BatchFiles(open_lake(settings), "batch1").delete([0])
    assert not open_lake(settings).keys("batches/")
    assert unused(stacks, asked, bucket) <= set(SELDOM)


def unused(stacks: Rehearsal, asked: set[Asked], lake: str) -> set[tuple[str, str]]:
    """Rights to S3 that nobody used: the role with the action, where that is refused elsewhere also with the keys."""
    found = set()
    for role in PROGRAMS:
        for statement in statements(stacks, role):
            for action in [each for each in listed(statement["Action"]) if each.startswith("s3:")]:
                for resource in (each.removeprefix("arn:aws:s3:::") for each in listed(statement["Resource"])):
                    if any(who == role and did == action and fnmatchcase(to, resource) for who, did, to in asked):
                        continue
                    if not resource.startswith(lake):
                        found.add((role, "export"))
                    elif action == "s3:AbortMultipartUpload":
                        found.add((role, action))
                    else:
                        found.add((role, f"{action} {resource.removeprefix(lake).lstrip('/')}"))
    return found


@pytest.mark.parametrize(
    ("role", "attempts"),
    [
        (
            "WebRole",
            {
                "read": ["current.json", "runs/r/marts/loans/part-00000.parquet"],
                "write": [
                    "current.json",
                    "runs/r/manifest.json",
                    "models/v1/metadata.json",
                    "models/v1/predictor/a",
                    "else",
                ],
                "delete": ["models/v1/metadata.json", "models/champion.json"],
            },
        ),
        (
            "EtlRole",
            {
                "read": ["models/v1/metadata.json", "batches/b/input.csv", "runs/r/manifest.json"],
                "write": ["models/champion.json", "batches/b/input.csv"],
                "delete": ["current.json", "models/v1/metadata.json"],
            },
        ),
        (
            "TrainingRole",
            {
                "read": ["batches/b/input.csv"],
                "write": ["current.json", "runs/r/manifest.json", "runs/r/marts/loans/part-00000.parquet"],
                "delete": ["models/v1/metadata.json", "models/champion.json"],
            },
        ),
        (
            "PurgeRole",
            {
                "read": ["batches/b/input.csv"],
                "write": ["batches/b/input.csv"],
                "delete": ["models/v1/metadata.json"],
                "keys": ["batches/"],
            },
        ),
    ],
)
def test_a_role_is_refused_what_is_not_its_work(acting, settings, role, attempts):
    with acting(role):
        lake = open_lake(settings)
        does = {"read": lake.read, "delete": lake.delete, "keys": lake.keys, "write": lambda key: lake.write(key, b"x")}
        for verb, keys in attempts.items():
            for key in keys:
                with pytest.raises(LakeError, match="AccessDenied"):
                    does[verb](key)


@pytest.mark.parametrize("role", PROGRAMS)
def test_no_program_reaches_the_other_buckets_but_the_etl_which_reads_exports(stacks, role):
    export, logs = (f"arn:aws:s3:::{stacks.outputs['storage'][name]}/any" for name in ("ExportBucket", "LogBucket"))
    assert may(stacks, role, "s3:GetObject", export) is (role == "EtlRole")
    assert not may(stacks, role, "s3:PutObject", export)
    assert not any(may(stacks, role, f"s3:{verb}Object", logs) for verb in ("Get", "Put", "Delete"))


def test_the_etl_takes_exports_and_deletes_snapshots_of_its_own_alone(stacks):
    rds = f"arn:aws:rds:{REGION}:{ACCOUNT}"
    assert may(stacks, "EtlRole", "rds:CreateDBSnapshot", f"{rds}:db:payoff")
    assert may(stacks, "EtlRole", "rds:CreateDBSnapshot", f"{rds}:snapshot:payoff-2026-11-21t02-00-00")
    assert may(stacks, "EtlRole", "rds:DeleteDBSnapshot", f"{rds}:snapshot:payoff-2026-11-21t02-00-00")
    assert not may(stacks, "EtlRole", "rds:DeleteDBSnapshot", f"{rds}:snapshot:before-the-upgrade")
    assert may(stacks, "EtlRole", "rds:DescribeDBSnapshots", f"{rds}:snapshot:before-the-upgrade")
    assert all(may(stacks, "EtlRole", f"rds:{verb}ExportTask", "*") for verb in ("Start", "Cancel"))
    assert may(stacks, "EtlRole", "rds:DescribeExportTasks", "*")
    for verb in ("DeleteDBInstance", "ModifyDBInstance", "RestoreDBInstanceFromDBSnapshot"):
        assert not may(stacks, "EtlRole", f"rds:{verb}", f"{rds}:db:payoff")
    export, other = stacks.outputs["roles"]["ExportRole"], stacks.outputs["roles"]["WebRole"]
    to_rds = {"iam__PassedToService": "export.rds.amazonaws.com"}
    assert may(stacks, "EtlRole", "iam:PassRole", export, **to_rds)
    assert not may(stacks, "EtlRole", "iam:PassRole", export)
    assert not may(stacks, "EtlRole", "iam:PassRole", other, **to_rds)


@pytest.mark.parametrize(
    ("role", "users"),
    [
        ("WebRole", {"payoff_app", "payoff_reader"}),
        ("PurgeRole", {"payoff_app"}),
        ("EtlRole", {"payoff_loader", "payoff_reader"}),
        ("TrainingRole", set()),
        ("ExportRole", set()),
    ],
)
def test_a_role_signs_in_to_the_database_as_its_own_users(stacks, role, users):
    held = f"arn:aws:rds-db:{REGION}:{ACCOUNT}:dbuser:{stacks.outputs['database']['DatabaseResource']}"
    known = ("payoff_app", "payoff_reader", "payoff_loader", "payoff_master")
    assert {user for user in known if may(stacks, role, "rds-db:connect", f"{held}/{user}")} == users


@pytest.mark.parametrize(
    ("role", "service", "actions"),
    [
        ("WebRole", "s3", {"Decrypt", "GenerateDataKey"}),
        ("EtlRole", "s3", {"Decrypt", "GenerateDataKey"}),
        ("TrainingRole", "s3", {"Decrypt", "GenerateDataKey"}),
        ("PurgeRole", "s3", set()),
        ("WebExecutionRole", "secretsmanager", {"Decrypt"}),
        ("ExecutionRole", "secretsmanager", set()),
        ("TrainingRole", "rds", set()),
        ("EtlRole", "rds", {"CreateGrant", "Decrypt", "DescribeKey", "Encrypt", "GenerateDataKey", "RetireGrant"}),
    ],
)
def test_the_key_serves_a_role_through_the_services_it_uses(stacks, role, service, actions):
    key = stacks.outputs["base"]["KeyArn"]
    known = ("CreateGrant", "Decrypt", "DescribeKey", "Encrypt", "GenerateDataKey", "PutKeyPolicy", "RetireGrant")
    through = {"kms__ViaService": f"{service}.{REGION}.amazonaws.com"}
    assert {each for each in known if may(stacks, role, f"kms:{each}", key, **through)} == actions
    assert not any(may(stacks, role, f"kms:{each}", key) for each in known)


@pytest.mark.parametrize(
    ("service", "roles"),
    [
        ("ecs-tasks.amazonaws.com", {*PROGRAMS, "ExecutionRole", "WebExecutionRole", "AccessRole"}),
        ("export.rds.amazonaws.com", {"ExportRole"}),
        ("scheduler.amazonaws.com", {"SchedulerRole"}),
    ],
)
def test_a_role_is_assumed_by_its_service_for_this_account_alone(stacks, service, roles):
    iam = stacks.client("iam")
    found = set()
    for role, arn in stacks.outputs["roles"].items():
        [trust] = iam.get_role(RoleName=arn.rpartition("/")[2])["Role"]["AssumeRolePolicyDocument"]["Statement"]
        assert trust["Condition"] == {"StringEquals": {"aws:SourceAccount": ACCOUNT}}
        assert set(trust["Principal"]) == {"Service"}
        if trust["Principal"]["Service"] == service:
            found.add(role)
    assert found == roles


def test_the_export_role_has_the_export_bucket_and_the_key_and_nothing_else(stacks):
    key, export = stacks.outputs["base"]["KeyArn"], f"arn:aws:s3:::{stacks.outputs['storage']['ExportBucket']}"
    resources = {each for statement in statements(stacks, "ExportRole") for each in listed(statement["Resource"])}
    assert resources == {key, export, f"{export}/*"}
    assert all(may(stacks, "ExportRole", f"s3:{verb}Object", f"{export}/any") for verb in ("Put", "Get", "Delete"))


def test_the_web_app_alone_has_its_secret_and_only_before_it_starts(stacks):
    secret = f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:payoff/secret-key-AbCdEf"
    holders = {role for role in stacks.outputs["roles"] if may(stacks, role, "secretsmanager:GetSecretValue", secret)}
    assert holders == {"WebExecutionRole"}


def test_the_scheduler_starts_the_jobs_and_nothing_else(stacks):
    here = {"ecs__cluster": stacks.outputs["base"]["ClusterArn"]}
    family = f"arn:aws:ecs:{REGION}:{ACCOUNT}:task-definition/payoff"
    known = ("etl", "training", "purge", "web", "access")
    started = {each for each in known if may(stacks, "SchedulerRole", "ecs:RunTask", f"{family}-{each}:7", **here)}
    assert started == {"etl", "training", "purge"}
    assert not may(stacks, "SchedulerRole", "ecs:RunTask", f"{family}-etl:7", ecs__cluster="another")
    passed = {
        role for role, arn in stacks.outputs["roles"].items()
        if may(stacks, "SchedulerRole", "iam:PassRole", arn, iam__PassedToService="ecs-tasks.amazonaws.com")
    }  # fmt: skip
    assert passed == {"ExecutionRole", "EtlRole", "TrainingRole", "PurgeRole"}
