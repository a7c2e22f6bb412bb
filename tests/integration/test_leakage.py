"""Nothing dated on or after a loan reaches a feature: later rows are changed, added and deleted, and bytes compared."""

import re
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import pytest
from bank import exported, feature_bytes, settings_in

from features.sets import SET_NAMES, feature_set

Rows = list[list[str]]


def read(path: Path) -> tuple[str, Rows]:
    header, *lines = path.read_text(encoding="latin-1").splitlines()
    return header, [line.split(";") for line in lines]


def write(path: Path, header: str, rows: Rows) -> None:
    path.write_text("\n".join([header, *(";".join(row) for row in rows)]) + "\n", encoding="latin-1")


def grants(bank: Path) -> dict[str, str]:
    """Day of the grant (YYMMDD) of each account's loan."""
    return {row[1]: row[2] for row in read(bank / "loan.asc")[1]}


def grants_by_disposition(bank: Path) -> dict[str, str]:
    by_account = grants(bank)
    return {row[0]: by_account[row[2]] for row in read(bank / "disp.asc")[1] if row[2] in by_account}


def later(row: Rows, granted: dict[str, str], key: int, day: int) -> bool:
    return row[day].strip('"')[:6] >= granted.get(row[key], "999999")


def delete_later_transactions(bank: Path) -> int:
    header, rows = read(bank / "trans.asc")
    kept = [row for row in rows if not later(row, grants(bank), key=1, day=2)]
    write(bank / "trans.asc", header, kept)
    return len(rows) - len(kept)


def change_later_transactions(bank: Path) -> int:
    header, rows = read(bank / "trans.asc")
    changed = [row for row in rows if later(row, grants(bank), key=1, day=2)]
    for row in changed:
        row[3:8] = ['"VYDAJ"', '"VYBER"', "77777.70", "-99999.90", '"SANKC. UROK"']
    write(bank / "trans.asc", header, rows)
    return len(changed)


def add_transactions_on_and_after_the_grant(bank: Path) -> int:
    header, rows = read(bank / "trans.asc")
    number = 900_000
    for account, granted in grants(bank).items():
        for days in (0, 1, 29, 400):
            day = date(1900 + int(granted[:2]), int(granted[2:4]), int(granted[4:])) + timedelta(days)
            booked = [str(number), account, day.strftime("%y%m%d"), '"VYDAJ"', '"VYBER KARTOU"', "5.50", "-123456.70"]
            rows.append([*booked, '""', "", ""])
            number += 1
    write(bank / "trans.asc", header, rows)
    return number - 900_000


def delete_later_cards(bank: Path) -> int:
    header, rows = read(bank / "card.asc")
    kept = [row for row in rows if not later(row, grants_by_disposition(bank), key=1, day=3)]
    write(bank / "card.asc", header, kept)
    return len(rows) - len(kept)


def change_later_cards(bank: Path) -> int:
    header, rows = read(bank / "card.asc")
    changed = [row for row in rows if later(row, grants_by_disposition(bank), key=1, day=3)]
    for row in changed:
        row[2] = '"junior"' if row[2] != '"junior"' else '"gold"'
    write(bank / "card.asc", header, rows)
    return len(changed)


def add_cards_on_and_after_the_grant(bank: Path) -> int:
    header, rows = read(bank / "card.asc")
    before = len(rows)
    for number, (disposition, granted) in enumerate(grants_by_disposition(bank).items(), start=9000):
        rows.append([str(number), disposition, '"gold"', f"{granted} 00:00:00"])
    write(bank / "card.asc", header, rows)
    return len(rows) - before


LATER: list[Callable[[Path], int]] = [
    delete_later_transactions,
    change_later_transactions,
    add_transactions_on_and_after_the_grant,
    delete_later_cards,
    change_later_cards,
    add_cards_on_and_after_the_grant,
]


@pytest.fixture
def as_it_was(tiny_bank, tmp_path) -> dict[str, bytes]:
    lake = exported(settings_in(tmp_path / "before", tiny_bank))
    return {name: feature_bytes(lake, name) for name in SET_NAMES}


@pytest.fixture(params=["duckdb", "mariadb"])
def warehouse(request) -> dict[str, str]:
    return {} if request.param == "duckdb" else {"warehouse_url": request.getfixturevalue("mariadb_url")}


@pytest.mark.parametrize("interfere", LATER, ids=lambda function: function.__name__)
def test_rows_on_or_after_the_loan_date_change_no_byte_of_any_feature(
    as_it_was, warehouse, tiny_bank, tmp_path, interfere
):
    assert interfere(tiny_bank) > 0
    lake = exported(settings_in(tmp_path / "after", tiny_bank, **warehouse))
    assert {name: feature_bytes(lake, name) for name in SET_NAMES} == as_it_was


def days_before(bank: Path, account: str, days: int) -> str:
    granted = grants(bank)[account]
    return (date(1900 + int(granted[:2]), int(granted[2:4]), int(granted[4:])) - timedelta(days)).strftime("%y%m%d")


#: Days before the grant, and whether a feature may see such a row.
CANARIES = [(30, True), (1, True), (0, False), (-1, False), (-30, False)]


@pytest.mark.parametrize(("days", "seen"), CANARIES)
def test_a_transaction_is_seen_exactly_when_it_lies_before_the_loan(as_it_was, tiny_bank, tmp_path, days, seen):
    header, rows = read(tiny_bank / "trans.asc")
    mine = [row for row in rows if row[1] == "3" and row[2] < grants(tiny_bank)["3"]]
    balance = next(row for row in rows if row == mine[-1])[6]
    rows.append(
        ["999999", "3", days_before(tiny_bank, "3", days), '"PRIJEM"', '"VKLAD"', "0.00", balance, '""', "", ""]
    )
    write(tiny_bank / "trans.asc", header, rows)
    lake = exported(settings_in(tmp_path / "after", tiny_bank))
    for name in SET_NAMES:
        assert (feature_bytes(lake, name) != as_it_was[name]) == seen


@pytest.mark.parametrize(("days", "seen"), CANARIES)
def test_a_card_is_seen_exactly_when_it_was_issued_before_the_loan(as_it_was, tiny_bank, tmp_path, days, seen):
    header, rows = read(tiny_bank / "card.asc")
    owner = next(row[0] for row in read(tiny_bank / "disp.asc")[1] if row[2] == "3" and re.search("OWNER", row[3]))
    rows.append(["999", owner, '"gold"', f"{days_before(tiny_bank, '3', days)} 00:00:00"])
    write(tiny_bank / "card.asc", header, rows)
    lake = exported(settings_in(tmp_path / "after", tiny_bank))
    for name in SET_NAMES:
        assert (feature_bytes(lake, name) != as_it_was[name]) == seen


def test_the_default_sets_use_no_undated_table():
    features = (*feature_set("form"), *feature_set("full"))
    assert {feature.known for feature in features} <= {"dated", "static", "snapshot"}
    assert "owner_sex" not in {feature.name for feature in features}
