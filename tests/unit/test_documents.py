"""What the pages say is there, is there."""

import re
from pathlib import Path

import pytest

from payoff.cli import cli
from payoff.settings import ROOT, Settings

README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = [
    ROOT / name
    for name in ("README.md", "CONTRIBUTING.md", "benchmarks/README.md", "notebooks/README.md", "sql/README.md")
] + sorted(ROOT.glob("docs/*.md"))
LOCKS = [*ROOT.glob("requirements*.lock"), ROOT / "package-lock.json"]


def test_the_readme_starts_with_the_two_commands():
    commands = re.findall(r"^make \w+", README, flags=re.MULTILINE)
    assert commands == ["make run", "make test"]


def test_the_readme_lists_every_setting_with_its_default():
    rows = re.findall(r"^\| `(PAYOFF_\w+)` \| (.*?) \|", README, flags=re.MULTILINE)
    defaults = {f"PAYOFF_{name.upper()}": field.default for name, field in Settings.model_fields.items()}
    assert dict(rows) == {name: "" if value is None else f"`{value}`" for name, value in defaults.items()}


def test_the_figures_of_the_readme_are_those_that_were_measured():
    tables = {"What it does, and how well": "comparison.md", "What leaks would have bought": "audit.md"}
    for section, page in tables.items():
        text = README.split(f"## {section}\n")[1].split("\n## ")[0]
        rows = [line for line in text.splitlines() if re.search(r"^\|.*\d\.\d{3}", line)]
        assert rows
        measured = (ROOT / "benchmarks" / page).read_text(encoding="utf-8").splitlines()
        assert [row for row in rows if row not in measured] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_of_a_page_leads_somewhere(page: Path):
    for target in re.findall(r"\]\(([^)#]+)\)", page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), target


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_that_a_page_names_exists(page: Path):
    text = page.read_text("utf-8")
    named = re.findall(r"`?payoff ((?:etl|features|model) [\w-]+|run|predict|serve|settings)\b", text)
    for name in named:
        first, *rest = name.split()
        command = cli.commands[first]
        assert not rest or rest[0] in command.commands, name


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_a_lock_file_has_hashes_and_names_no_host(lock: Path):
    text = lock.read_text(encoding="utf-8")
    assert "sha256" in text or "sha512" in text
    assert not re.search(r"https?://(?!github|opencollective|.*funding)", text)
    assert not re.search(r"^--(extra-)?index-url|find-links", text, flags=re.MULTILINE)


def test_the_default_install_has_neither_torch_nor_spark():
    names = set(
        re.findall(r"^([\w.-]+)==", (ROOT / "requirements.lock").read_text(encoding="utf-8"), flags=re.MULTILINE)
    )
    assert {"autogluon-tabular", "duckdb", "flask"} <= names
    assert not {"torch", "pyspark", "catboost", "fastai"} & names


def test_the_container_listens_where_its_health_is_asked_for():
    dockerfile = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    (port,) = re.findall(r"PAYOFF_PORT=(\d+)", dockerfile)
    assert re.findall(r"^EXPOSE (\d+)", dockerfile, flags=re.MULTILINE) == [port]
    (check,) = re.findall(r"HEALTHCHECK.*?\n\s+CMD (.*)", dockerfile)
    assert "os.environ['PAYOFF_PORT']" in check
    assert "/healthz" in check
    assert re.search(r"^USER 10001$", dockerfile, flags=re.MULTILINE)
