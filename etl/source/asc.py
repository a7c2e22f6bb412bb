"""The published layout: eight .asc files in a directory, plain or gzipped, or in a zip."""

import gzip
import hashlib
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path, PurePosixPath
from typing import cast

import pyarrow as pa
import pyarrow.compute as pc

from etl.source.casts import parse_dates, without_blanks
from etl.source.loose import ALTERNATIVES, YYMMDD, Chunk, LooseTable, missing_columns
from etl.source.separated import Peekable, read_chunks, read_header
from payoff.errors import BadRow, SourceUnavailable
from payoff.schema import TableSpec, raw_tables, table_spec

MAX_MEMBER_BYTES = 2 << 30
_Open = Callable[[], AbstractContextManager[Peekable]]
_Files = dict[str, tuple[str, _Open]]


@contextmanager
def opened_asc(path: Path) -> Iterator[tuple[dict[str, str], dict[str, LooseTable]]]:
    """Origin and loose tables of a directory or zip of .asc files; the tables can be read while it is open.

    Raises
    ------
    SourceUnavailable
        There is no such directory or zip, it holds no .asc file, or a file is damaged.
    """
    opened = _directory if path.is_dir() else _zip
    if not path.exists():
        raise SourceUnavailable(f"{path} does not exist; expected a directory or zip of .asc files. {ALTERNATIVES}")
    try:
        with opened(path) as (origin, files):
            if not files:
                raise SourceUnavailable(f"{path} holds no .asc file; expected loan.asc and so on. {ALTERNATIVES}")
            yield origin, {name: _loose_table(table_spec(name), files, path) for name in raw_tables()}
    except (OSError, EOFError, zlib.error, zipfile.BadZipFile, NotImplementedError) as error:
        raise SourceUnavailable(f"{path} cannot be read: {error}. {ALTERNATIVES}") from error


@contextmanager
def _directory(path: Path) -> Iterator[tuple[dict[str, str], _Files]]:
    # Reversed, so that a plain file wins over a gzipped one of the same name.
    paths = sorted((p for p in path.iterdir() if _table_file(p.name)), reverse=True)
    files: _Files = {_table_file(p.name): (p.name, partial(_open_file, p)) for p in paths}
    used = {name for name, _ in files.values()}
    hashes = {f"sha256 {p.name}": _sha256(p) for p in sorted(paths) if p.name in used}
    yield {"kind": "directory", "location": str(path), **hashes}, files


@contextmanager
def _zip(path: Path) -> Iterator[tuple[dict[str, str], _Files]]:
    with zipfile.ZipFile(path) as archive:
        files: _Files = {}
        for member in archive.infolist():
            name = PurePosixPath(member.filename).name
            table_file = _table_file(name)
            if not table_file:
                continue
            if table_file in files:
                raise SourceUnavailable(f"{path} holds {table_file} twice; expected each table once")
            if member.flag_bits & 1 or member.file_size > MAX_MEMBER_BYTES:
                raise SourceUnavailable(f"{member.filename} in {path} is encrypted or over 2 GiB; unpack it first")
            files[table_file] = (name, partial(_open_member, archive, member))
        yield {"kind": "directory", "location": str(path), "sha256": _sha256(path)}, files


def _table_file(name: str) -> str:
    """``loan.asc`` for ``LOAN.ASC.gz``; nothing for a file that is no table."""
    plain = name.lower().removesuffix(".gz")
    return plain if f"raw_{plain.removesuffix('.asc')}" in raw_tables() and plain.endswith(".asc") else ""


def _open_file(path: Path) -> AbstractContextManager[Peekable]:
    return gzip.open(path) if path.suffix.lower() == ".gz" else path.open("rb")


def _open_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> AbstractContextManager[Peekable]:
    stream = cast(zipfile.ZipExtFile, archive.open(member))  # it is one wherever a member is read
    return gzip.open(stream) if member.filename.lower().endswith(".gz") else stream


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _loose_table(spec: TableSpec, files: _Files, path: Path) -> LooseTable:
    table_file = f"{spec.name.removeprefix('raw_')}.asc"
    if table_file not in files:
        return LooseTable(table_file, YYMMDD, broken=(BadRow(table_file, 0, f"is missing in {path}"),))
    file, opened = files[table_file]
    aliases = _aliases(spec)
    expected = dict.fromkeys(aliases.get(column, column) for column in spec.column_names)
    with opened() as stream:
        header = read_header(stream)
    broken = missing_columns(file, expected, header)
    repeated = sorted(name for name in set(header) if header.count(name) > 1)
    broken += tuple(BadRow(file, 1, f"column {name} is named twice") for name in repeated)
    if broken:
        return LooseTable(file, YYMMDD, broken=broken)
    return LooseTable(file, YYMMDD, _chunks(spec, opened, aliases, file), aliases)


def _aliases(spec: TableSpec) -> dict[str, str]:
    """The published names of columns, where sql/schema has others."""
    if spec.name == "raw_district":
        return {"district_id": "A1"} | {name: name.upper() for name in spec.column_names[1:]}
    return {"gender": "birth_number", "birth_date": "birth_number"} if spec.name == "raw_client" else {}


def _chunks(spec: TableSpec, opened: _Open, aliases: Mapping[str, str], file: str) -> Iterator[Chunk]:
    sources = [aliases.get(column, column).lower() for column in spec.column_names]
    with opened() as stream:
        for chunk in read_chunks(stream, list(dict.fromkeys(sources)), file):
            text = {name: chunk.text[source] for name, source in zip(spec.column_names, sources, strict=True)}
            if spec.name == "raw_client":
                text["gender"], text["birth_date"] = decoded_birth_numbers(text["birth_date"])
            yield replace(chunk, text=pa.RecordBatch.from_pydict(text))


def decoded_birth_numbers(numbers: pa.Array) -> tuple[pa.Array, pa.Array]:
    """Gender and birth date out of birth numbers, which are YYMMDD with 50 added to the month for women.

    Parameters
    ----------
    numbers : array of string

    Returns
    -------
    gender : array of string
        F or M; null where there is no number.
    birth_date : array of string
        YYMMDD; a number that holds no date is left as it is, for the typing step to name.
    """
    numbers = without_blanks(numbers)
    digits = pc.if_else(pc.match_substring_regex(numbers, r"^\d{6}$"), numbers, None).cast(pa.int64())
    female = pc.fill_null(pc.match_substring_regex(numbers, r"^\d{2}[5-9]"), False)
    born = pc.utf8_lpad(pc.if_else(female, pc.subtract(digits, 5000), digits).cast(pa.string()), 6, "0")
    gender = pc.if_else(female, "F", "M")
    is_date = pc.is_valid(parse_dates(born, YYMMDD))
    return pc.if_else(pc.is_valid(numbers), gender, None), pc.if_else(is_date, born, numbers)
