"""The Dockerfile, what it is sent, the settings and the rehearsal agree; the rehearsal itself needs podman and root."""

import json
import re
import sys
import tomllib
from pathlib import Path

import pytest

from payoff.settings import Settings
from webapp.vendored import _FILES

ROOT = Path(__file__).resolve().parents[2]
CONTAINER = ROOT / "infra" / "container"
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
#: Each instruction on a line of its own, without comments.
INSTRUCTIONS = re.sub(r"\\\n", " ", re.sub(r"(?m)^#.*\n", "", DOCKERFILE)).splitlines()


def of(instruction: str) -> list[str]:
    return [line.split(maxsplit=1)[1] for line in INSTRUCTIONS if line.startswith(f"{instruction} ")]


def copied() -> set[str]:
    """What is taken from the checkout."""
    found = [words.split() for words in of("COPY") if not words.startswith("--from")]
    return {source for *sources, _ in found for source in sources}


def environment() -> dict[str, str]:
    return dict(re.findall(r"(\w+)=(\S+)", " ".join(of("ENV"))))


@pytest.fixture
def scripts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(CONTAINER))


def test_every_package_of_the_project_is_in_the_image() -> None:
    packages = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]["packages"]
    assert {name.split(".")[0] for name in packages} | {"sql"} <= copied()


def test_what_the_image_copies_is_there_and_is_sent_to_the_build() -> None:
    sent = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    assert copied() == sent
    assert [name for name in copied() if not (ROOT / name).exists()] == []


def test_every_setting_of_the_image_is_one_of_ours_and_writes_below_tmp() -> None:
    own = {name: value for name, value in environment().items() if name.startswith("PAYOFF_")}
    assert {name.removeprefix("PAYOFF_").lower() for name in own} <= set(Settings.model_fields)
    written = {name: own[f"PAYOFF_{name}"] for name in ("VAR_DIR", "DATABASE_URL", "WAREHOUSE_URL")}
    (home,) = {environment()["HOME"], *of("WORKDIR")[-1:]}
    assert home.endswith("tmp")
    assert [name for name, value in written.items() if f"{home}/" not in value] == []


def test_the_image_runs_as_nobody_and_hands_signals_on() -> None:
    assert of("USER") == ["10001"]
    assert of("ENTRYPOINT") == ['["tini", "--", "payoff"]']
    assert of("CMD")[-1] == '["serve"]'
    (healthy,) = re.findall(r"CMD (\[.*healthz.*\])", DOCKERFILE)
    assert json.loads(healthy)[0] == "python"
    assert of("EXPOSE") == [environment()["PAYOFF_PORT"]]


def test_the_lock_holds_what_lambda_needs_for_the_image_installs_nothing_else() -> None:
    locked = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert "--extra build --extra lambda pyproject.toml --output-file requirements.lock" in locked
    extra = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]["lambda"]
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    assert [name for name in extra if f"\n{name}==" not in lock] == []


def test_the_files_that_are_served_of_npms_parts_are_kept() -> None:
    (kept,) = (line for line in of("RUN") if line.startswith("find node_modules"))
    assert set(re.findall(r"! -name (\S+)", kept)) == {path.name for path in _FILES.values()}


def test_the_rehearsal_makes_every_base_that_the_dockerfile_asks_for(scripts: None) -> None:
    from building import BASES

    assert {words.partition("=")[0] for words in of("ARG")} == set(BASES)
    assert [words for words in of("ARG") if not re.fullmatch(r"\w+=[a-z]+:[\w.-]+", words)] == []


def test_a_build_is_lent_how_packages_are_reached_but_no_folder_of_this_machine(scripts: None, tmp_path: Path) -> None:
    from building import npm_configuration, pip_settings

    listed = "\n".join([
        ":env:.cert='/etc/own.pem'", "global.index-url='https://a.example/index'", "global.find-links='/opt/w'",
        "global.extra-index-url='file:///opt/a https://b.example'", "install.no-binary=':all:'", ":env:.proxy='http://p:1'",
        "global.trusted-host='file:///x'",
    ])  # fmt: skip
    assert pip_settings(listed) == {
        "cert": "/etc/own.pem", "index-url": "https://a.example/index", "extra-index-url": "https://b.example",
        "proxy": "http://p:1",
    }  # fmt: skip
    own = tmp_path / ".npmrc"
    assert npm_configuration(own) == "cafile=/run/secrets/ca\n"
    own.write_text("registry=https://c.example\ncafile=/home/me/ca.pem\n")
    assert npm_configuration(own) == "registry=https://c.example\ncafile=/run/secrets/ca\n"


def test_slimming_removes_what_is_listed_and_nothing_else(
    scripts: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from slim import UNNEEDED, slim

    gone = [
        "pandas/tests/frame/test_x.py", "joblib/test/test_y.py", "setuptools/x.py", "pyarrow/libarrow_flight.so.2400",
        "pyarrow/_flight.cpython-311.so", "fontTools/x.py", "numpy/a.pyi", "scipy/b.pyx", "babel/locale-data/de_AT.dat",
    ]  # fmt: skip
    kept = [
        "pandas/core.py", "pip/x.py", "pyarrow/_dataset.so", "pyarrow/libarrow.so.2400", "numpy/testing/x.py",
        "babel/locale-data/cs_CZ.dat", "babel/locale-data/en.dat", "babel/locale-data/root.dat", "payoff/tests.py",
    ]  # fmt: skip
    for name in gone + kept:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")
    (tmp_path / "x.dist-info").mkdir()
    (tmp_path / "x.dist-info" / "RECORD").write_text("pyarrow/_dataset.so,,\npyarrow/_flight.cpython-311.so,,\n")
    kept.append("x.dist-info/RECORD")
    stripped: list[list[str]] = []
    monkeypatch.setattr("slim.subprocess.run", lambda command, check: stripped.append(command))
    slim(tmp_path)
    assert stripped == [["strip", "--strip-unneeded", f"{tmp_path}/pyarrow/_dataset.so"]]
    assert sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()) == sorted(kept)
    assert all(reason for reason in UNNEEDED.values())


def test_only_libraries_that_nothing_has_rewritten_are_stripped(scripts: None, tmp_path: Path) -> None:
    from slim import libraries

    records = {
        "pyarrow-24.dist-info": ["pyarrow/libarrow.so.2400", "pyarrow/lib.cpython-311.so", "pyarrow/x.py"],
        "duckdb-2.dist-info": ["_duckdb.cpython-311.so", "duckdb/some.sources", "duckdb/a.so.py"],
        "pillow-13.dist-info": ["PIL/_imaging.so", "pillow.libs/libpng.so.1"],
    }  # fmt: skip
    for name, files in records.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "RECORD").write_text("".join(f"{file},sha256=x,1\n" for file in files))
    found = {str(path.relative_to(tmp_path)) for path in libraries(tmp_path)}
    assert found == {*records["pyarrow-24.dist-info"][:2], "_duckdb.cpython-311.so"}


def test_rights_and_memory_are_read_as_the_kernel_writes_them(scripts: None) -> None:
    from running import _children, _rollup, status

    told = status(Path("/proc/self/status").read_text())
    assert re.fullmatch(r"\d+ \d+ \d+ \d+", told["Uid"])
    assert re.fullmatch(r"[0-9a-f]{16}", told["CapEff"])
    held = _rollup(int(Path("/proc/self/stat").read_text().split()[0]))
    assert 0 < held["Pss"] <= held["Rss"]
    assert isinstance(_children(1), list)


def test_the_headline_of_an_answer_is_its_verdict(scripts: None) -> None:
    from rehearse import headline

    assert headline('<body><h1 id="verdict">Likely\n  paid off</h1><p>x</p>') == "Likely paid off"
    assert "rehearse" in sys.modules
