"""Batches: a file is sent, scored in the background, and fetched again with what became of each row."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any, cast

from flask import Blueprint, Response, jsonify, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_wtf.csrf import CSRFError
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.exceptions import Forbidden, NotFound, RequestEntityTooLarge
from werkzeug.wrappers import Response as AnyResponse

from payoff.errors import ContractError
from webapp.access import requires, staff, visitor
from webapp.batch.attached import batch_runner
from webapp.batch.discarding import discard
from webapp.batch.files import BatchFiles, sheet_of, starts_of
from webapp.batch.reading import MOST_BYTES, NAMES, Kind
from webapp.batch.receiving import Sent, received
from webapp.batch.writing import template
from webapp.languages import language
from webapp.serving import current_lake, current_model, served_models
from webapp.storage import database
from webapp.storage.batches import newest_batches, try_again
from webapp.storage.tables import Batch, User

batches = Blueprint("batches", __name__, url_prefix="/staff/batches")

#: The other fields of the form, and what stands between the parts.
_AROUND_THE_FILE = 64 * 1024
_MOST_DISCARDED = 256 * 1024 * 1024
_ON_A_PAGE = 25
#: Greater than that of any batch, and still small enough for the databases.
_NO_NUMBER = 2**31


@dataclass(frozen=True)
class Entry:
    """A batch with the name of whoever sent it."""

    batch: Batch
    sender: str

    @property
    def share(self) -> float:
        """How much of it is done, from 0 to 1."""
        return self.batch.done / max(self.batch.rows, 1)

    @property
    def moving(self) -> bool:
        """Whether it is still to end."""
        return self.batch.status in {"waiting", "running"}

    @property
    def may_be_deleted(self) -> bool:
        """Whether the visitor sent it, or is an administrator."""
        return staff().may("admin") or staff().user_id == self.batch.user_id


@batches.url_value_preprocessor
def allow_files(endpoint: str | None, _values: dict[str, Any] | None) -> None:
    """Let officers send files to the one address that takes them; before anything reads the request."""
    if endpoint == "batches.send" and _welcome():
        request.max_content_length = MOST_BYTES + _AROUND_THE_FILE
        # Files go to the disk; werkzeug counts what it reads of them at a time, 64 kB, among the fields.
        request.max_form_memory_size = 4 * _AROUND_THE_FILE


@batches.get("/")
@requires("officer")
def index() -> str:
    """The form, and every batch, newest first."""
    return _index()


@batches.post("/")
@requires("officer")
def send() -> tuple[str, int] | AnyResponse:
    """Take a file in, or say why not; nothing is scored yet."""
    if (runner := batch_runner()) is None:
        return _index(), 503
    sent, explain_all = request.files.get("file"), "explain_all" in request.form
    if sent is None or not sent.filename:
        return _index(_("Choose a file."), explain_all), 400
    try:
        batch = _taken_in(sent.read(), _printable(sent.filename), explain_all)
    except ContractError as error:
        return _index(str(error), explain_all), 400
    runner.wake()
    return redirect(url_for("batches.show", number=batch.id), 303)


@batches.get("/<int(max=2147483647):number>")
@requires("officer")
def show(number: int) -> str:
    """How far a batch is, and what came of it."""
    return render_template("staff/batch.html", entry=_entry(number))


@batches.get("/<int(max=2147483647):number>/progress")
@requires("officer")
def progress(number: int) -> Response:
    """How far a batch is, for the page's script."""
    entry = _entry(number)
    # Whoever looks on also sees to it that somebody works.
    if entry.moving and (runner := batch_runner()):
        runner.wake()
    batch = entry.batch
    words = render_template("staff/batch_progress.txt", entry=entry).strip()
    return jsonify(status=batch.status, rows=batch.rows, done=batch.done, bad=batch.bad, words=words)


@batches.get("/<int(max=2147483647):number>/<any(result, bad, input):what>.csv")
@requires("officer")
def download(number: int, what: str) -> Response:
    """A file of the batch; what came of it only once all of it is stored."""
    batch = _entry(number).batch
    if what != "input" and batch.status != "done":
        raise NotFound
    files, sheet, starts = BatchFiles(current_lake(), batch.options["folder"]), sheet_of(batch), starts_of(batch)
    parts = {
        "input": lambda: iter([files.input()]),
        "result": lambda: files.result(sheet, starts),
        "bad": lambda: files.bad(sheet, starts),
    }
    return _as_csv(parts[what](), f"batch-{number}-{what}.csv")


@batches.get("/template/<any(form, accounts):kind>.csv")
@requires("officer")
def download_template(kind: str) -> Response:
    """A file with the header and one row."""
    which = cast("Kind", kind)
    # Districts are the same whatever the set; the form's model names them.
    return _as_csv(iter([template(which, current_model().metadata)]), f"payoff-{kind}.csv")


@batches.post("/<int(max=2147483647):number>/try-again")
@requires("officer")
def again(number: int) -> tuple[str, int] | AnyResponse:
    """Let a batch that stopped go on."""
    if (runner := batch_runner()) is None:
        return _index(), 503
    with database().session() as session:
        try_again(session, number)
    runner.wake()
    return redirect(url_for("batches.show", number=number), 303)


@batches.post("/<int(max=2147483647):number>/delete")
@requires("officer")
def delete(number: int) -> AnyResponse:
    """Delete a batch with its files; its predictions stay in the history."""
    entry = _entry(number)
    if not entry.may_be_deleted:
        raise Forbidden("Only the sender of a batch or an administrator may delete it.")
    discard(database(), current_lake(), entry.batch, staff().name)
    return redirect(url_for("batches.index"), 303)


@batches.errorhandler(RequestEntityTooLarge)
def too_large(_error: RequestEntityTooLarge) -> tuple[str, int] | AnyResponse:
    """The form again. What is still being sent is read first: browsers show no answer that comes in between."""
    if not _welcome():
        return redirect(url_for("batches.index"))
    # Nothing was read yet of a request that says by itself that it is too long.
    length, most = request.content_length or 0, request.max_content_length or 0
    left = min(length, _MOST_DISCARDED) if length > most else 0
    while left > 0 and (read := len(request.environ["wsgi.input"].read(min(left, 1 << 16)))):
        left -= read
    return _index(_("The file is larger than 32 MB. Split it.")), 413


@batches.errorhandler(CSRFError)
def expired(_error: CSRFError) -> tuple[str, int] | AnyResponse:
    """The form again with a fresh token; a file must be chosen anew."""
    if not _welcome():
        return redirect(url_for("batches.index"))
    return _index(_("The page had been open for too long. Please do the same once more; nothing was changed.")), 400


def _welcome() -> bool:
    """Whether the visitor may see these pages; the address of the list says to others what they lack."""
    found = visitor()
    return found is not None and found.may("officer")


def _index(error: str = "", explain_all: bool = False) -> str:
    before = max(0, min(request.args.get("before", 0, type=int), _NO_NUMBER))
    with database().session() as session:
        found = newest_batches(session, _ON_A_PAGE + 1, before)
        entries = _with_senders(session, found[:_ON_A_PAGE])
    older = found[_ON_A_PAGE - 1].id if len(found) > _ON_A_PAGE else None
    return render_template(
        "staff/batches.html", entries=entries, older=older, error=error, explain_all=explain_all, names=NAMES,
        works=batch_runner() is not None,
    )  # fmt: skip


def _entry(number: int) -> Entry:
    with database().session() as session:
        batch = session.get(Batch, number)
        if batch is None:
            raise NotFound
        return _with_senders(session, [batch])[0]


def _with_senders(session: Session, found: Any) -> list[Entry]:
    rows = session.execute(select(User.id, User.name).where(User.id.in_({batch.user_id for batch in found})))
    names = {row.id: row.name for row in rows}
    return [Entry(batch, names.get(batch.user_id, "")) for batch in found]


def _taken_in(data: bytes, file_name: str, explain_all: bool) -> Batch:
    sent = Sent(data, file_name, explain_all, language())
    who = staff()
    return received(database(), current_lake(), served_models(), sent, sender=who.name, user_id=who.user_id)


def _printable(file_name: str) -> str:
    """The name without its directories, as any database and page can show it."""
    return "".join(filter(str.isprintable, PurePath(file_name.replace("\\", "/")).name))[-255:] or "file.csv"


def _as_csv(parts: Iterator[bytes], name: str) -> Response:
    first = next(parts)

    def whole() -> Iterator[bytes]:
        yield first
        yield from parts

    answer = Response(whole(), mimetype="text/csv")
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer
