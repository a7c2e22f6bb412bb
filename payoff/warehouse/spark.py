"""Spark on this machine, computing over marts that are handed to it; it holds nothing of its own.

The only module that imports pyspark, and only once Spark is asked for.
"""

import os
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

import pyarrow as pa
import pyarrow.parquet as pq

from payoff import dialect
from payoff.dialect import Engine
from payoff.errors import SettingsError, WarehouseError

if TYPE_CHECKING:
    from py4j.java_gateway import JavaGateway
    from pyspark import SparkConf
    from pyspark.sql import SparkSession

_NO_SPARK = "Spark is not installed. Run `pip install 'payoff[spark]'`; it needs Java 17 or newer, too."
_NO_JAVA = "It needs Java 17 or newer, on the path or at JAVA_HOME (Debian: default-jre-headless)."


class SparkWarehouse:
    """A :class:`payoff.warehouse.SqlSession` over a Spark session whose views are the marts."""

    engine: Engine = "spark"

    def __init__(self, session: "SparkSession") -> None:
        self._session = session

    def run(self, sql: str) -> None:
        for statement in dialect.transpile(sql, self.engine):
            with _worded():
                self._session.sql(statement)

    def query(self, sql: str) -> pa.Table:
        (statement,) = dialect.transpile(sql, self.engine)
        with _worded():
            return self._session.sql(statement).toArrow()


class Spark:
    """A Spark that runs, and the directory that it reads from and writes to."""

    def __init__(self, session: "SparkSession", scratch: Path) -> None:
        self._session, self._scratch = session, scratch

    @contextmanager
    def over_marts(self, marts: Mapping[str, pa.Table]) -> Iterator[SparkWarehouse]:
        """A warehouse that holds ``marts`` only."""
        parts = self._session.sparkContext.defaultParallelism
        with tempfile.TemporaryDirectory(dir=self._scratch, prefix="marts-") as directory:
            for name, table in marts.items():
                _write(table, Path(directory) / name, parts)
                self._session.read.parquet(f"{directory}/{name}").createOrReplaceTempView(name)
            try:
                yield SparkWarehouse(self._session)
            finally:
                for name in marts:
                    self._session.catalog.dropTempView(name)


@contextmanager
def started(cores: int | None = None) -> Iterator[Spark]:
    """Spark with ``cores`` threads, by default one per processor; it ends with the block.

    Raises
    ------
    SettingsError
        Spark or Java is missing, or Java is too old.
    """
    try:
        from pyspark import SparkConf, SparkContext
        from pyspark.sql import SparkSession
    except ImportError as error:
        raise SettingsError(_NO_SPARK) from error
    with tempfile.TemporaryDirectory(prefix="payoff-spark-") as directory:
        scratch = Path(directory)
        conf = SparkConf(loadDefaults=False).setAll(_options(scratch, cores or os.cpu_count() or 1))
        # A file takes what Java and Spark say from their first word on, which no setting of their loggers does.
        with (scratch / "log").open("w+", encoding="utf-8") as log, _java(conf, log) as gateway:
            context = SparkContext(conf=conf, gateway=gateway)
            try:
                yield Spark(SparkSession(context), scratch)
            finally:
                context.stop()


def _options(scratch: Path, cores: int) -> list[tuple[str, str]]:
    return [
        ("spark.app.name", "payoff"),
        ("spark.master", f"local[{cores}]"),
        ("spark.driver.host", "127.0.0.1"),
        ("spark.driver.bindAddress", "127.0.0.1"),
        # The expressions are many and the rows few: Java's second compiler would take longer than it saves.
        ("spark.driver.extraJavaOptions", "-XX:TieredStopAtLevel=1"),
        ("spark.ui.enabled", "false"),
        ("spark.ui.showConsoleProgress", "false"),
        ("spark.local.dir", str(scratch / "local")),
        ("spark.sql.warehouse.dir", str(scratch / "tables")),
        ("spark.sql.catalogImplementation", "in-memory"),
        ("spark.sql.session.timeZone", "UTC"),
        ("spark.sql.shuffle.partitions", str(cores)),
        # What cannot be said in the type of a result is an error: no overflow wraps, no decimal loses a digit.
        ("spark.sql.ansi.enabled", "true"),
        ("spark.sql.decimalOperations.allowPrecisionLoss", "false"),
    ]


@contextmanager
def _java(conf: "SparkConf", log: TextIO) -> "Iterator[JavaGateway]":
    """The Java process that Spark runs in."""
    from pyspark import SparkContext
    from pyspark.errors import PySparkRuntimeError
    from pyspark.java_gateway import launch_gateway

    try:
        gateway = launch_gateway(conf, {"stdout": log, "stderr": subprocess.STDOUT})
    except PySparkRuntimeError as error:
        log.seek(0)
        said = " ".join(log.read().split())[-400:]
        raise SettingsError(f"Spark did not start: {said or error}. {_NO_JAVA}") from error
    try:
        yield gateway
    finally:
        gateway.shutdown()
        gateway.proc.stdin.close()  # the sign for it to end
        gateway.proc.wait()
        # pyspark keeps the first gateway for good; the next start would talk to a Java that has ended.
        SparkContext._gateway = SparkContext._jvm = None


def _write(table: pa.Table, directory: Path, parts: int) -> None:
    """Write ``table`` as Parquet, which keeps dates and decimals as they are, in files that are read side by side."""
    directory.mkdir()
    rows = table.num_rows // parts + 1
    for start in range(0, table.num_rows + 1, rows):
        pq.write_table(table.slice(start, rows), directory / f"part-{start:012d}.parquet")


@contextmanager
def _worded() -> Iterator[None]:
    from pyspark.errors import PySparkException

    try:
        yield
    except PySparkException as error:
        # The lines after the first repeat the statement, which may be long.
        raise WarehouseError(f"Spark: {str(error).strip().splitlines()[0]}") from error
