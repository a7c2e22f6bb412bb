"""The templates of infra/ created and deleted in moto, and what came of them."""

import json
from collections.abc import Iterator

import pytest
from rehearsal import IGNORED, ORDER, REGION, SAID, Rehearsal, rehearsed, resources

JOBS = ("etl", "training", "purge")


@pytest.fixture(scope="module")
def stacks() -> Iterator[Rehearsal]:
    """Everything, created."""
    with rehearsed() as found:
        yield found


def test_every_stack_is_created_and_each_output_has_a_value(stacks):
    for part in ORDER:
        declared = {
            "base": 6,
            "network": 9,
            "storage": 3,
            "database": 4,
            "roles": 9,
            "access": 1,
            "jobs": 3,
            "service": 2,
        }
        outputs = stacks.outputs[part]
        assert len(outputs) == declared[part]
        assert all(value and "${" not in value and "None" not in value for value in outputs.values()), outputs


def test_moto_passes_over_what_the_rehearsal_says_and_nothing_else(stacks):
    assert stacks.ignored == set(IGNORED)
    assert {kind: len(made) for kind, made in stacks.resolved.items()} == {
        kind: sum(len(resources(part, kind)) for part in ORDER) for kind in IGNORED
    }


def test_nothing_but_the_ports_of_the_load_balancer_is_open_to_the_world(stacks):
    groups = stacks.client("ec2").describe_security_groups()["SecurityGroups"]
    open_ports = {
        (group["GroupId"], rule.get("FromPort"))
        for group in groups
        for rule in group["IpPermissions"]
        if rule["IpRanges"] or rule["Ipv6Ranges"] or rule["PrefixListIds"]
    }
    balancer = stacks.outputs["network"]["LoadBalancerGroup"]
    assert open_ports == {(balancer, 443), (balancer, 80)}


def test_the_database_is_asked_by_three_groups_on_its_port_and_asks_nobody(stacks):
    network = stacks.outputs["network"]
    [group] = stacks.client("ec2").describe_security_groups(GroupIds=[network["DatabaseGroup"]])["SecurityGroups"]
    rules = [(rule, each) for rule in group["IpPermissions"] for each in rule["UserIdGroupPairs"]]
    asked = {(rule["FromPort"], rule["ToPort"], each["GroupId"]) for rule, each in rules}
    assert asked == {(3306, 3306, network[name]) for name in ("WebGroup", "JobsGroup", "AccessGroup")}
    said = stacks.properties("network", "DatabaseGroup")["SecurityGroupEgress"]
    assert [each["CidrIp"] for each in said] == ["127.0.0.1/32"]


def test_no_route_leads_out_of_the_subnets_of_the_database(stacks):
    ec2, network = stacks.client("ec2"), stacks.outputs["network"]
    tables = ec2.describe_route_tables(Filters=[{"Name": "vpc-id", "Values": [network["Vpc"]]}])["RouteTables"]
    ways = {table["RouteTableId"]: {next(iter(_gateways(each)))[:3] for each in table["Routes"]} for table in tables}
    names = resources("network", "AWS::EC2::SubnetRouteTableAssociation")
    joined = [stacks.properties("network", name) for name in names]
    table_of = {each["SubnetId"]: each["RouteTableId"] for each in joined}
    public, private, database = (network[f"{row}Subnets"].split(",") for row in ("Public", "Private", "Database"))
    assert [ways.pop(table) for table in {table_of[each] for each in public}] == [{"loc", "igw"}]
    assert [ways.pop(table) for table in {table_of[each] for each in private}] == [{"loc", "nat", "vpc"}]
    # What is joined to no table has the main one, the only one that is left.
    assert not table_of.keys() & set(database)
    assert list(ways.values()) == [{"loc"}]
    subnets = ec2.describe_subnets(SubnetIds=[*public, *private, *database])["Subnets"]
    assert not any(each["MapPublicIpOnLaunch"] for each in resources("network", "AWS::EC2::Subnet").values())
    zones = {each["SubnetId"]: each["AvailabilityZone"] for each in subnets}
    assert all(len({zones[each] for each in row}) == 2 for row in (public, private, database))


def _gateways(route: dict[str, str]) -> list[str]:
    return [route[name] for name in ("NatGatewayId", "GatewayId") if name in route]


def test_the_database_is_there_and_private(stacks):
    [database] = stacks.client("rds").describe_db_instances()["DBInstances"]
    assert not database["PubliclyAccessible"]
    assert database["StorageEncrypted"]
    assert database["KmsKeyId"] == stacks.outputs["base"]["KeyArn"]
    assert {each["SubnetIdentifier"] for each in database["DBSubnetGroup"]["Subnets"]} == set(
        stacks.outputs["network"]["DatabaseSubnets"].split(",")
    )
    assert stacks.outputs["database"]["DatabaseHost"] == database["Endpoint"]["Address"]


@pytest.mark.parametrize("name", ["LakeBucket", "ExportBucket", "LogBucket"])
def test_a_bucket_is_private_encrypted_versioned_tidied_and_by_tls_alone(stacks, name):
    s3, bucket = stacks.client("s3"), stacks.outputs["storage"][name]
    said = stacks.properties("storage", name)
    closed = ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets")
    assert said["PublicAccessBlockConfiguration"] == dict.fromkeys(closed, True)
    assert said["OwnershipControls"] == {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}
    assert said["VersioningConfiguration"] == {"Status": "Enabled"}
    [rule] = s3.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]["Rules"]
    by_default = rule["ApplyServerSideEncryptionByDefault"]
    assert by_default["SSEAlgorithm"] == ("AES256" if name == "LogBucket" else "aws:kms")
    assert by_default.get("KMSMasterKeyID") == (None if name == "LogBucket" else stacks.outputs["base"]["KeyArn"])
    rules = said["LifecycleConfiguration"]["Rules"]
    assert all("NoncurrentVersionExpiration" in each for each in rules)
    assert any("AbortIncompleteMultipartUpload" in each and "Prefix" not in each for each in rules)
    policy = json.loads(s3.get_bucket_policy(Bucket=bucket)["Policy"])
    assert policy["Statement"][0] == {
        "Sid": "TlsOnly", "Effect": "Deny", "Principal": "*", "Action": "s3:*",
        "Resource": [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }  # fmt: skip


def test_the_lake_of_the_tasks_is_the_bucket_that_was_made(stacks):
    for family in ("payoff-web", "payoff-etl", "payoff-training", "payoff-purge"):
        described = stacks.client("ecs").describe_task_definition(taskDefinition=family)["taskDefinition"]
        for container in described["containerDefinitions"]:
            said = {each["name"]: each["value"] for each in container["environment"]}
            assert said["PAYOFF_LAKE_URI"] == f"s3://{stacks.outputs['storage']['LakeBucket']}"
            assert said["AWS_DEFAULT_REGION"] == REGION


def test_images_are_scanned_and_their_tags_never_moved(stacks):
    [registry] = stacks.client("ecr").describe_repositories()["repositories"]
    assert registry["imageTagMutability"] == "IMMUTABLE"
    said = stacks.properties("base", "Registry")
    assert said["ImageScanningConfiguration"] == {"ScanOnPush": True}
    rules = said["LifecyclePolicy"]["LifecyclePolicyText"]
    stacks.client("ecr").put_lifecycle_policy(repositoryName=registry["repositoryName"], lifecyclePolicyText=rules)


def test_the_load_balancer_speaks_https_and_sends_http_there(stacks):
    elb = stacks.client("elbv2")
    [balancer] = elb.describe_load_balancers()["LoadBalancers"]
    listeners = elb.describe_listeners(LoadBalancerArn=balancer["LoadBalancerArn"])["Listeners"]
    by_port = {each["Port"]: each for each in listeners}
    assert by_port[443]["Protocol"] == "HTTPS"
    assert by_port[443]["SslPolicy"].startswith("ELBSecurityPolicy-TLS13-1-2")
    redirect = by_port[80]["DefaultActions"][0]["RedirectConfig"]
    assert (redirect["Protocol"], redirect["StatusCode"]) == ("HTTPS", "HTTP_301")
    assert set(by_port) == {80, 443}
    attributes = stacks.properties("service", "LoadBalancer")["LoadBalancerAttributes"]
    elb.modify_load_balancer_attributes(LoadBalancerArn=balancer["LoadBalancerArn"], Attributes=attributes)
    said = {each["Key"]: each["Value"] for each in attributes}
    assert said["access_logs.s3.bucket"] == stacks.outputs["storage"]["LogBucket"]
    assert said["deletion_protection.enabled"] == "true"


def test_every_alarm_goes_to_the_topic_and_says_what_to_do(stacks):
    alarms = stacks.client("cloudwatch").describe_alarms()["MetricAlarms"]
    assert {each["MetricName"] for each in alarms} == {
        "HTTPCode_Target_5XX_Count", "HTTPCode_ELB_5XX_Count", "UnHealthyHostCount", "HealthyHostCount",
        "TargetResponseTime", "CPUUtilization", "MemoryUtilization", "FreeStorageSpace", "DatabaseConnections",
        "ApproximateNumberOfMessagesVisible",
    }  # fmt: skip
    topic = stacks.outputs["base"]["AlarmsArn"]
    for alarm in alarms:
        assert alarm["AlarmActions"] == [topic], alarm["MetricName"]
        assert all(each["Value"] and "${" not in each["Value"] for each in alarm["Dimensions"])
        assert len(alarm["AlarmDescription"]) > 40
    [letter] = stacks.client("sns").list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
    assert (letter["Protocol"], letter["Endpoint"]) == ("email", SAID["Email"])


def test_each_job_is_started_in_the_private_subnets_with_rights_to_do_so(stacks):
    network = stacks.outputs["network"]
    for job in JOBS:
        target = stacks.client("scheduler").get_schedule(Name=f"payoff-{job}")["Target"]
        where = target["EcsParameters"]["NetworkConfiguration"]["awsvpcConfiguration"]
        assert target["EcsParameters"]["TaskDefinitionArn"] == stacks.outputs["jobs"][job.capitalize()]
        assert where["AssignPublicIp"] == "DISABLED"
        assert where["Subnets"] == network["PrivateSubnets"].split(",")
        assert where["SecurityGroups"] == [network["JobsGroup"]]
        assert target["RoleArn"] == stacks.outputs["roles"]["SchedulerRole"]
        assert target["DeadLetterConfig"]["Arn"].endswith(":payoff-not-started")


def stopped(job: str, *codes: int | None, **changed: object) -> list[dict[str, object]]:
    """The event of a stopped task, once for each container: AWS matches if any does, moto looks into no list."""
    detail = {
        "clusterArn": f"arn:aws:ecs:{REGION}:123456789012:cluster/payoff", "lastStatus": "STOPPED",
        "group": f"family:payoff-{job}", "stopCode": "EssentialContainerExited",
    } | changed  # fmt: skip
    one = {"source": "aws.ecs", "detail-type": "ECS Task State Change"}
    containers = [{} if code is None else {"exitCode": code} for code in codes]
    return [one | {"detail": detail | {"containers": each}} for each in containers]


@pytest.mark.parametrize(
    ("events", "told"),
    [
        (stopped("etl", 1), True),
        (stopped("purge", 137), True),
        (stopped("training", 1, None), True),
        (stopped("training", 0, 1), True),
        (stopped("etl", None, stopCode="TaskFailedToStart"), True),
        (stopped("etl", 0), False),
        (stopped("training", 0, 0), False),
        (stopped("etl", 1, lastStatus="RUNNING"), False),
        (stopped("web", 1), False),
        (stopped("access", 143), False),
    ],
)
def test_a_job_that_fails_is_told_of_and_no_other(stacks, events, told):
    from moto.events.models import EventPattern

    rule = stacks.client("events").describe_rule(Name="payoff-job-failed")
    pattern = EventPattern(rule["EventPattern"], json.loads(rule["EventPattern"]))
    assert any(pattern.matches_event(each) for each in events) is told
    [target] = stacks.client("events").list_targets_by_rule(Rule="payoff-job-failed")["Targets"]
    assert target["Arn"] == stacks.outputs["base"]["AlarmsArn"]
