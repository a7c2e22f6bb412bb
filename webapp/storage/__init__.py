"""Where the web app keeps what must outlive a process: predictions, users, batches, the audit log.

SQLite by default, MariaDB in the cloud; SQLAlchemy speaks to both, and Alembic's migrations make the tables.
"""

import fcntl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import current_app
from sqlalchemy import URL, Connection, Engine, create_engine, event, func, make_url, select, text
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import ArgumentError, SQLAlchemyError
from sqlalchemy.orm import Session, sessionmaker
from sqlalchemy.pool import ConnectionPoolEntry, NullPool

from payoff import mariadb
from payoff.errors import SettingsError, StorageError
from payoff.mariadb import retrying
from payoff.mariadb.advice import said
from webapp.storage.tables import Table

EXTENSION = "payoff.database"
_MIGRATIONS = Path(__file__).with_name("migrations")
_LOCK = "payoff.migrate"
_SETTING = "PAYOFF_DATABASE_URL"
_PATIENCE_SECONDS = 30
_CONNECTIONS = 32
#: A server that vanishes without a word is given up after this long.
_READ_SECONDS = 60
_Result = TypeVar("_Result")


class Database:
    """The web app's tables.

    Parameters
    ----------
    url : str
        ``sqlite:///FILE`` or ``mysql+pymysql://…``, see :mod:`payoff.mariadb.address`.
    ca : Path, optional
        The certificates that vouch for a MariaDB server, which needs them outside this machine.

    Raises
    ------
    SettingsError
        The URL is neither, or the server needs ``ca``.
    """

    def __init__(self, url: str, ca: Path | None = None) -> None:
        self._at = _checked(url, ca)
        self.engine = _engine(self._at)
        self._sessions = sessionmaker(self.engine, expire_on_commit=False)

    @contextmanager
    def session(self) -> Iterator[Session]:
        """A transaction: committed at the end of the block, durable then; rolled back where it raises.

        Raises
        ------
        StorageError
            The database cannot be reached, or refuses.
        """
        with mariadb.worded(StorageError, self.shown), self._sessions.begin() as session:
            yield session

    def repeated(self, work: Callable[[Session], _Result]) -> _Result:
        """What ``work`` gives in a transaction of its own, which is run anew where the server ended it for another's.

        Raises
        ------
        StorageError
            The database cannot be reached, or refuses.
        """

        def once() -> _Result:
            with self._sessions.begin() as session:
                return work(session)

        with mariadb.worded(StorageError, self.shown):
            return retrying.undone(once)

    def kept(self, work: Callable[[Session], _Result], lies: Callable[[Session, _Result], bool]) -> _Result:
        """What ``work`` gives in a transaction of its own, durable then; waits for a server that is away.

        Parameters
        ----------
        work : callable
            May be run several times, each in a transaction that the others left nothing in.
        lies : callable
            Whether what a run gave lies in the database: asked where the connection was lost while it committed.

        Raises
        ------
        StorageError
            The database did not come back in time, or refuses.
        """
        given: list[_Result] = []

        def once() -> _Result:
            with self._sessions.begin() as session:
                if given and lies(session, given[-1]):
                    return given[-1]
                given[:] = []
                given.append(work(session))
            return given[-1]

        with mariadb.worded(StorageError, self.shown):
            return retrying.keeping(once)

    @property
    def shown(self) -> str:
        """The URL without its password."""
        return self._at.shown if isinstance(self._at, mariadb.Address) else str(self._at)

    def migrate(self) -> str:
        """Bring the tables up to this version of the program; returns the revision they have now.

        Several processes may do so at once: one does, the others wait.

        Raises
        ------
        StorageError
            The database cannot be reached, or was made by a later version of the program.
        """
        config = _config()
        scripts = ScriptDirectory.from_config(config)
        wanted = scripts.get_current_head()
        try:
            # No connection of the pool may be open when a server parts into processes.
            engine = _engine(self._at, pooled=False)
            with engine.connect() as connection, _alone(connection, engine.url):
                if (there := _revision(connection)) != wanted:
                    self._check_known(there, scripts)
                    config.attributes["connection"] = connection
                    command.upgrade(config, "head")
                    connection.commit()
        except (SQLAlchemyError, OSError) as error:
            raise StorageError(
                f"the tables in {self.shown} cannot be made: "
                f"{said(error) if isinstance(error, SQLAlchemyError) else error}. Check {_SETTING} and the server."
            ) from error
        return str(wanted)

    def _check_known(self, revision: str | None, scripts: ScriptDirectory) -> None:
        if revision is not None and revision not in {each.revision for each in scripts.walk_revisions()}:
            raise StorageError(
                f"the tables in {self.shown} are of revision {revision}, made by a later version of the program; this "
                f"one knows them up to {scripts.get_current_head()}. Install that version, or set PAYOFF_DATABASE_URL."
            )

    def revision(self) -> str | None:
        """The revision of the tables; None where there are none yet.

        Raises
        ------
        StorageError
            The database cannot be reached.
        """
        with self.session() as session:
            return _revision(session.connection())

    def sizes(self) -> dict[str, int]:
        """How many rows each table has, by name."""
        with self.session() as session:
            counts = {table.name: select(func.count()).select_from(table) for table in Table.metadata.sorted_tables}
            return {name: session.execute(counted).scalar_one() for name, counted in counts.items()}


def newest_revision() -> str:
    """The revision of the tables that this version of the program works with."""
    return str(ScriptDirectory.from_config(_config()).get_current_head())


def database() -> Database:
    """The database of the running app."""
    held: Database = current_app.extensions[EXTENSION]
    return held


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    return config


def _checked(url: str, ca: Path | None) -> URL | mariadb.Address:
    try:
        address = make_url(url)
    except (ArgumentError, ValueError):
        # The cause would show the URL, and with it the password.
        raise SettingsError(f"{_SETTING} is no URL; expected sqlite:///FILE or mysql+pymysql://…") from None
    if address.drivername == "sqlite" and address.database and address.database != ":memory:":
        return address
    if address.drivername == mariadb.DRIVER:
        return mariadb.parse_address(url, _SETTING, ca)
    raise SettingsError(
        f"the database URL has the scheme {address.drivername!r}; expected sqlite:///FILE or "
        f"mysql+pymysql://USER:PASSWORD@HOST/DATABASE. Set {_SETTING}."
    )


def _engine(address: URL | mariadb.Address, *, pooled: bool = True) -> Engine:
    # As many connections as threads may want at once: none waits for another's.
    pool: dict[str, Any] = {"max_overflow": _CONNECTIONS} if pooled else {"poolclass": NullPool}
    if isinstance(address, mariadb.Address):
        waiting = {"read_timeout": _READ_SECONDS} if pooled else {}  # to make an index may take longer
        return mariadb.open_engine(
            address, StorageError, isolation_level="READ COMMITTED", connect_args=waiting, **pool
        )
    Path(str(address.database)).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(address, **pool)
    event.listen(engine, "connect", _prepare_sqlite)
    return engine


def _prepare_sqlite(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
    cursor = connection.cursor()
    # A log written ahead lets readers go on beside a writer; FULL waits for the disk at each commit, so that what was
    # answered survives a power cut.
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=15000"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _revision(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


@contextmanager
def _alone(connection: Connection, url: URL) -> Iterator[None]:
    """One migration at a time, between the processes of a machine for a file, and between machines for a server."""
    if url.drivername == "sqlite":
        with Path(f"{url.database}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        return
    name = {"name": f"{_LOCK}.{url.database}"[:64], "seconds": _PATIENCE_SECONDS}
    if connection.execute(text("select get_lock(:name, :seconds)"), name).scalar() != 1:
        raise StorageError("another process is making the tables and does not end; look at the database's processes")
    try:
        yield
    finally:
        connection.execute(text("select release_lock(:name)"), name)
