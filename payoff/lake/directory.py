"""A lake in a local directory."""

import errno
import fcntl
import hashlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from payoff.errors import LakeError

_FULL = {errno.ENOSPC, errno.EDQUOT}


class DirectoryLake:
    """A :class:`payoff.lake.Lake` under a directory, which need not be there yet."""

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
        with self._writing(key):
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

    def tagged(self, key: str) -> tuple[bytes, str] | None:
        if not self.exists(key):
            return None
        data = self.read(key)
        return data, hashlib.sha256(data).hexdigest()

    def swap(self, key: str, data: bytes, seen: str | None) -> bool:
        with self._alone(key):
            found = self.tagged(key)
            if (found[1] if found else None) != seen:
                return False
            self.write(key, data)
            return True

    @contextmanager
    def _alone(self, key: str) -> Iterator[None]:
        """Nobody else swaps a file meanwhile; the lock goes with the process that held it."""
        with self._writing(key):
            self._root.mkdir(parents=True, exist_ok=True)
            lock = (self._root / ".lock").open("ab")
        with lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    @contextmanager
    def _writing(self, key: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            full = " Free some space there, or set PAYOFF_LAKE_URI to a larger disk." if error.errno in _FULL else ""
            raise LakeError(f"{self.uri}/{key} cannot be written: {error}.{full}") from error

    def _path(self, key: str) -> Path:
        path = (self._root / key).resolve()
        if not path.is_relative_to(self._root):
            raise LakeError(f"the key {key!r} leads out of the lake")
        return path
