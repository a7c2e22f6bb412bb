"""Completeness: every SQL file has its place, its promise in the header, and the columns that its table declares."""

import re

import pyarrow as pa
import pytest

from payoff import dialect, schema
from payoff.errors import ContractError

README = (schema.SQL_DIR / "README.md").read_text(encoding="utf-8")
FILES = sorted(schema.SQL_DIR.rglob("*.sql"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_every_sql_file_says_in_its_header_what_it_promises(path):
    text = path.read_text(encoding="utf-8")
    assert text.startswith("-- ")
    if path.parent.name != "checks":
        assert "Key: " in text
    assert len(text.splitlines()) <= 80


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_every_sql_file_is_in_the_run_order_of_the_readme(path):
    assert f"`{path.stem}`" in README


def test_the_readme_lists_tables_and_marts_in_the_order_in_which_they_run():
    listed = re.findall(r"^\d+\. `(\w+)`", README, flags=re.MULTILINE)
    assert listed == [*schema.raw_tables(), *schema.views(), *schema.marts()]


@pytest.mark.parametrize("mart", schema.marts())
def test_a_mart_has_a_key_and_is_declared_with_the_columns_that_its_header_names(mart):
    spec = schema.table_spec(mart)
    assert spec.key
    header = schema.select_text("marts", mart).split("\n\n")[0]
    assert all(part in header for part in spec.key)


def test_every_mart_reads_staging_or_other_marts_only():
    allowed = {*schema.views(), *schema.marts()}
    for mart in schema.marts():
        read = dialect.tables_read(dialect.parse(schema.select_text("marts", mart))[0])
        assert read <= allowed


def test_types_of_the_lake_come_from_the_ddl():
    spec = schema.table_spec("loans")
    assert spec.arrow.field("amount_czk").type == pa.decimal128(14, 2)
    assert spec.arrow.field("granted_on").type == pa.date32()
    assert spec.arrow.field("card_issued_on").nullable
    assert not spec.arrow.field("loan_id").nullable


def test_allowed_values_and_references_come_from_the_ddl():
    loan = schema.table_spec("raw_loan")
    assert {column.name: column.allowed for column in loan.columns}["status"] == ("A", "B", "C", "D")
    assert loan.foreign_keys == {"account_id": ("raw_account", "account_id")}


def test_an_undeclared_table_is_named_together_with_those_there_are():
    with pytest.raises(ContractError, match="raw_loan"):
        schema.table_spec("nonsense")


def test_the_sql_hash_changes_with_any_file(monkeypatch, tmp_path):
    before = schema.sql_hash()
    (tmp_path / "a.sql").write_text("select 1", encoding="utf-8")
    monkeypatch.setattr(schema, "SQL_DIR", tmp_path)
    assert schema.sql_hash() != before
