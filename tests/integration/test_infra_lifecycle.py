"""The stacks of infra/ come and go: out of order, under another name, and deleted."""

from collections.abc import Iterator

import pytest
from botocore.exceptions import ClientError
from rehearsal import ORDER, Rehearsal, rehearsed


@pytest.fixture
def empty() -> Iterator[Rehearsal]:
    """An account with nothing in it."""
    with rehearsed(parts=()) as found:
        yield found


def stacks_of(held: Rehearsal) -> set[str]:
    living = held.client("cloudformation").list_stacks()["StackSummaries"]
    return {each["StackName"] for each in living if each["StackStatus"] != "DELETE_COMPLETE"}


def test_a_template_before_the_one_it_imports_from_is_refused(empty):
    with pytest.raises(ClientError, match="No export named payoff-KeyArn"):
        empty.create("network")


def test_two_projects_lie_side_by_side_with_a_name_in_a_zone_and_go_again():
    with rehearsed(parts=ORDER[:-1]) as held:
        zone = held.client("route53").create_hosted_zone(Name="example.org", CallerReference="rehearsed")
        zone_id = zone["HostedZone"]["Id"].rpartition("/")[2]
        held.create("service", HostedZone=zone_id)
        names = held.client("route53").list_resource_record_sets(HostedZoneId=zone_id)["ResourceRecordSets"]
        assert [each["Name"] for each in names if each["Type"] == "A"] == ["payoff.example.org"]
        for part in ("base", "network", "storage"):
            held.create(part, Project="trial")
        assert held.outputs["storage"]["LakeBucket"].startswith("trial-lake-")
        assert len(stacks_of(held)) == len(ORDER) + 3
        for project, parts in (("trial", ORDER[:3]), ("payoff", ORDER)):
            for part in reversed(parts):
                held.delete(f"{project}-{part}")
        assert stacks_of(held) == set()
        assert held.client("rds").describe_db_instances()["DBInstances"] == []
        assert held.client("elbv2").describe_load_balancers()["LoadBalancers"] == []
