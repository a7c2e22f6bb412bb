"""AWS: one way to make a client, and what each of its refusals means, in words.

Credentials, region and endpoints are found the standard AWS way (``AWS_*``, profiles, the role of a container).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import boto3
from boto3.exceptions import Boto3Error
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    CredentialRetrievalError,
    EndpointConnectionError,
    FlexibleChecksumError,
    NoCredentialsError,
    NoRegionError,
    SSOError,
    TokenRetrievalError,
)
from botocore.parsers import ResponseParserError

from payoff.errors import PayoffError, SettingsError

# "standard" waits longer after each refusal that means "later", and repeats no other.
_CONFIG = Config(retries={"mode": "standard", "total_max_attempts": 5}, connect_timeout=10, read_timeout=60)

_ADVICE = {
    ("ExpiredToken", "ExpiredTokenException", "RequestExpired"): (
        "The credentials have expired. Get new ones (`aws sso login`, or AWS_SESSION_TOKEN) and run this again."
    ),
    ("InvalidAccessKeyId", "InvalidClientTokenId", "UnrecognizedClientException"): (
        "AWS does not know this key. Check AWS_ACCESS_KEY_ID and AWS_SESSION_TOKEN."
    ),
    ("SignatureDoesNotMatch", "InvalidSignatureException"): "Check AWS_SECRET_ACCESS_KEY, and the clock.",
    ("PermanentRedirect", "AuthorizationHeaderMalformed", "IllegalLocationConstraintException", "301"): (
        "The bucket is in another region. Set AWS_DEFAULT_REGION to its region."
    ),
    ("NoSuchBucket",): "Create the bucket, or name one that exists in PAYOFF_LAKE_URI (or PAYOFF_EXPORT_URI).",
    ("InvalidS3BucketFault",): (
        "The bucket of PAYOFF_EXPORT_URI must exist, lie in the region of the database, and let PAYOFF_EXPORT_ROLE_ARN "
        "write to it."
    ),
    ("DBInstanceNotFound", "DBInstanceNotFoundFault"): "Check PAYOFF_EXPORT_INSTANCE and AWS_DEFAULT_REGION.",
    ("InvalidDBInstanceState", "InvalidDBInstanceStateFault"): (
        "The database is starting, stopped or being changed. Run this again when `aws rds describe-db-instances` "
        "calls it available."
    ),
    ("SnapshotQuotaExceeded",): "Delete snapshots that are not needed, or ask AWS for a higher quota.",
    ("DBSnapshotNotFound", "DBSnapshotNotFoundFault"): "Somebody deleted the snapshot. Begin another under a new name.",
    ("InvalidDBSnapshotState", "InvalidExportSourceState"): "The snapshot is in use or not whole. Try again later.",
    ("IamRoleNotFound", "IamRoleMissingPermissions"): (
        "Check PAYOFF_EXPORT_ROLE_ARN; infra/ has the policy that the role needs."
    ),
    ("InvalidExportOnly",): "The database that PAYOFF_WAREHOUSE_URL names is not in the snapshot. Check both.",
    ("NotImplemented",): (
        "This server lacks what is asked. Pointers need conditional writes (If-Match, If-None-Match), as AWS and "
        "SeaweedFS have them."
    ),
    ("KMSKeyNotAccessibleFault", "KMS.DisabledException", "KMS.NotFoundException", "KMS.KMSInvalidStateException"): (
        "The KMS key cannot be used. Check that it is enabled, in this region, and that its policy lets this role."
    ),
    ("AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "NotAuthorized"): (
        "The credentials lack the right to do so; infra/ has the policies of each role."
    ),
    # What answers a question for the head alone: no word says whether the right or the secret is wrong.
    ("403", "Forbidden"): "The AWS credentials lack the right to do so, or their secret is wrong.",
    ("Throttling", "ThrottlingException", "TooManyRequestsException", "RequestLimitExceeded", "SlowDown"): (
        "AWS asks for fewer requests, also after several tries. Run this again in some minutes."
    ),
}
_BY_CODE = {code: advice for codes, advice in _ADVICE.items() for code in codes}


def client(service: str, endpoint_url: str | None = None) -> Any:
    """A boto3 client that waits and repeats when it is asked to.

    Raises
    ------
    SettingsError
        No region is set, or the endpoint is no URL.
    """
    try:
        # A session of its own: the default one keeps the first credentials it found for good.
        return boto3.session.Session().client(service, endpoint_url=endpoint_url, config=_CONFIG)
    except (BotoCoreError, ValueError) as error:
        where = f" at {endpoint_url}" if endpoint_url else ""
        raise SettingsError(f"no client for {service}{where}: {error}. {advice(error)}") from error


def code(error: Exception) -> str:
    """The code of AWS's refusal, such as ``NoSuchKey``; empty for any other error."""
    return str(error.response["Error"].get("Code", "")) if isinstance(error, ClientError) else ""


def advice(error: Exception) -> str:
    """What to do about ``error``."""
    if isinstance(error, NoRegionError):
        return "Set AWS_DEFAULT_REGION."
    if isinstance(error, NoCredentialsError | CredentialRetrievalError | SSOError | TokenRetrievalError):
        return "Log in (`aws sso login`), or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY."
    if isinstance(error, EndpointConnectionError):
        return "Check the network, AWS_DEFAULT_REGION and, where it is not AWS, PAYOFF_S3_ENDPOINT_URL."
    if isinstance(error, FlexibleChecksumError):
        return "What arrived is not what was stored. Try again; if it stays so, the file was damaged."
    # What S3 refuses over a key carries the code of S3's own refusals.
    if code(error) in {"AccessDenied", "AccessDeniedException"} and "kms" in str(error).lower():
        return _BY_CODE["KMSKeyNotAccessibleFault"]
    return _BY_CODE.get(code(error), "Check PAYOFF_S3_ENDPOINT_URL, AWS_DEFAULT_REGION and the AWS credentials.")


@contextmanager
def worded(kind: type[PayoffError], doing: str) -> Iterator[None]:
    """Turn what AWS refuses into ``kind``: what could not be done (``doing``), why, and what to do.

    Raises
    ------
    PayoffError
        Of that ``kind``.
    """
    try:
        yield
    except (ClientError, BotoCoreError, Boto3Error, ResponseParserError) as error:
        raise kind(f"could not {doing}: {error}. {advice(error)}") from error
