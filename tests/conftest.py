"""Fixtures shared by all tests. Servers are started once, when a test first asks for them."""

import fcntl
import os
import shutil
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings as generated
from servers import (
    MariaDB,
    MLflowServer,
    PartMissing,
    S3Server,
    program,
    running_mariadb,
    running_mlflow,
    running_moto,
    running_seaweed,
)

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from payoff.lake import Lake
    from payoff.metadata import Metadata
    from payoff.settings import Settings
    from payoff.warehouse.spark import Spark
    from webapp.storage import Database

# How long an example takes says more about the machine than about the code.
generated.register_profile("unhurried", parent=generated.default, deadline=None)
generated.load_profile("unhurried")

# A training in a test is not for the developer's own tracking server.
os.environ.pop("MLFLOW_TRACKING_URI", None)

ROOT = Path(__file__).resolve().parents[1]
TINY_BANK = ROOT / "tests" / "data" / "tiny_bank"


@pytest.fixture
def tiny_bank(tmp_path: Path) -> Path:
    """A directory with the invented bank's .asc files, free to be changed."""
    return Path(shutil.copytree(TINY_BANK, tmp_path / "tiny_bank"))


@pytest.fixture(scope="session")
def tiny_warehouse_url(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The URL of a warehouse with the invented bank, for reading."""
    from bank import exported, settings_in

    settings = settings_in(tmp_path_factory.mktemp("tiny"), TINY_BANK)
    exported(settings)
    return settings.warehouse_url


@pytest.fixture(scope="session")
def mariadb_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MariaDB]:
    """A private MariaDB server."""
    try:
        with running_mariadb(tmp_path_factory.mktemp("mariadb")) as server:
            yield server
    except PartMissing as missing:
        pytest.skip(f"needs MariaDB: {missing}")


@pytest.fixture
def mariadb_url(mariadb_server: MariaDB) -> Iterator[str]:
    """The URL of a fresh, empty database."""
    name = f"test_{uuid.uuid4().hex[:12]}"
    yield mariadb_server.create_database(name)
    mariadb_server.drop_database(name)


@pytest.fixture(params=["sqlite", "mariadb"])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty database for the web app's own tables, of each kind in turn."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/payoff.sqlite"
    return str(request.getfixturevalue("mariadb_url"))


@pytest.fixture
def tables(empty_url: str) -> "Iterator[Database]":
    """The web app's own tables, empty, in each kind of database in turn."""
    from webapp.storage import Database

    database = Database(empty_url)
    database.migrate()
    yield database
    database.engine.dispose()


@pytest.fixture(scope="module")
def quick_passwords() -> Iterator[None]:
    """Passwords that are hashed with the least work."""
    from staffed import quick_hashes

    with quick_hashes():
        yield


@pytest.fixture(scope="session")
def moto_s3() -> Iterator[S3Server]:
    """S3 as moto imitates it."""
    try:
        with running_moto() as server:
            yield server
    except PartMissing as missing:
        pytest.skip(f"needs moto: {missing}")


@pytest.fixture(scope="session")
def seaweed_s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    """S3 as SeaweedFS serves it, with signatures checked."""
    try:
        with running_seaweed(tmp_path_factory.mktemp("seaweed")) as server:
            yield server
    except PartMissing as missing:
        pytest.skip(f"needs SeaweedFS: {missing}")


@pytest.fixture(scope="session")
def mlflow_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MLflowServer]:
    """A private MLflow tracking server."""
    try:
        with running_mlflow(tmp_path_factory.mktemp("mlflow")) as server:
            yield server
    except PartMissing as missing:
        pytest.skip(f"needs an MLflow server: {missing}")


@pytest.fixture(scope="session")
def spark() -> "Iterator[Spark]":
    """A Spark of two threads."""
    from payoff.errors import SettingsError
    from payoff.warehouse.spark import started

    try:
        with started(cores=2) as running:
            yield running
    except SettingsError as missing:
        pytest.skip(f"needs Spark: {missing}")


@dataclass(frozen=True)
class S3Lake:
    """A fresh bucket, reachable with the credentials in the environment."""

    uri: str
    endpoint_url: str
    bucket: str
    server: S3Server


@pytest.fixture(params=["moto", "seaweed"])
def s3(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> S3Lake:
    """A lake in a fresh bucket of each S3 server in turn."""
    server: S3Server = request.getfixturevalue(f"{request.param}_s3")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", server.access_key)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", server.secret_key)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    bucket = f"test-{uuid.uuid4().hex[:12]}"
    return S3Lake(f"{server.create_bucket(bucket)}/lake", server.endpoint_url, bucket, server)


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of an installed Chromium."""
    for name in ("chromium", "google-chrome", "chromium-browser"):
        try:
            return program(name)
        except PartMissing:
            continue
    pytest.skip("needs Chromium: none of chromium, google-chrome is installed")


@pytest.fixture(scope="session")
def browser(chromium: str) -> "Iterator[Browser]":
    """A headless browser."""
    api = pytest.importorskip("playwright.sync_api", reason="needs playwright")
    # Chromium's sandbox refuses to start for root.
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    # Drawing by a graphics card that is not there costs more than drawing.
    arguments += ["--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync"]
    with api.sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=chromium, args=arguments, headless=True)
        yield launched
        launched.close()


@pytest.fixture(scope="session")
def archive_cache() -> Path:
    """The project's cache with the real archive in it."""
    from etl.source.archive import fetched
    from payoff.errors import SourceUnavailable

    cache = ROOT / "var" / "cache"
    try:
        fetched(cache)
    except SourceUnavailable as error:
        pytest.skip(f"needs the archive: {error}")
    return cache


@pytest.fixture(scope="session")
def original_files() -> Path:
    """The published .asc files of the real bank, kept beside the project and never in it."""
    directory = ROOT.parent / "shared" / "pkdd99"
    if not (directory / "trans.asc").is_file():
        pytest.skip("needs the original .asc files in ../shared/pkdd99")
    return directory


def once(directories: pytest.TempPathFactory, name: str, make: Callable[[Path], None]) -> Path:
    """The directory ``name`` that ``make`` filled for the first process of the run that asked; not to be changed."""
    common = directories.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        common = common.parent
    with (common / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        made = common / name
        if not made.exists():
            making = directories.mktemp(name)
            make(making)
            making.rename(made)
    return made


@pytest.fixture(scope="session")
def real_bank(archive_cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The real bank after its ETL, with all feature tables built, as ``settings_in`` expects it; not to be changed."""
    from bank import exported, settings_in

    from features.build import build_features
    from features.sets import SET_NAMES

    def make(directory: Path) -> None:
        (directory / "var").mkdir()
        (directory / "var" / "cache").symlink_to(archive_cache)
        lake = exported(settings_in(directory, "archive"))
        for name in SET_NAMES:
            build_features(lake, name)

    return once(tmp_path_factory, "bank", make)


@pytest.fixture(scope="session")
def real_settings(real_bank: Path, tmp_path_factory: pytest.TempPathFactory) -> "Settings":
    """Settings of a real bank of this process's own."""
    from bank import settings_in

    own = tmp_path_factory.mktemp("real")
    shutil.copytree(real_bank, own, symlinks=True, dirs_exist_ok=True)
    return settings_in(own, "archive")


@pytest.fixture(scope="session")
def real_lake(real_settings: "Settings") -> "Lake":
    """The lake of the real bank."""
    from payoff.lake import open_lake

    return open_lake(real_settings)


@pytest.fixture(scope="session")
def trained(real_bank: Path, real_lake: "Lake", tmp_path_factory: pytest.TempPathFactory) -> "Metadata":
    """A model of what the form asks, trained on the real bank and promoted."""
    return _trained("form", real_bank, real_lake, tmp_path_factory)


@pytest.fixture(scope="session")
def trained_full(real_bank: Path, real_lake: "Lake", tmp_path_factory: pytest.TempPathFactory) -> "Metadata":
    """A model of what the bank knows of its accounts, trained on the real bank and promoted."""
    return _trained("full", real_bank, real_lake, tmp_path_factory)


def _trained(feature_set: str, bank_directory: Path, lake: "Lake", directories: pytest.TempPathFactory) -> "Metadata":
    from bank import SEED

    from payoff.lake import DirectoryLake
    from payoff.model import read_metadata, versions
    from payoff.registry import promote
    from training.publish import Training, train

    def make(directory: Path) -> None:
        shutil.copytree(bank_directory / "lake", directory, dirs_exist_ok=True)
        train(DirectoryLake(directory), feature_set, Training(SEED))

    made = DirectoryLake(once(directories, f"trained-{feature_set}", make))
    (version,) = versions(made)
    for key in made.keys(f"models/{version}/"):
        lake.write(key, made.read(key))
    promote(lake, version)
    return read_metadata(lake, version)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """A skipped test fails the run where every part must be there."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    skipped = len(reporter.stats.get("skipped", [])) if reporter else 0
    if skipped and os.environ.get("PAYOFF_TESTS_FORBID_SKIPS") == "1" and session.exitstatus == pytest.ExitCode.OK:
        reporter.write_line(f"{skipped} tests were skipped, and PAYOFF_TESTS_FORBID_SKIPS=1 allows none", red=True)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
