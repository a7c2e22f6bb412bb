"""A lake in an S3 bucket.

The bucket decides who reads it and how it is encrypted: nothing is sent of either. Every upload carries a SHA-256 that
the server verifies and keeps, and every download asks for it, so that boto3 verifies what arrived.
"""

import io
from pathlib import Path
from typing import Any

from boto3.s3.transfer import TransferConfig
from botocore.exceptions import ClientError

from payoff import aws
from payoff.errors import LakeError

_MEGABYTE = 1024 * 1024
# What is larger goes up in pieces, several at once, and a piece that fails is sent again alone.
_MULTIPART = TransferConfig(multipart_threshold=16 * _MEGABYTE, multipart_chunksize=8 * _MEGABYTE, max_concurrency=4)
_CHECKSUM = {"ChecksumAlgorithm": "SHA256"}
# S3 answers 409 where two conditional writes meet, and NoSuchKey where what should match is gone.
_OUTRUN = {"PreconditionFailed", "ConditionalRequestConflict", "NoSuchKey", "412", "409"}


class S3Lake:
    """A :class:`payoff.lake.Lake` under a prefix. Credentials and region are found the standard AWS way."""

    def __init__(self, bucket: str, prefix: str, endpoint_url: str | None) -> None:
        self._bucket = bucket
        self._prefix = f"{prefix}/" if prefix else ""
        self.uri = f"s3://{bucket}/{prefix}".rstrip("/")
        self._client = aws.client("s3", endpoint_url)

    def read(self, key: str) -> bytes:
        found = self.tagged(key)
        if found is None:
            raise LakeError(f"{self.uri} holds no {key}")
        return found[0]

    def write(self, key: str, data: bytes) -> None:
        with aws.worded(LakeError, f"write {self.uri}/{key}"):
            if len(data) < _MULTIPART.multipart_threshold:
                self._client.put_object(**self._at(key), Body=data, **_CHECKSUM)
            else:
                self._client.upload_fileobj(
                    io.BytesIO(data), *self._at(key).values(), ExtraArgs=_CHECKSUM, Config=_MULTIPART
                )

    def delete(self, key: str) -> None:
        with aws.worded(LakeError, f"delete {self.uri}/{key}"):
            self._client.delete_object(**self._at(key))

    def exists(self, key: str) -> bool:
        with aws.worded(LakeError, f"look for {self.uri}/{key}"):
            try:
                self._client.head_object(**self._at(key))
            except ClientError as error:
                if aws.code(error) == "404":
                    return False
                raise
        return True

    def keys(self, prefix: str) -> list[str]:
        with aws.worded(LakeError, f"list {self.uri}/{prefix}"):
            pages = self._client.get_paginator("list_objects_v2").paginate(
                Bucket=self._bucket, Prefix=self._prefix + prefix
            )
            return sorted(item["Key"][len(self._prefix) :] for page in pages for item in page.get("Contents", []))

    def tagged(self, key: str) -> tuple[bytes, str] | None:
        with aws.worded(LakeError, f"read {self.uri}/{key}"):
            try:
                found = self._client.get_object(**self._at(key), ChecksumMode="ENABLED")
                return found["Body"].read(), str(found["ETag"])
            except ClientError as error:
                if aws.code(error) == "NoSuchKey":
                    return None
                raise

    def swap(self, key: str, data: bytes, seen: str | None) -> bool:
        unchanged = {"IfMatch": seen} if seen else {"IfNoneMatch": "*"}
        with aws.worded(LakeError, f"write {self.uri}/{key}"):
            try:
                self._client.put_object(**self._at(key), Body=data, **_CHECKSUM, **unchanged)
            except ClientError as error:
                if aws.code(error) not in _OUTRUN:
                    raise
                # A request whose answer was lost is repeated, and then refused for its own first success.
                found = self.tagged(key)
                return found is not None and found[0] == data
        return True

    def fetch(self, key: str, path: Path) -> None:
        """Store the bytes of ``key`` in the local file ``path``, in bounded memory."""
        with aws.worded(LakeError, f"fetch {self.uri}/{key}"):
            try:
                self._client.download_file(*self._at(key).values(), str(path), Config=_MULTIPART)
            except OSError as error:
                raise LakeError(f"{self.uri}/{key} cannot be kept in {path.parent}: {error}") from error

    def _at(self, key: str) -> dict[str, Any]:
        return {"Bucket": self._bucket, "Key": self._prefix + key}
