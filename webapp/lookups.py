"""From an account and the terms of a loan to its features as of a day; the same for the page, the batch and the API."""

import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from functools import lru_cache
from pathlib import Path

import pandas as pd
from flask_babel import gettext as _

from features.answers import Answers
from features.lookup import Application, build_for
from payoff.errors import InvalidAnswers
from payoff.settings import Settings
from payoff.warehouse import Warehouse, open_warehouse
from webapp.answering import Answered, answer_features
from webapp.predictions import Terms
from webapp.serving import current_settings
from webapp.storage.history import Circumstances
from webapp.trials import features_needed
from webapp.wording import day

#: The feature set of the models that look accounts up.
LOOKED_UP = "full"
#: An account is booked to at least once a month; after so long a silence its features describe another account.
STALE_AFTER = timedelta(days=31)
_REMEMBERED_SECONDS = 600


@dataclass(frozen=True)
class LookedUp:
    """What was found of several applications.

    Attributes
    ----------
    faults : list of mappings of field name to reason
        One for each application; empty where nothing is wrong.
    features : DataFrame, one row per application without faults, in their order
        Empty where there is none.
    """

    faults: list[dict[str, str]]
    features: pd.DataFrame


def application_of(typed: Answers) -> Application:
    """The application that typed answers describe, see :func:`features.answers.validated_terms`."""
    return Application(
        account_id=int(typed["account_id"]),
        granted_on=typed["granted_on"],
        amount_czk=Decimal(str(typed["loan_amount_czk"])),
        duration_months=int(typed["loan_duration_months"]),
    )


def terms_asked(application: Application) -> Terms:
    """The terms of an application."""
    return Terms(float(application.amount_czk), float(application.duration_months))


def look_up(settings: Settings, needed: Collection[str], applications: Sequence[Application]) -> LookedUp:
    """What is wrong with each application, and the features ``needed`` of the set ``LOOKED_UP`` of the others.

    Raises
    ------
    WarehouseError
        It does not exist yet, or cannot be reached.
    """
    with open_warehouse(settings.reading_url, settings.mariadb_ca) as warehouse:
        opened = _opened(warehouse, {each.account_id for each in applications})
        faults = [_faults(each, opened) for each in applications]
        good = [each for each, wrong in zip(applications, faults, strict=True) if not wrong]
        features = build_for(warehouse, good, LOOKED_UP, needed) if good else pd.DataFrame()
    return LookedUp(faults, features)


def account_features(settings: Settings, needed: Collection[str], applications: Sequence[Application]) -> pd.DataFrame:
    """The features ``needed`` of each application, as of the day before its decision.

    Returns
    -------
    DataFrame, one row per application, in their order
        As :func:`features.lookup.build_for` gives them.

    Raises
    ------
    InvalidAnswers
        Says of the first faulty application that its account is not known, or was not open yet.
    WarehouseError
        It does not exist yet, or cannot be reached.
    """
    found = look_up(settings, needed, applications)
    for wrong in found.faults:
        if wrong:
            raise InvalidAnswers(wrong)
    return found.features


def answer_account(application: Application, how: Circumstances) -> Answered:
    """Look up, predict, explain and store, in the running app.

    Raises
    ------
    InvalidAnswers
        The account is not known, or was not open yet.
    WarehouseError, ModelError, StorageError
        No answer can be given, or none can be kept.
    """
    features = account_features(current_settings(), features_needed(LOOKED_UP), [application])
    how = replace(how, account_id=application.account_id)
    return answer_features(LOOKED_UP, features, terms_asked(application), how)


def last_booking(settings: Settings) -> date | None:
    """The day of the newest transaction in the warehouse; it may be ten minutes old.

    Raises
    ------
    WarehouseError
        It does not exist yet, or cannot be reached.
    """
    return _last_booking(settings.reading_url, settings.mariadb_ca, int(time.monotonic() // _REMEMBERED_SECONDS))


@lru_cache(maxsize=4)
def _last_booking(url: str, ca: Path | None, _moment: int) -> date | None:
    with open_warehouse(url, ca) as warehouse:
        found = warehouse.query("select max(booked_on) as newest from stg_transactions")
    newest: date | None = found.to_pylist()[0]["newest"]
    return newest


def _opened(warehouse: Warehouse, accounts: set[int]) -> Mapping[int, date]:
    """When each account that has an owner was opened; those that have none cannot be looked up."""
    listed = ", ".join(str(int(each)) for each in sorted(accounts))
    rows = warehouse.query(
        "select stg_accounts.account_id, stg_accounts.opened_on from stg_accounts "
        "inner join stg_dispositions on stg_dispositions.account_id = stg_accounts.account_id "
        f"where stg_dispositions.role = 'owner' and stg_accounts.account_id in ({listed})"
    )
    return {row["account_id"]: row["opened_on"] for row in rows.to_pylist()}


def _faults(application: Application, opened: Mapping[int, date]) -> dict[str, str]:
    since = opened.get(application.account_id)
    if since is None:
        reason = _("is none of the bank’s: the warehouse has no account %(number)s", number=application.account_id)
        return {"account_id": str(reason)}
    if since >= application.granted_on:
        reason = _("must be after %(opened)s, when the account was opened", opened=day(since))
        return {"granted_on": str(reason)}
    return {}
