"""The audit log: who did what, newest first."""

from flask import Blueprint, render_template, request

from webapp.access import requires
from webapp.staff.filtering import cursor
from webapp.storage import database
from webapp.storage.audit import actions, entries

audit = Blueprint("audit", __name__, url_prefix="/staff/audit")


@audit.get("/")
@requires("admin")
def index() -> str:
    """A page of the log, of one actor or one action where they are chosen."""
    actor, action = (request.args.get(name, "").strip()[:64] for name in ("actor", "action"))
    with database().session() as session:
        known = actions(session)
        page = entries(session, actor=actor, action=action, before=cursor("before"), after=cursor("after"))
    chosen = {name: text for name, text in (("actor", actor), ("action", action)) if text}
    return render_template("staff/audit.html", page=page, actions=known, chosen=chosen)
