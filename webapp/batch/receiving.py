"""Taking a file in: it is looked at as a whole, kept in the lake, and becomes a batch that waits."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from payoff.lake import Lake
from webapp.batch.files import CHUNK_ROWS, BatchFiles, new_folder
from webapp.batch.reading import Sheet, inspected
from webapp.batch.scoring import SETS
from webapp.serving import Models
from webapp.storage import Database
from webapp.storage.audit import note
from webapp.storage.tables import Batch


@dataclass(frozen=True)
class Sent:
    """A file, and how its sender wants it answered.

    Attributes
    ----------
    explain_all : bool
        Whether every prediction is to come with reasons, not only those that end in default.
    language : str
        The tag of the language of reasons and errors.
    """

    data: bytes
    file_name: str
    explain_all: bool = False
    language: str = "en"


def received(
    database: Database, lake: Lake, models: Models, sent: Sent, *, sender: str, user_id: int | None = None
) -> Batch:
    """The batch that ``sent`` becomes; it waits for a runner.

    Raises
    ------
    ContractError
        The file cannot be read; nothing was kept.
    ModelError
        There is no model for it.
    """
    sheet = inspected(sent.data)
    options = _options(sheet, sent, models.current(SETS[sheet.kind]).metadata.version)
    # Before the batch, because a batch without its file could be taken by a runner of another process.
    BatchFiles(lake, options["folder"]).keep_input(sent.data)
    batch = Batch(
        user_id=user_id, made_at=datetime.now(UTC), file_name=sent.file_name, kind=sheet.kind, rows=sheet.rows,
        options=options,
    )  # fmt: skip
    with database.session() as session:
        session.add(batch)
        session.flush()
        note(session, sender, "batch.sent", f"batch {batch.id}", {"rows": sheet.rows, "kind": sheet.kind})
    return batch


def _options(sheet: Sheet, sent: Sent, version: str) -> dict[str, Any]:
    return {
        "folder": new_folder(),
        "delimiter": sheet.delimiter,
        "names": list(sheet.names),
        "chunk": CHUNK_ROWS[sheet.kind],
        "language": sent.language,
        "explain_all": sent.explain_all,
        # A batch has one model, however long it takes and whoever runs it.
        "version": version,
    }
