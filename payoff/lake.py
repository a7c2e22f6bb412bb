"""The lake: immutable files under a prefix, and small pointers that say which of them are current.

A directory or an S3 bucket, behind the same verbs. A write is whole or not at all on either, so a reader never
sees half a file; a run becomes visible by its pointer, written last.
"""

import hashlib
import json
import os
import tempfile
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import unquote, urlsplit

from botocore.exceptions import ClientError

from payoff import aws
from payoff.errors import LakeError, SettingsError
from payoff.settings import Settings


class Lake(Protocol):
    """Files by key. Keys are relative paths with forward slashes."""

    uri: str

    def read(self, key: str) -> bytes:
        """The bytes of ``key``. Raises LakeError where there is none."""

    def write(self, key: str, data: bytes) -> None:
        """Store ``data`` whole, replacing what was there."""

    def delete(self, key: str) -> None:
        """Remove ``key``, which need not be there."""

    def exists(self, key: str) -> bool:
        """Whether there is a file of that key."""

    def keys(self, prefix: str) -> list[str]:
        """All keys that start with ``prefix``, sorted."""


def open_lake(settings: Settings) -> Lake:
    """The lake of ``PAYOFF_LAKE_URI``.

    Raises
    ------
    SettingsError
        The URI is neither a directory, ``file://`` nor ``s3://``.
    """
    parts = urlsplit(settings.lake_uri)
    if parts.scheme == "s3" and parts.netloc:
        return S3Lake(parts.netloc, parts.path.strip("/"), settings.s3_endpoint_url)
    if parts.scheme == "file" and parts.netloc in {"", "localhost"} and parts.path.startswith("/"):
        return DirectoryLake(Path(unquote(parts.path)))
    if not parts.scheme and settings.lake_uri:
        return DirectoryLake(Path(settings.lake_uri))
    raise SettingsError(
        f"the lake URI {settings.lake_uri!r} is none of a directory, file:///DIRECTORY and s3://BUCKET/PREFIX. "
        "Set PAYOFF_LAKE_URI."
    )


class DirectoryLake:
    """A lake in a local directory."""

    def __init__(self, root: Path) -> None:
        self._root = root.resolve()
        self.uri = self._root.as_uri()

    def read(self, key: str) -> bytes:
        try:
            return self._path(key).read_bytes()
        except (FileNotFoundError, IsADirectoryError, NotADirectoryError) as error:
            raise LakeError(f"{self.uri} holds no {key}") from error
        except OSError as error:
            raise LakeError(f"{self.uri}/{key} cannot be read: {error}") from error

    def write(self, key: str, data: bytes) -> None:
        path = self._path(key)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            handle, beside = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
            try:
                with os.fdopen(handle, "wb") as file:
                    file.write(data)
                    file.flush()
                    os.fsync(file.fileno())
                Path(beside).chmod(0o644)
                Path(beside).replace(path)
            finally:
                Path(beside).unlink(missing_ok=True)
        except OSError as error:
            raise LakeError(f"{self.uri}/{key} cannot be written: {error}") from error

    def delete(self, key: str) -> None:
        try:
            self._path(key).unlink(missing_ok=True)
        except OSError as error:
            raise LakeError(f"{self.uri}/{key} cannot be deleted: {error}") from error

    def exists(self, key: str) -> bool:
        return self._path(key).is_file()

    def keys(self, prefix: str) -> list[str]:
        files = (path for path in self._root.rglob("*") if path.is_file() and not path.name.startswith("."))
        found = (path.relative_to(self._root).as_posix() for path in files)
        return sorted(key for key in found if key.startswith(prefix))

    def _path(self, key: str) -> Path:
        path = (self._root / key).resolve()
        if not path.is_relative_to(self._root):
            raise LakeError(f"the key {key!r} leads out of the lake")
        return path


class S3Lake:
    """A lake under a prefix of an S3 bucket. Credentials and region are found the standard AWS way."""

    def __init__(self, bucket: str, prefix: str, endpoint_url: str | None) -> None:
        self._bucket = bucket
        self._prefix = f"{prefix}/" if prefix else ""
        self.uri = f"s3://{bucket}/{prefix}".rstrip("/")
        self._client = aws.client("s3", endpoint_url)

    def read(self, key: str) -> bytes:
        with aws.worded(LakeError, f"read {self.uri}/{key}"):
            try:
                data: bytes = self._client.get_object(Bucket=self._bucket, Key=self._prefix + key)["Body"].read()
            except ClientError as error:
                if aws.code(error) == "NoSuchKey":
                    raise LakeError(f"{self.uri} holds no {key}") from error
                raise
        return data

    def write(self, key: str, data: bytes) -> None:
        with aws.worded(LakeError, f"write {self.uri}/{key}"):
            self._client.put_object(Bucket=self._bucket, Key=self._prefix + key, Body=data)

    def delete(self, key: str) -> None:
        with aws.worded(LakeError, f"delete {self.uri}/{key}"):
            self._client.delete_object(Bucket=self._bucket, Key=self._prefix + key)

    def exists(self, key: str) -> bool:
        with aws.worded(LakeError, f"look for {self.uri}/{key}"):
            try:
                self._client.head_object(Bucket=self._bucket, Key=self._prefix + key)
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


def sha256(data: bytes) -> str:
    """Hexadecimal SHA-256 of ``data``."""
    return hashlib.sha256(data).hexdigest()


def read_checked(lake: Lake, key: str, checksum: str) -> bytes:
    """The bytes of ``key``, which must have the SHA-256 ``checksum``.

    Raises
    ------
    LakeError
        There is no such file, or it is not what was written.
    """
    data = lake.read(key)
    if (found := sha256(data)) != checksum:
        raise LakeError(
            f"{lake.uri}/{key} has the SHA-256 {found[:12]}…, its manifest says {checksum[:12]}…; it was damaged"
        )
    return data


def read_json(lake: Lake, key: str) -> dict[str, Any]:
    """The JSON object stored under ``key``."""
    try:
        value = json.loads(lake.read(key))
    except ValueError as error:
        raise LakeError(f"{lake.uri}/{key} is not JSON: {error}") from error
    if not isinstance(value, dict):
        raise LakeError(f"{lake.uri}/{key} holds a {type(value).__name__}, not an object")
    return value


def write_json(lake: Lake, key: str, value: dict[str, Any]) -> None:
    """Store ``value`` as indented JSON under ``key``."""
    lake.write(key, json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False).encode() + b"\n")
