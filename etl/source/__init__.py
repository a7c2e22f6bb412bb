"""The bank's eight tables, read from wherever they are and typed as sql/schema declares them.

Each kind of source turns its files or tables into text with a line for every row (``loose``); one shared step turns
that text into typed tables or into a list of bad rows (``typed``). So the same rows give the same values from all.
"""

from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from etl.source.archive import opened_archive
from etl.source.asc import opened_asc
from etl.source.ctu import CTU_URL, opened_database
from etl.source.typed import typed_tables
from payoff.errors import BadRow, SourceUnavailable

__all__ = ["RawData", "read_source"]


@dataclass(frozen=True)
class RawData:
    """What a source held.

    Attributes
    ----------
    origin : dict
        For the run manifest: ``kind`` (archive, directory or ctu), ``location``, and ``sha256`` or one
        ``sha256 FILE`` for each file. Never a password.
    tables : dict of table name to table
        The eight ``raw_*`` tables in the order of ``payoff.schema.raw_tables()``, each of its declared Arrow schema.
    rejected : tuple of BadRow
        Rows that were left out; empty unless they were allowed to be.
    """

    origin: dict[str, str]
    tables: dict[str, pa.Table]
    rejected: tuple[BadRow, ...]


def read_source(source: str, cache_dir: Path, *, skip_bad_rows: bool = False, ca: Path | None = None) -> RawData:
    """The eight raw tables of ``source``, checked against sql/schema.

    Parameters
    ----------
    source : str
        ``archive``; a directory of .asc or .asc.gz files, or a .zip that holds them; ``ctu``; or a
        ``mysql+pymysql://`` URL with the layout of ctu.
    cache_dir : Path
        Where a fetched archive is kept.
    skip_bad_rows : bool
        Leave bad rows out, and the rows that refer to them, instead of refusing the whole source.
    ca : Path, optional
        The certificates that vouch for a ``mysql+pymysql://`` server, which needs them outside this machine.

    Raises
    ------
    SourceUnavailable
        The source was not found, could not be reached or is damaged.
    BadRows
        Rows break the contract of their table, or a table or column is missing.
    """
    if source == "archive":
        opened = opened_archive(cache_dir)
    elif source == "ctu":
        opened = opened_database(CTU_URL, public=True)
    elif source.startswith("mysql+pymysql://"):
        opened = opened_database(source, ca)
    elif "://" in source:
        scheme = source.partition("://")[0]
        raise SourceUnavailable(
            f"the source is a {scheme}:// URL; expected `archive`, `ctu`, a directory or zip of .asc files, "
            "or a mysql+pymysql:// URL"
        )
    else:
        opened = opened_asc(Path(source))
    with opened as (origin, loose):
        tables, rejected = typed_tables(loose, skip_bad_rows=skip_bad_rows)
    return RawData(origin, tables, rejected)
