"""The pages for staff, behind a login."""

from flask import Blueprint
from flask_babel import lazy_gettext as _

from webapp.access import Place
from webapp.staff.audit import audit
from webapp.staff.batches import batches
from webapp.staff.dashboard import dashboard
from webapp.staff.entry import entry
from webapp.staff.history import history
from webapp.staff.lookup import lookup
from webapp.staff.models import models
from webapp.staff.people import people

BLUEPRINTS: tuple[Blueprint, ...] = (entry, lookup, batches, history, dashboard, models, people, audit)


NAVIGATION: tuple[Place, ...] = (
    Place(_("Account lookup"), "lookup.index", "officer"),
    Place(_("Batches"), "batches.index", "officer"),
    Place(_("History"), "history.index", "viewer"),
    Place(_("Dashboard"), "dashboard.index", "viewer"),
    Place(_("Models"), "models.index", "viewer"),
    Place(_("Users"), "people.index", "admin"),
    Place(_("Audit log"), "audit.index", "admin"),
)
