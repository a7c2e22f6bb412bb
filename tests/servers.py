"""Real servers for the tests, on free local ports: MariaDB, two that speak S3, and MLflow.

Each is a context manager and says with ``PartMissing`` which program is not there. Heavy modules are imported where
they are used, so that collecting the unit tests stays quick.
"""

import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

START_SECONDS = 60
MLFLOW = Path(__file__).resolve().parents[1] / ".venv-mlflow" / "bin" / "mlflow"


class PartMissing(Exception):
    """A program that a server needs is not installed, or the server does not start here."""


@dataclass(frozen=True)
class MariaDB:
    """A private MariaDB server."""

    port: int
    user: str
    password: str

    def url(self, database: str = "") -> str:
        """The SQLAlchemy URL of a database."""
        return f"mysql+pymysql://{self.user}:{self.password}@127.0.0.1:{self.port}/{database}"

    def create_database(self, name: str) -> str:
        """Create a fresh, empty database, dropping one of that name; its URL."""
        self.execute(f"drop database if exists `{name}`", f"create database `{name}`")
        return self.url(name)

    def drop_database(self, name: str) -> None:
        """Drop a database if it is there."""
        self.execute(f"drop database if exists `{name}`")

    def execute(self, *statements: str, database: str | None = None) -> None:
        """Run statements one after the other and commit."""
        import pymysql

        login: dict[str, Any] = {"user": self.user, "password": self.password, "database": database}
        connected = pymysql.connect(host="127.0.0.1", port=self.port, autocommit=True, **login)
        with connected as connection, connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)

    def rows(self, select: str, database: str) -> list[dict[str, Any]]:
        """What a select finds, each row by the names of its columns."""
        import pymysql

        login: dict[str, Any] = {"user": self.user, "password": self.password, "database": database}
        connected = pymysql.connect(host="127.0.0.1", port=self.port, **login)
        with connected as connection, connection.cursor(pymysql.cursors.DictCursor) as cursor:
            cursor.execute(select)
            return list(cursor.fetchall())


@dataclass(frozen=True)
class S3Server:
    """A private server that speaks S3."""

    endpoint_url: str
    access_key: str
    secret_key: str

    @contextmanager
    def client(self) -> Iterator[Any]:
        """A boto3 client, closed afterwards."""
        import boto3
        from botocore.config import Config

        keys = {"aws_access_key_id": self.access_key, "aws_secret_access_key": self.secret_key}
        session = boto3.session.Session(region_name="us-east-1", **keys)
        # Retries wait longer each time, which makes waiting for a server slow.
        once = Config(retries={"total_max_attempts": 1})
        client = session.client("s3", endpoint_url=self.endpoint_url, config=once)
        try:
            yield client
        finally:
            client.close()

    def create_bucket(self, name: str) -> str:
        """Create a bucket; its URI."""
        with self.client() as client:
            client.create_bucket(Bucket=name)
        return f"s3://{name}"


class SwitchedMariaDB:
    """A MariaDB server that can be stopped and started again: the same data, port and users."""

    def __init__(self, folder: Path, options: Sequence[str]) -> None:
        self.server = MariaDB(free_port(), "tester", secrets.token_hex(8))
        # A server started by root must be told to stay root; anyone else cannot change user.
        user = ["--user=root"] if os.geteuid() == 0 else []
        # Several servers side by side must not share the names of temporary tables.
        temporary = folder / "temporary"
        temporary.mkdir()
        here = [f"--datadir={folder / 'data'}", f"--pid-file={folder / 'pid'}", f"--tmpdir={temporary}", *user]
        install = [program("mariadb-install-db"), "--no-defaults", *here, "--auth-root-authentication-method=normal"]
        subprocess.run([*install, "--skip-test-db"], check=True, capture_output=True)
        command = [program("mariadbd"), "--no-defaults", *here, f"--port={self.server.port}"]
        command += ["--bind-address=127.0.0.1", "--skip-log-bin", "--performance-schema=OFF"]
        command += ["--innodb-buffer-pool-size=64M", "--innodb-log-file-size=16M"]
        self._command = [*command, "--innodb-flush-log-at-trx-commit=0", *options]
        self._log = folder / "mariadbd.log"
        self._folder = folder
        self._running = ExitStack()

    def start(self) -> None:
        """Start it, and wait until it answers."""
        # Not in the test's own folder: the path of a Unix socket may have 107 characters at most.
        path = f"{self._running.enter_context(tempfile.TemporaryDirectory(prefix='payoff-'))}/socket"
        process = self._running.enter_context(_process([*self._command, f"--socket={path}"], self._log))
        _wait(process, lambda: _grant(self.server, path), self._log)

    def stop(self) -> None:
        """Stop it, and wait until it is gone."""
        self._running.close()

    def kill(self) -> None:
        """End it without a word."""
        os.kill(int((self._folder / "pid").read_text(encoding="ascii")), signal.SIGKILL)
        self.stop()


@contextmanager
def switched_mariadb(folder: Path, *options: str) -> Iterator[SwitchedMariaDB]:
    """A running MariaDB server whose data are in ``folder``, with its switch; ``options`` are its own."""
    switch = SwitchedMariaDB(folder, options)
    try:
        switch.start()
        yield switch
    finally:
        switch.stop()


@contextmanager
def running_mariadb(folder: Path, *options: str) -> Iterator[MariaDB]:
    """A MariaDB server whose data are in ``folder``; ``options`` are its own."""
    with switched_mariadb(folder, *options) as switch:
        yield switch.server


def _grant(server: MariaDB, socket_path: str) -> None:
    import pymysql

    # PyMySQL leaves its socket open when it cannot connect, so knock first.
    with socket.socket(socket.AF_UNIX) as knock:
        knock.connect(socket_path)
    connected = pymysql.connect(unix_socket=socket_path, user="root", autocommit=True)
    with connected as connection, connection.cursor() as cursor:
        account = f"'{server.user}'@'127.0.0.1'"
        cursor.execute(f"create or replace user {account} identified by '{server.password}'")
        cursor.execute(f"grant all privileges on *.* to {account} with grant option")


@contextmanager
def running_moto() -> Iterator[S3Server]:
    """moto's S3 in a thread; it accepts any secret."""
    try:
        from moto.server import ThreadedMotoServer
    except ImportError as error:
        raise PartMissing(f"moto with its server is not installed: {error}") from error
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        yield S3Server(f"http://{host}:{port}", "testing", "testing")
    finally:
        server.stop()


@contextmanager
def running_seaweed(folder: Path) -> Iterator[S3Server]:
    """SeaweedFS, which checks signatures; its data is in ``folder``."""
    names = ["master.port", "volume.port", "filer.port", "s3.port"]
    ports = {name: free_port() for part in names for name in (part, f"{part}.grpc")}
    server = S3Server(f"http://127.0.0.1:{ports['s3.port']}", "tester", secrets.token_hex(16))
    identities = folder / "identities.json"
    identities.write_text(json.dumps(_identities(server)), encoding="utf-8")
    data = folder / "data"
    data.mkdir()
    command = [program("weed"), "server", f"-dir={data}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1"]
    command += ["-s3", f"-s3.config={identities}", "-filer", "-volume.max=200", "-master.volumeSizeLimitMB=64"]
    # The Iceberg and Lance catalogues would take fixed ports of their own.
    command += ["-s3.port.iceberg=0", "-s3.port.lance=0", "-s3.iam=false", "-volume.minFreeSpace=0"]
    command += [f"-{name}={port}" for name, port in ports.items()]
    # It takes fifteen seconds to stop in good order, which data that is thrown away does not need.
    with _process(command, folder / "weed.log", grace_seconds=0) as process:
        _wait(process, lambda: _store(server), folder / "weed.log")
        yield server


def _identities(server: S3Server) -> dict[str, Any]:
    keys = [{"accessKey": server.access_key, "secretKey": server.secret_key}]
    actions = ["Admin", "Read", "Write", "List", "Tagging"]
    return {"identities": [{"name": "tester", "credentials": keys, "actions": actions}]}


def _store(server: S3Server) -> None:
    # Listing works some time before there is a volume to write to.
    server.create_bucket("probe")
    with server.client() as client:
        client.put_object(Bucket="probe", Key="probe", Body=b"probe")
        client.delete_object(Bucket="probe", Key="probe")
        client.delete_bucket(Bucket="probe")


@dataclass(frozen=True)
class MLflowServer:
    """A private tracking server; ``artefacts`` is the directory where it keeps them."""

    uri: str
    artefacts: Path


@contextmanager
def running_mlflow(folder: Path) -> Iterator[MLflowServer]:
    """A tracking server that takes artefacts too; its data is in ``folder``."""
    if not MLFLOW.is_file():
        raise PartMissing(f"{MLFLOW} is not there; `make setup-dev` installs it")
    port, artefacts = free_port(), folder / "artefacts"
    command = [str(MLFLOW), "server", "--host=127.0.0.1", f"--port={port}", "--workers=1"]
    command += [f"--backend-store-uri=sqlite:///{folder}/runs.db", f"--artifacts-destination={artefacts}"]
    # What the developer has set for a server of their own is not for this one.
    own = {"MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    with _process(command, folder / "mlflow.log", environment={"PATH": os.environ["PATH"]} | own) as process:
        health = f"http://127.0.0.1:{port}/health"
        _wait(process, lambda: urllib.request.urlopen(health, timeout=5).close(), folder / "mlflow.log")
        yield MLflowServer(f"http://127.0.0.1:{port}", artefacts)


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def program(name: str) -> str:
    """The path of an installed program, looked for beside this Python and on the path."""
    folders = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath), "/usr/sbin"])
    found = shutil.which(name, path=folders)
    if found is None:
        raise PartMissing(f"{name} is not installed")
    return found


@contextmanager
def _process(
    command: Sequence[str], log: Path, grace_seconds: float = 20, environment: Mapping[str, str] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, env=environment)
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(timeout=grace_seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait(process: subprocess.Popen[bytes], probe: Callable[[], None], log: Path) -> None:
    """Call ``probe`` until it passes."""
    from botocore.exceptions import BotoCoreError, ClientError
    from pymysql.err import MySQLError

    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            return probe()
        except (OSError, MySQLError, BotoCoreError, ClientError) as error:
            if process.poll() is not None or time.monotonic() > deadline:
                tail = log.read_text(encoding="utf-8", errors="replace")[-2000:]
                raise RuntimeError(f"{process.args!r} did not start: {error}\n{tail}") from error
        time.sleep(0.1)
