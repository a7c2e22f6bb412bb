"""Where the web app keeps what must outlive a process: predictions, users, batches, the audit log.

SQLite by default, MariaDB in the cloud; SQLAlchemy speaks to both, and Alembic's migrations make the tables.
"""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

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

from payoff.errors import SettingsError, StorageError
from webapp.storage.tables import Table

EXTENSION = "payoff.database"
_MIGRATIONS = Path(__file__).with_name("migrations")
_LOCK = "payoff.migrate"
_PATIENCE_SECONDS = 30


class Database:
    """The web app's tables.

    Parameters
    ----------
    url : str
        ``sqlite:///FILE`` or ``mysql+pymysql://…``.

    Raises
    ------
    SettingsError
        The URL is neither.
    """

    def __init__(self, url: str) -> None:
        self._url = _checked(url)
        self.engine = _engine(self._url)
        self._sessions = sessionmaker(self.engine, expire_on_commit=False)

    @contextmanager
    def session(self) -> Iterator[Session]:
        """A transaction: committed at the end of the block, durable then; rolled back where it raises.

        Raises
        ------
        StorageError
            The database cannot be reached, or refuses.
        """
        try:
            with self._sessions.begin() as session:
                yield session
        except SQLAlchemyError as error:
            raise StorageError(f"{self.shown}: {getattr(error, 'orig', None) or error}") from error

    @property
    def shown(self) -> str:
        """The URL without its password."""
        return self._url.render_as_string(hide_password=True)

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
            engine = _engine(self._url, pooled=False)
            with engine.connect() as connection, _alone(connection, self._url):
                if (there := _revision(connection)) != wanted:
                    self._check_known(there, scripts)
                    config.attributes["connection"] = connection
                    command.upgrade(config, "head")
                    connection.commit()
        except (SQLAlchemyError, OSError) as error:
            raise StorageError(
                f"the tables in {self.shown} cannot be made: {getattr(error, 'orig', None) or error}. "
                "Check PAYOFF_DATABASE_URL and the server."
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


def _checked(url: str) -> URL:
    try:
        address = make_url(url)
    except ArgumentError as error:
        raise SettingsError(f"PAYOFF_DATABASE_URL is no URL: {error}") from error
    if address.drivername == "sqlite" and address.database and address.database != ":memory:":
        return address
    if address.drivername == "mysql+pymysql" and address.database:
        return address.update_query_dict({"charset": "utf8mb4"})
    raise SettingsError(
        f"the database URL has the scheme {address.drivername!r}; expected sqlite:///FILE or "
        "mysql+pymysql://USER:PASSWORD@HOST/DATABASE. Set PAYOFF_DATABASE_URL."
    )


def _engine(url: URL, *, pooled: bool = True) -> Engine:
    if url.drivername != "sqlite":
        pool = {"pool_recycle": 1800, "pool_pre_ping": True} if pooled else {"poolclass": NullPool}
        return create_engine(url, isolation_level="READ COMMITTED", **pool)
    Path(str(url.database)).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(url, **({} if pooled else {"poolclass": NullPool}))
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
