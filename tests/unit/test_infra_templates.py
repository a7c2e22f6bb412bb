"""The templates of infra/ against each other, and against the program that they deploy."""

import re
import subprocess
from pathlib import Path
from typing import Any

import click
import pytest
from rehearsal import INFRA, ORDER, resources, template

from payoff.cli import cli
from payoff.settings import Settings
from webapp import server

ROOT = INFRA.parent
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
TASKS = {name: task for part in ORDER for name, task in resources(part, "AWS::ECS::TaskDefinition").items()}
CONTAINERS = {each["Name"]: each for task in TASKS.values() for each in task["ContainerDefinitions"]}
PROGRAMS = {name: each for name, each in CONTAINERS.items() if name != "access"}
#: What a checker is told to leave out, each with a reason beside it.
SKIPPED = {"CKV_AWS_18", "CKV_AWS_111", "CKV_AWS_157", "CKV_AWS_260"}


def walked(node: Any) -> list[dict[str, Any]]:
    """Every mapping in a template."""
    if isinstance(node, list):
        return [found for each in node for found in walked(each)]
    if isinstance(node, dict):
        return [node, *(found for each in node.values() for found in walked(each))]
    return []


def imports(part: str) -> set[str]:
    return {each["Fn::ImportValue"]["Fn::Sub"] for each in walked(template(part)) if "Fn::ImportValue" in each}


def exports(part: str) -> set[str]:
    outputs = template(part).get("Outputs", {}).values()
    return {each["Export"]["Name"]["Fn::Sub"] for each in outputs if "Export" in each}


def test_every_template_has_its_place_in_the_order():
    assert {path.stem for path in INFRA.glob("*.yaml")} == set(ORDER)
    for number, part in enumerate(ORDER, start=1):
        assert template(part)["Description"].startswith(f"Payoff {number} of {len(ORDER)}, {part}: ")


def test_a_template_imports_from_those_before_it_alone_and_nothing_is_exported_in_vain():
    known: set[str] = set()
    wanted: set[str] = set()
    for part in ORDER:
        assert not imports(part) - known, part
        known |= exports(part)
        wanted |= imports(part)
    assert known == wanted


@pytest.mark.parametrize("part", ORDER)
def test_no_template_uses_what_cloudformation_does_not_read_of_yaml(part):
    text = (INFRA / f"{part}.yaml").read_text(encoding="utf-8")
    assert not re.search(r"(:|-) [&*][a-z]|<<:", text), "CloudFormation knows no anchors"


def test_a_parameter_of_several_templates_means_the_same_in_each():
    said: dict[str, Any] = {}
    for part in ORDER:
        for name, parameter in template(part)["Parameters"].items():
            same = {key: value for key, value in parameter.items() if key != "Description"}
            assert said.setdefault(name, same) == same, (part, name)
            assert parameter["Description"]


def test_every_variable_of_the_templates_is_a_setting_and_is_given_once():
    for name, container in CONTAINERS.items():
        variables = [each["Name"] for each in (*container.get("Environment", []), *container.get("Secrets", []))]
        assert len(set(variables)) == len(variables), name
        for variable in variables:
            known = (
                variable == "AWS_DEFAULT_REGION" or variable.removeprefix("PAYOFF_").lower() in Settings.model_fields
            )
            assert known, f"{name}: {variable} is no setting"


def test_what_is_secret_stands_in_no_environment():
    for container in CONTAINERS.values():
        variables = {each["Name"] for each in container.get("Environment", [])}
        assert "PAYOFF_SECRET_KEY" not in variables
        assert not re.search(r"//[^/@]*:[^/@]*@", str(container)), "a password in a URL"
    assert [each["Name"] for each in CONTAINERS["web"]["Secrets"]] == ["PAYOFF_SECRET_KEY"]


@pytest.mark.parametrize("name", sorted(PROGRAMS))
def test_a_task_runs_a_command_that_there_is(name):
    words = PROGRAMS[name]["Command"]
    if words == {"Ref": "EtlCommand"}:
        words = template("jobs")["Parameters"]["EtlCommand"]["Default"].split(",")
    command: click.Command = cli
    remaining = list(words)
    while remaining and isinstance(command, click.Group):
        command = command.commands[remaining.pop(0)]
    command.make_context(words[-1], remaining)


def test_training_builds_its_features_first_and_stops_where_that_fails():
    features, training = TASKS["Training"]["ContainerDefinitions"]
    assert (features["Name"], features["Essential"]) == ("features", False)
    assert training["DependsOn"] == [{"ContainerName": "features", "Condition": "SUCCESS"}]


def test_the_port_is_the_same_from_the_load_balancer_to_the_program():
    environment = {each["Name"]: each["Value"] for each in CONTAINERS["web"]["Environment"]}
    target = resources("service", "AWS::ElasticLoadBalancingV2::TargetGroup")["Targets"]
    service = resources("service", "AWS::ECS::Service")["Service"]
    groups = resources("network", "AWS::EC2::SecurityGroup")
    web, balancer = groups["WebGroup"]["SecurityGroupIngress"][0], groups["LoadBalancerGroup"]["SecurityGroupEgress"][0]
    ports = {
        "settings": Settings.model_fields["port"].default,
        "Dockerfile": re.search(r"^EXPOSE (\d+)$", DOCKERFILE, re.M).group(1),
        "image": re.search(r"PAYOFF_PORT=(\d+)", DOCKERFILE).group(1),
        "environment": environment["PAYOFF_PORT"],
        "container": CONTAINERS["web"]["PortMappings"][0]["ContainerPort"],
        "service": service["LoadBalancers"][0]["ContainerPort"],
        "targets": target["Port"],
        "into the tasks": web["FromPort"],
        "out of the load balancer": balancer["ToPort"],
    }
    assert {int(port) for port in ports.values()} == {8000}, ports
    assert target["HealthCheckPort"] == "traffic-port"
    assert environment["PAYOFF_HOST"] == "0.0.0.0"


def test_what_asks_for_health_asks_an_address_that_the_app_has(tmp_path):
    app = server.create_app(Settings(lake_uri=str(tmp_path), database_url=f"sqlite:///{tmp_path}/p", var_dir=tmp_path))
    addresses = {rule.rule for rule in app.url_map.iter_rules()}
    target = resources("service", "AWS::ElasticLoadBalancingV2::TargetGroup")["Targets"]
    assert target["HealthCheckPath"] == "/readyz"
    assert {"/readyz", "/healthz"} <= addresses


def test_the_container_is_looked_after_as_the_dockerfile_says():
    written = re.search(r"HEALTHCHECK .*\\\n +CMD (\[.*\])", DOCKERFILE).group(1)
    kind, *command = CONTAINERS["web"]["HealthCheck"]["Command"]
    assert kind == "CMD"
    assert [f'"{word}"' for word in command] == re.findall(r'"[^"]*"', written)


def test_the_server_hangs_up_later_than_the_load_balancer():
    attributes = resources("service", "AWS::ElasticLoadBalancingV2::LoadBalancer")["LoadBalancer"]
    idle = {each["Key"]: each["Value"] for each in attributes["LoadBalancerAttributes"]}["idle_timeout.timeout_seconds"]
    assert int(idle) < server.KEEP_ALIVE_SECONDS


@pytest.mark.parametrize("name", sorted(PROGRAMS))
def test_a_task_can_write_to_its_volume_alone_and_as_nobody_special(name):
    container = PROGRAMS[name]
    assert container["ReadonlyRootFilesystem"] is True
    assert container["User"] == re.search(r"^USER (\d+)$", DOCKERFILE, re.M).group(1)
    assert container["LinuxParameters"]["Capabilities"] == {"Drop": ["ALL"]}
    # A volume of the image, or what Fargate mounts there would belong to root.
    volumes = re.findall(r"^VOLUME (\S+)$", DOCKERFILE, re.M)
    assert [each["ContainerPath"] for each in container["MountPoints"]] == volumes
    assert re.search(rf"^WORKDIR {volumes[0]}$", DOCKERFILE, re.M)


@pytest.mark.parametrize("name", sorted(TASKS))
def test_a_task_is_for_fargate_with_a_log_and_roles_of_its_own(name):
    task = TASKS[name]
    assert task["RequiresCompatibilities"] == ["FARGATE"]
    assert task["NetworkMode"] == "awsvpc"
    assert all(each["LogConfiguration"]["LogDriver"] == "awslogs" for each in task["ContainerDefinitions"])
    roles = [each["TaskRoleArn"]["Fn::ImportValue"]["Fn::Sub"] for each in TASKS.values()]
    assert len(set(roles)) == len(TASKS)
    assert task["ExecutionRoleArn"] != task["TaskRoleArn"]


def test_a_version_that_never_gets_ready_is_taken_back():
    service = resources("service", "AWS::ECS::Service")["Service"]
    assert service["DeploymentConfiguration"]["DeploymentCircuitBreaker"] == {"Enable": True, "Rollback": True}
    assert service["EnableExecuteCommand"] is False
    assert service["NetworkConfiguration"]["AwsvpcConfiguration"]["AssignPublicIp"] == "DISABLED"


def test_the_database_is_private_encrypted_backed_up_and_asks_for_tls():
    database = resources("database", "AWS::RDS::DBInstance")["Database"]
    settings = resources("database", "AWS::RDS::DBParameterGroup")["Settings"]["Parameters"]
    assert database["PubliclyAccessible"] is False
    assert database["StorageEncrypted"] is True
    assert database["KmsKeyId"] == {"Fn::ImportValue": {"Fn::Sub": "${Project}-KeyArn"}}
    assert database["ManageMasterUserPassword"] is True
    assert "MasterUserPassword" not in database
    assert database["EnableIAMDatabaseAuthentication"] is True
    assert database["DBParameterGroupName"] == {"Ref": "Settings"}
    assert settings["require_secure_transport"] == "1"
    assert template("database")["Parameters"]["BackupDays"]["Default"] >= 7
    assert template("database")["Parameters"]["DeletionProtection"]["Default"] == "true"
    assert template("database")["Resources"]["Database"]["DeletionPolicy"] == "Snapshot"


def test_the_users_of_the_database_are_those_who_may_sign_in():
    urls = set(re.findall(r"mysql\+pymysql://(\w+)@\$\{Host\}:3306/(\w+)\?auth=iam", str(CONTAINERS)))
    assert urls == {("payoff_loader", "payoff"), ("payoff_reader", "payoff"), ("payoff_app", "payoff_app")}
    allowed = set(re.findall(r"dbuser:\$\{Database\}/(\w+)", str(template("roles"))))
    assert allowed == {user for user, _ in urls}


def test_every_log_ends_and_is_encrypted():
    logs = [each for part in ORDER for each in resources(part, "AWS::Logs::LogGroup").values()]
    assert len(logs) == 8
    [key] = resources("base", "AWS::KMS::Key").values()
    of_logs = next(each for each in key["KeyPolicy"]["Statement"] if each["Sid"] == "Logs")
    [patterns] = of_logs["Condition"]["ArnLike"].values()
    encrypted = [each["Fn::Sub"].partition(":log-group:")[2] for each in patterns]
    for log in logs:
        assert log["RetentionInDays"] == {"Ref": "LogDays"}
        assert log["KmsKeyId"] == {"Fn::ImportValue": {"Fn::Sub": "${Project}-KeyArn"}}
        assert any(log["LogGroupName"]["Fn::Sub"].startswith(each.removesuffix("*")) for each in encrypted)


def test_what_a_checker_leaves_out_has_a_reason_beside_it():
    skips = [
        each
        for part in ORDER
        for node in walked(template(part))
        if "checkov" in node
        for each in node["checkov"]["skip"]
    ]
    assert {each["id"] for each in skips} == SKIPPED
    assert all(len(each["comment"]) > 40 for each in skips)


def test_the_document_names_every_parameter_with_its_default():
    document = (ROOT / "docs" / "cloud.md").read_text(encoding="utf-8")
    for part in ORDER:
        for name, parameter in template(part)["Parameters"].items():
            default = parameter.get("Default", "")
            assert f"| `{name}` | {f'`{default}`' if default != '' else ''} |" in document


@pytest.fixture
def aws(tmp_path, monkeypatch) -> Path:
    """A command `aws` that writes down what it was asked and answers as if all were well."""
    program, asked = tmp_path / "aws", tmp_path / "asked"
    program.write_text(
        f'#!/bin/sh\necho "$*" >> {asked}\n'
        'case "$*" in *managedAgents*) echo RUNNING ;; *runtimeId*) echo run-1 ;;\n'
        "*run-task*) echo arn:task/payoff/t1 ;; *DatabaseHost*) echo db.example.org ;; *) echo said ;; esac\n"
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    return asked


def run(script: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(INFRA / script), *arguments], capture_output=True, text=True, check=False)


def test_deploying_asks_for_each_template_in_the_order_given(aws):
    done = run("deploy.sh", " ".join(ORDER), "Project=bank", "Email=a@example.org")
    assert done.returncode == 0, done.stderr
    lines = aws.read_text().splitlines()
    assert [re.search(r"--stack-name bank-(\w+) --template-file \S*/(\w+)\.yaml", line).groups() for line in lines] == [
        (part, part) for part in ORDER
    ]
    assert all(line.endswith("--parameter-overrides Project=bank Email=a@example.org") for line in lines)


@pytest.mark.parametrize("arguments", [["base"], ["bass", "Email=a@example.org"], ["base", "Email"]])
def test_deploying_what_there_is_not_deploys_nothing(aws, arguments):
    done = run("deploy.sh", *arguments)
    assert done.returncode == 2
    assert done.stderr
    assert not aws.exists()


def test_connecting_starts_a_task_leads_through_it_and_stops_it(aws):
    done = run("connect.sh", "3399")
    assert done.returncode == 0, done.stderr
    lines = aws.read_text().splitlines()
    started = next(line for line in lines if "run-task" in line)
    assert "--task-definition payoff-access" in started
    assert "--enable-execute-command" in started
    session = next(line for line in lines if "start-session" in line)
    assert "--target ecs:payoff_t1_run-1 " in session
    assert session.endswith("host=db.example.org,portNumber=3306,localPortNumber=3399")
    assert "stop-task --cluster payoff --task arn:task/payoff/t1" in lines[-1]
