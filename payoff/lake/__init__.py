"""The lake: immutable files under a prefix, and small pointers that say which of them are current.

A directory or an S3 bucket, behind the same verbs. A write is whole or not at all on either, so a reader never
sees half a file; a run becomes visible by its pointer, written last. A pointer is only ever swapped: whoever read
what has changed since is told, so that two writers cannot undo each other's work unseen.
"""

import hashlib
import json
import secrets
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple, Protocol
from urllib.parse import unquote, urlsplit

from payoff.errors import LakeError, SettingsError
from payoff.lake.directory import DirectoryLake
from payoff.settings import Settings

__all__ = [
    "DirectoryLake", "Lake", "open_lake", "read_checked", "read_json", "sha256", "update_json", "write_json",
]  # fmt: skip

_SWAPS = 20


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

    def tagged(self, key: str) -> tuple[bytes, str] | None:
        """The bytes of ``key`` with a tag that changes whenever they do; None where there is no such file."""

    def swap(self, key: str, data: bytes, seen: str | None) -> bool:
        """Store ``data`` if ``key`` still has the tag ``seen``, None for no file; False where another was faster."""


class _Seen(NamedTuple):
    value: dict[str, Any] | None
    tag: str | None


def open_lake(settings: Settings) -> Lake:
    """The lake of ``PAYOFF_LAKE_URI``.

    Raises
    ------
    SettingsError
        The URI is neither a directory, ``file://`` nor ``s3://``.
    """
    parts = urlsplit(settings.lake_uri)
    if parts.scheme == "s3" and parts.netloc:
        # boto3 is not for those whose lake is a directory.
        from payoff.lake.bucket import S3Lake

        return S3Lake(parts.netloc, parts.path.strip("/"), settings.s3_endpoint_url)
    if parts.scheme == "file" and parts.netloc in {"", "localhost"} and parts.path.startswith("/"):
        return DirectoryLake(Path(unquote(parts.path)))
    if not parts.scheme and settings.lake_uri:
        return DirectoryLake(Path(settings.lake_uri))
    raise SettingsError(
        f"the lake URI {settings.lake_uri!r} is none of a directory, file:///DIRECTORY and s3://BUCKET/PREFIX. "
        "Set PAYOFF_LAKE_URI."
    )


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
    return _parsed(lake, key, lake.read(key))


def write_json(lake: Lake, key: str, value: dict[str, Any]) -> None:
    """Store ``value`` as indented JSON under ``key``."""
    lake.write(key, _as_json(value))


def update_json(lake: Lake, key: str, change: Callable[[dict[str, Any] | None], dict[str, Any]]) -> None:
    """Replace the object under ``key`` by what ``change`` makes of it, with nobody else's write between.

    Parameters
    ----------
    change : callable
        From what is there now (None where nothing is) to what shall be there. Called again with what another writer
        left whenever one was faster; an error that it raises leaves everything as it is.

    Raises
    ------
    LakeError
        Others wrote it each of many times.
    """
    for attempt in range(_SWAPS):
        seen = _seen(lake, key)
        value = change(seen.value)
        if value == (seen.value or {}) or lake.swap(key, _as_json(value), seen.tag):
            return
        # Unlike waits, so that those who met once do not meet again.
        time.sleep((attempt + 1) * secrets.randbelow(20) / 1000)
    raise LakeError(
        f"{lake.uri}/{key} was changed by others {_SWAPS} times in a row. Find out who writes it, and retry."
    )


def _seen(lake: Lake, key: str) -> _Seen:
    found = lake.tagged(key)
    if found is None:
        return _Seen(None, None)
    data, tag = found
    return _Seen(_parsed(lake, key, data), tag)


def _parsed(lake: Lake, key: str, data: bytes) -> dict[str, Any]:
    try:
        value = json.loads(data)
    except ValueError as error:
        raise LakeError(f"{lake.uri}/{key} is not JSON: {error}") from error
    if not isinstance(value, dict):
        raise LakeError(f"{lake.uri}/{key} holds a {type(value).__name__}, not an object")
    return value


def _as_json(value: dict[str, Any]) -> bytes:
    return json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False).encode() + b"\n"
