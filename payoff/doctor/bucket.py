"""The buckets: private, encrypted, and keeping what was overwritten."""

from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

from botocore.exceptions import ClientError

from payoff import aws
from payoff.doctor.finding import Finding
from payoff.errors import LakeError
from payoff.settings import Settings

#: What S3 says of a bucket where nobody ever set what is asked.
_UNSET = ("NoSuchPublicAccessBlockConfiguration", "ServerSideEncryptionConfigurationNotFoundError")
_REFUSED = ("AccessDenied", "NotImplemented", "MethodNotAllowed", "501")


def look(settings: Settings) -> Iterator[Finding]:
    """How each bucket that the settings name is guarded."""
    named = {urlsplit(uri).netloc for uri in (settings.lake_uri, settings.export_uri or "") if uri.startswith("s3://")}
    if not named:
        return
    client = aws.client("s3", settings.s3_endpoint_url)
    for bucket in sorted(named):
        for promise, asked, advice in _PROMISES:
            yield _finding(client, bucket, promise, asked, advice)


def _finding(client: Any, bucket: str, promise: str, asked: Callable[[Any, str], bool], advice: str) -> Finding:
    with aws.worded(LakeError, f"ask whether s3://{bucket} {promise}"):
        try:
            kept = asked(client, bucket)
        except ClientError as error:
            if aws.code(error) in _REFUSED:
                return Finding("doubtful", f"it cannot be told whether s3://{bucket} {promise}: {error}", advice)
            if aws.code(error) not in _UNSET:
                raise
            kept = False
    if kept:
        return Finding("good", f"s3://{bucket} {promise}")
    return Finding("bad", f"s3://{bucket} is not one that {promise}", f"{advice} infra/ makes such a bucket.")


def _is_private(client: Any, bucket: str) -> bool:
    blocked = client.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"]
    return all(
        blocked.get(name)
        for name in ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")
    )


def _is_encrypted(client: Any, bucket: str) -> bool:
    rules = client.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]["Rules"]
    return any("ApplyServerSideEncryptionByDefault" in rule for rule in rules)


def _is_versioned(client: Any, bucket: str) -> bool:
    return bool(client.get_bucket_versioning(Bucket=bucket).get("Status") == "Enabled")


_PROMISES = (
    ("is closed to the public", _is_private, "Block all public access to it (`aws s3api put-public-access-block`)."),
    ("encrypts what it keeps", _is_encrypted, "Give it a default key (`aws s3api put-bucket-encryption`)."),
    (
        "keeps what is overwritten or deleted",
        _is_versioned,
        "Turn versioning on (`aws s3api put-bucket-versioning`), so that a mistake can be undone.",
    ),
)
