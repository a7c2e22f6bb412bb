"""The containers that .asc files come in: directories, gzip, zip; and what is no such thing."""

import gzip
import shutil
import zipfile

import pytest
from asc_files import read

from etl.source import asc as asc_module
from etl.source import read_source, separated
from payoff.errors import SourceUnavailable


def test_a_gzipped_file_is_read_like_a_plain_one(tiny_bank):
    expected = read(tiny_bank)
    packed = gzip.compress((tiny_bank / "trans.asc").read_bytes())
    (tiny_bank / "trans.asc.gz").write_bytes(packed)
    (tiny_bank / "trans.asc").unlink()
    data = read(tiny_bank)
    assert data.tables == expected.tables
    assert "sha256 trans.asc.gz" in data.origin


def test_a_zip_may_hold_the_files_in_a_folder(tiny_bank, tmp_path):
    expected = read(tiny_bank).tables
    packed = gzip.compress((tiny_bank / "loan.asc").read_bytes())
    (tiny_bank / "loan.asc").unlink()
    (tiny_bank / "LOAN.ASC.gz").write_bytes(packed)
    (tiny_bank / "readme.txt").write_text("not a table")
    shutil.make_archive(str(tmp_path / "bank"), "zip", tmp_path, "tiny_bank")
    data = read(tmp_path / "bank.zip")
    assert data.tables == expected
    assert set(data.origin) == {"kind", "location", "sha256"}


def test_the_origin_names_the_directory_and_each_files_hash(tiny_bank):
    origin = read(tiny_bank).origin
    assert origin["kind"] == "directory"
    assert origin["location"] == str(tiny_bank)
    assert sum(name.startswith("sha256 ") and len(value) == 64 for name, value in origin.items()) == 8


def test_a_plain_file_wins_over_a_gzipped_one(tiny_bank):
    (tiny_bank / "loan.asc.gz").write_bytes(gzip.compress(b"something else"))
    data = read(tiny_bank)
    assert data.tables["raw_loan"].num_rows == 6
    assert "sha256 loan.asc.gz" not in data.origin


def unavailable(source):
    with pytest.raises(SourceUnavailable) as caught:
        read(source)
    return str(caught.value)


def test_a_path_that_does_not_exist_is_named_with_the_other_sources(tmp_path):
    message = unavailable(tmp_path / "nowhere")
    assert "nowhere does not exist" in message
    assert "--source archive" in message
    assert "--source ctu" in message


def test_a_directory_without_any_table_is_refused(tmp_path):
    (tmp_path / "notes.txt").write_text("hello")
    assert "holds no .asc file" in unavailable(tmp_path)


def test_a_file_that_is_no_zip_is_refused(tmp_path):
    (tmp_path / "bank.zip").write_text("hello")
    assert "bank.zip cannot be read: File is not a zip file" in unavailable(tmp_path / "bank.zip")


def test_a_zip_with_two_files_for_a_table_is_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "bank.zip", "w") as archive:
        archive.writestr("old/loan.asc", "x")
        archive.writestr("new/loan.asc", "y")
    assert "holds loan.asc twice" in unavailable(tmp_path / "bank.zip")


def test_a_zip_that_would_unpack_to_too_much_is_not_unpacked(tmp_path, monkeypatch):
    monkeypatch.setattr(asc_module, "MAX_MEMBER_BYTES", 10)
    with zipfile.ZipFile(tmp_path / "bank.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("loan.asc", "0" * 1000)
    assert "unpack it first" in unavailable(tmp_path / "bank.zip")


def test_half_a_gzipped_file_is_refused(tiny_bank):
    packed = gzip.compress((tiny_bank / "trans.asc").read_bytes())
    (tiny_bank / "trans.asc").unlink()
    (tiny_bank / "trans.asc.gz").write_bytes(packed[: len(packed) // 2])
    assert "cannot be read: Compressed file ended" in unavailable(tiny_bank)


def test_a_line_without_end_is_refused(tiny_bank, monkeypatch):
    monkeypatch.setattr(separated, "BLOCK_BYTES", 150)
    with (tiny_bank / "trans.asc").open("a", encoding="latin-1") as file:
        file.write("x" * 1000)
    assert "trans.asc is not semicolon-separated text in lines" in unavailable(tiny_bank)


def test_a_url_of_another_database_is_refused():
    with pytest.raises(SourceUnavailable, match="postgresql:// URL; expected") as caught:
        read_source("postgresql://me:secret@host/bank", None)
    assert "secret" not in str(caught.value)
