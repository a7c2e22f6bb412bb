"""The commands of docs/runbook.md, typed from top to bottom against servers of this machine."""

import os
import re
import shlex
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest
from planted import plant
from servers import MariaDB, PartMissing, S3Server, free_port, program, running_mariadb, running_moto

from payoff import runs, schema
from payoff.lake import open_lake
from payoff.model import versions
from payoff.settings import load_settings
from payoff.warehouse import open_warehouse

ROOT = Path(__file__).resolve().parents[2]
RUNBOOK = ROOT / "docs" / "runbook.md"
REGION = "eu-central-1"
SNAPSHOT = "payoff-by-hand"
PASSWORD = "typed-once-in-a-test"
#: What must be said by a command that holds this.
SAYS = {
    "payoff doctor": "✓",
    "select count(*)": "682",
    "payoff model list": "*",
    "payoff model promote": "is the champion of form now",
    "payoff model rollback": "is the champion of form now",
    "payoff database show": "users",
    "payoff key list": "nightly",
    "aws rds describe-db-snapshots": "payoff-last",
}


@dataclass(frozen=True)
class Place:
    """Where the runbook is typed: its variables, and what stands in for AWS."""

    variables: dict[str, str]
    directory: Path

    def typed(self, command: str) -> subprocess.CompletedProcess[str]:
        """The command, as a shell runs it."""
        shell = ["bash", "-euo", "pipefail", "-c", command]
        environment = self.variables | {"VERSION": self._newest()}
        return subprocess.run(
            shell, cwd=self.directory, env=environment, capture_output=True, text=True, timeout=300, check=False
        )

    def _newest(self) -> str:
        """The newest model, for a command that names one."""
        return max(versions(open_lake(self._settings())), default="")

    def written_by_aws(self) -> None:
        """What the export of the snapshot would have written, which moto does not."""
        settings = self._settings()
        lake = open_lake(settings)
        tables = {mart: runs.read_mart(lake, runs.current_run(lake), mart) for mart in schema.marts()}
        with open_warehouse(settings.reading_url) as warehouse:
            tables["origin"] = warehouse.query("select name, value from origin order by name")
        exports = open_lake(settings.model_copy(update={"lake_uri": str(settings.export_uri)}))
        plant(exports, SNAPSHOT, tables, database="payoff")

    def _settings(self) -> Any:
        given = {
            name.removeprefix("PAYOFF_").lower(): text
            for name, text in self.variables.items()
            if name.startswith("PAYOFF_")
        }
        return load_settings(**given)


def commands() -> list[str]:
    """Every command of the runbook, in its order."""
    return re.findall(r"^\$ (.+)$", RUNBOOK.read_text(encoding="utf-8"), re.MULTILINE)


@pytest.fixture
def place(tmp_path: Path, real_settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    with ExitStack() as stack:
        try:
            mariadb = stack.enter_context(running_mariadb(_made(tmp_path / "mariadb")))
            aws = stack.enter_context(running_moto())
            paths = [str(Path(program(name)).parent) for name in ("payoff", "mariadb", "openssl")]
            paths.append(str(_aws_command().parent))
        except PartMissing as missing:
            pytest.skip(f"needs {missing}")
        keys = {
            "AWS_ACCESS_KEY_ID": aws.access_key,
            "AWS_SECRET_ACCESS_KEY": aws.secret_key,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ENDPOINT_URL": aws.endpoint_url,
        }
        for name, text in keys.items():
            monkeypatch.setenv(name, text)
        made = _at_aws(keys)
        ours = _settings(mariadb, aws, made, str(real_settings.source), tmp_path)
        path = os.pathsep.join([*paths, os.environ["PATH"]])
        yield Place({"PATH": path, "HOME": str(tmp_path), "AWS_PAGER": ""} | keys | ours, _made(tmp_path / "desk"))


def _aws_command() -> Path:
    found = ROOT / ".venv-infra" / "bin" / "aws"
    if not found.is_file():
        raise PartMissing(f"{found}; `make setup-dev` installs it")
    return found


def _made(directory: Path) -> Path:
    directory.mkdir()
    return directory


def _at_aws(keys: dict[str, str]) -> dict[str, str]:
    """What the templates make there, as far as the runbook speaks of it."""
    with _clients() as client:
        key = client("kms").create_key()["KeyMetadata"]["Arn"]
        for bucket in ("payoff-lake", "payoff-exports"):
            _bucket(client("s3"), bucket)
        client("rds").create_db_instance(
            DBInstanceIdentifier="payoff", DBInstanceClass="db.t4g.micro", Engine="mariadb", EngineVersion="10.11",
            AllocatedStorage=20, MasterUsername="master", MasterUserPassword="not-used-here", DeletionProtection=True,
        )  # fmt: skip
        secrets = client("secretsmanager")
        secrets.create_secret(Name="payoff/secret-key", SecretString="k" * 40)
        secrets.create_secret(
            Name="payoff/loader", SecretString=f'{{"username": "payoff_loader", "password": "{PASSWORD}"}}'
        )
        ecs = client("ecs")
        ecs.create_cluster(clusterName="payoff")
        web = {"name": "web", "image": "payoff", "memory": 512}
        ecs.register_task_definition(family="payoff-web", containerDefinitions=[web])
        ecs.create_service(cluster="payoff", serviceName="payoff-web", taskDefinition="payoff-web", desiredCount=0)
    return {"key": key}


def _bucket(client: Any, name: str) -> None:
    client.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION})
    client.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms"}}
    client.put_bucket_encryption(Bucket=name, ServerSideEncryptionConfiguration={"Rules": [rule]})
    blocked = dict.fromkeys(("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), True)
    client.put_public_access_block(Bucket=name, PublicAccessBlockConfiguration=blocked)


@contextmanager
def _clients() -> Iterator[Callable[[str], Any]]:
    """Clients of moto by service, closed afterwards."""
    session = boto3.session.Session()
    with ExitStack() as stack:

        def client(service: str) -> Any:
            made = session.client(service)
            stack.callback(made.close)
            return made

        yield client


def _settings(mariadb: MariaDB, aws: S3Server, made: dict[str, str], source: str, directory: Path) -> dict[str, str]:
    host = f"127.0.0.1:{mariadb.port}"
    return {
        "PAYOFF_SOURCE": source,
        "PAYOFF_WAREHOUSE_URL": f"mysql+pymysql://{host}/payoff?secret=payoff/loader",
        "PAYOFF_WAREHOUSE_READ_URL": f"mysql+pymysql://payoff_reader:{PASSWORD}@{host}/payoff",
        "PAYOFF_DATABASE_URL": f"mysql+pymysql://payoff_app:{PASSWORD}@{host}/payoff_app",
        "PAYOFF_LAKE_URI": "s3://payoff-lake/lake",
        "PAYOFF_S3_ENDPOINT_URL": aws.endpoint_url,
        "PAYOFF_EXPORT_INSTANCE": "payoff",
        "PAYOFF_EXPORT_ROLE_ARN": "arn:aws:iam::123456789012:role/payoff-export",
        "PAYOFF_EXPORT_KMS_KEY": made["key"],
        "PAYOFF_EXPORT_URI": "s3://payoff-exports/snapshots",
        "PAYOFF_VAR_DIR": str(directory / "var"),
        "PAYOFF_PORT": str(free_port()),
        "ADMIN_URL": mariadb.url("mysql"),
        "ADMIN": mariadb.user,
        "RESTORED_URL": mariadb.url("payoff_restored"),
        "PORT": str(mariadb.port),
    }


def _password(command: str, place: Place) -> dict[str, str]:
    """Whose password a client of MariaDB finds in its variable."""
    if not command.startswith("mariadb"):
        return {}
    admin = place.variables["ADMIN_URL"].split(":")[2].split("@")[0]
    return {"MYSQL_PWD": admin if '"$ADMIN"' in command else PASSWORD}


def test_every_command_of_the_runbook_does_what_it_says(place: Place) -> None:
    looked = 0
    for command in commands():
        if "--via snapshot" in command:
            place.written_by_aws()
        place.variables.update(_password(command, place))
        ended = place.typed(command)
        said = f"$ {command}\n{ended.stdout}\n{ended.stderr}"
        # The very first look finds nothing in place yet, and says so by its status.
        first_look = command == "payoff doctor" and not looked
        looked += command == "payoff doctor"
        assert ended.returncode == int(first_look), said
        for part, expected in SAYS.items():
            assert part not in command or expected in ended.stdout, said
    assert looked == 2


def test_what_was_not_rehearsed_is_in_no_typed_block() -> None:
    typed = commands()
    assert len(typed) > 30
    assert not [each for each in typed if "infra/" in each or "run-task" in each or "cloudformation" in each]
    programs = {next(word for word in shlex.split(each) if "=" not in word) for each in typed}
    assert programs == {"payoff", "aws", "mariadb", "mariadb-dump"}
