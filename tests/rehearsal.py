"""The templates of infra/, created in moto, which plays AWS in this process.

moto knows most of what they hold. What its CloudFormation passes over is made here by the service's own call, from the
properties that the template gives, so that at least their names and types are checked. What it makes with half of its
properties (databases, buckets, load balancers, registries, tasks, ways out of security groups) is checked in the
template. ``IGNORED``, ``INVENTED`` and ``UNREADABLE`` name what is not as in AWS.
"""

import copy
import json
import os
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

INFRA = Path(__file__).resolve().parents[1] / "infra"
#: The order of deployment: each imports from those before it alone.
ORDER = ("base", "network", "storage", "database", "roles", "access", "jobs", "service")
REGION = "eu-central-1"
ACCOUNT = "123456789012"
#: What an operator has to say, beside a certificate; all else has a default.
SAID = {
    "Email": "operator@example.org",
    "ImageTag": "rehearsed",
    "Domain": "payoff.example.org",
}
#: Attributes that moto cannot tell, with what stands in for each.
INVENTED = {
    "DbiResourceId": "db-REHEARSED",
    "MasterUserSecret.SecretArn": f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:rds!db-rehearsed",
    "TargetGroupFullName": "targetgroup/payoff-web/rehearsed",
    "LoadBalancerFullName": "app/payoff/rehearsed",
}
#: What moto's RDS stumbles over: it takes the reference for a name.
UNREADABLE = {"DBParameterGroupName"}

Template = dict[str, Any]
Make = Callable[[Callable[[str], Any], dict[str, Any]], object]


def _make_topic_policy(client: Callable[[str], Any], said: dict[str, Any]) -> None:
    policy = json.dumps(said["PolicyDocument"])
    for topic in said["Topics"]:
        client("sns").set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue=policy)


def _make_bucket_policy(client: Callable[[str], Any], said: dict[str, Any]) -> None:
    client("s3").put_bucket_policy(Bucket=said["Bucket"], Policy=json.dumps(said["PolicyDocument"]))


def _make_alarm(client: Callable[[str], Any], said: dict[str, Any]) -> None:
    numbers = {name: float(said[name]) for name in ("Threshold",)} | {
        name: int(said[name]) for name in ("Period", "EvaluationPeriods")
    }
    client("cloudwatch").put_metric_alarm(AlarmName=said["AlarmDescription"], **said | numbers)


def _make_schedule(client: Callable[[str], Any], said: dict[str, Any]) -> None:
    network = said["Target"]["EcsParameters"]["NetworkConfiguration"]
    network["awsvpcConfiguration"] = network.pop("AwsvpcConfiguration")  # the one name the two spell differently
    client("scheduler").create_schedule(**said)


def _make_secret(client: Callable[[str], Any], said: dict[str, Any]) -> None:
    generated = said.pop("GenerateSecretString")
    password = client("secretsmanager").get_random_password(**generated)["RandomPassword"]
    client("secretsmanager").create_secret(**said, SecretString=password)


#: What moto's CloudFormation passes over, and how the service itself is asked for it.
IGNORED: dict[str, Make] = {
    "AWS::CloudWatch::Alarm": _make_alarm,
    "AWS::S3::BucketPolicy": _make_bucket_policy,
    "AWS::SNS::Subscription": lambda client, said: client("sns").subscribe(**said),
    "AWS::SNS::TopicPolicy": _make_topic_policy,
    "AWS::Scheduler::Schedule": _make_schedule,
    "AWS::SecretsManager::Secret": _make_secret,
}


def template(part: str) -> Template:
    """A template with its short functions (``!Ref``) written out."""
    from cfnlint.decode import decode

    read, faults = decode(str(INFRA / f"{part}.yaml"))
    assert not faults, faults
    return json.loads(json.dumps(read))


def resources(part: str, kind: str) -> dict[str, Any]:
    """The properties of each resource of that type, by its name in the template."""
    held = template(part)["Resources"].items()
    return {name: each.get("Properties", {}) for name, each in held if each["Type"] == kind}


@dataclass
class Rehearsal:
    """What was created.

    Attributes
    ----------
    said : mapping of parameter to value
        What an operator says, to every template.
    outputs : mapping of template to mapping of output to value
    ignored : set of str
        Types that moto's CloudFormation passed over.
    resolved : mapping of type to list of properties
        What was made of them by the service's own call, with every reference followed.
    """

    client: Callable[[str], Any]
    said: Mapping[str, str]
    outputs: dict[str, dict[str, str]] = field(default_factory=dict)
    ignored: set[str] = field(default_factory=set)
    resolved: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    def create(self, part: str, **more: str) -> None:
        """Create the stack of a template; ``more`` is said, too."""
        said = {"Project": "payoff", **self.said, **more}
        body, stack_name = template(part), f"{said['Project']}-{part}"
        # Defaults are said, too: moto takes apart only the lists that it is given.
        values = {name: said.get(name, each.get("Default")) for name, each in body["Parameters"].items()}
        given = [{"ParameterKey": name, "ParameterValue": str(value)} for name, value in values.items()]
        with warnings.catch_warnings(record=True) as heard:
            warnings.simplefilter("always")
            self.client("cloudformation").create_stack(
                StackName=stack_name, TemplateBody=json.dumps(_invented(body)), Parameters=given
            )
        said_of = (str(each.message) for each in heard)
        self.ignored |= {each.split()[3] for each in said_of if each.startswith("Tried to parse")}
        stack = self.client("cloudformation").describe_stacks(StackName=stack_name)["Stacks"][0]
        assert stack["StackStatus"] == "CREATE_COMPLETE", stack
        self.outputs[part] = {each["OutputKey"]: each["OutputValue"] for each in stack["Outputs"]}
        self._make_the_ignored(stack_name, body)
        self._write_the_policies(stack_name, part, body)

    def delete(self, stack_name: str) -> None:
        """Delete a stack. moto forgets its tables of routes, without which no network goes."""
        if stack_name.endswith("-network"):
            ec2, [stack] = (
                self.client("ec2"),
                self.client("cloudformation").describe_stacks(StackName=stack_name)["Stacks"],
            )
            [vpc] = [each["OutputValue"] for each in stack["Outputs"] if each["OutputKey"] == "Vpc"]
            tables = ec2.describe_route_tables(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["RouteTables"]
            for table in tables:
                if not any(each["Main"] for each in table["Associations"]):
                    ec2.delete_route_table(RouteTableId=table["RouteTableId"])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # moto names once more what it passes over
            self.client("cloudformation").delete_stack(StackName=stack_name)

    def properties(self, part: str, name: str) -> dict[str, Any]:
        """The properties of a resource with every reference followed, also those that moto makes nothing of."""
        return _resolved(f"payoff-{part}", template(part)["Resources"][name]["Properties"])

    def _write_the_policies(self, stack_name: str, part: str, body: Template) -> None:
        """Once more, as JSON: moto keeps those of a role in the words of Python, which its IAM cannot read."""
        for name, resource in body["Resources"].items():
            if resource["Type"] == "AWS::IAM::Role" and name in self.outputs[part]:
                role = self.outputs[part][name].rpartition("/")[2]
                for policy in _resolved(stack_name, resource["Properties"])["Policies"]:
                    document = json.dumps(policy["PolicyDocument"])
                    self.client("iam").put_role_policy(
                        RoleName=role, PolicyName=policy["PolicyName"], PolicyDocument=document
                    )

    def _make_the_ignored(self, stack_name: str, body: Template) -> None:
        for resource in body["Resources"].values():
            if resource["Type"] in IGNORED:
                found = _resolved(stack_name, resource["Properties"])
                IGNORED[resource["Type"]](self.client, copy.deepcopy(found))
                self.resolved.setdefault(resource["Type"], []).append(found)


@contextmanager
def rehearsed(parts: Sequence[str] = ORDER) -> Iterator[Rehearsal]:
    """The stacks of ``parts``, created in that order in an account that lasts as long as the block."""
    import boto3
    from moto import mock_aws

    with _region(), mock_aws():
        session = boto3.session.Session(region_name=REGION)
        made: dict[str, Any] = {}

        def client(service: str) -> Any:
            if service not in made:
                made[service] = session.client(service)
            return made[service]

        issued = client("acm").request_certificate(DomainName=SAID["Domain"])
        found = Rehearsal(client, SAID | {"Certificate": issued["CertificateArn"]})
        for part in parts:
            found.create(part)
        yield found
        for each in made.values():
            each.close()


@contextmanager
def _region() -> Iterator[None]:
    before = os.environ.get("AWS_DEFAULT_REGION")
    os.environ["AWS_DEFAULT_REGION"] = REGION
    try:
        yield
    finally:
        os.environ.pop("AWS_DEFAULT_REGION")
        if before is not None:
            os.environ["AWS_DEFAULT_REGION"] = before


def _invented(node: Any) -> Any:
    """The same, with a value in place of each attribute that moto cannot tell, and without what it cannot read."""
    if isinstance(node, list):
        return [_invented(each) for each in node]
    if not isinstance(node, dict):
        return node
    if isinstance(asked := node.get("Fn::GetAtt"), list) and asked[1] in INVENTED:
        return INVENTED[asked[1]]
    return {name: _invented(each) for name, each in node.items() if name not in UNREADABLE}


def _resolved(stack_name: str, said: dict[str, Any]) -> dict[str, Any]:
    """Properties with every reference followed, by moto's own means."""
    from moto.cloudformation.models import cloudformation_backends
    from moto.cloudformation.parsing import clean_json

    backend = cloudformation_backends[ACCOUNT][REGION]
    found: dict[str, Any] = clean_json(_invented(said), backend.get_stack(stack_name).resource_map)
    return found
