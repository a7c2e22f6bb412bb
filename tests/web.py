"""A quick stand-in for a trained model, and the answers that tests give."""

import secrets
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from features.derived import compute
from features.questions import QUESTIONS
from features.sets import feature_set
from payoff.choices import Role
from payoff.errors import ModelError, NoModel
from payoff.metadata import Band, Calibration, Costs, District, Figure, Metadata, Spread
from payoff.settings import Settings
from webapp import create_app, storage
from webapp.api.document import EXAMPLES
from webapp.storage.tables import AuditEntry
from webapp.storage.users import add_key, add_user

if TYPE_CHECKING:
    from playwright.sync_api import Page

#: The loan that the API's document shows: what is published there is what the tests ask about.
ANSWERS: dict[str, Any] = {name: value for name, value in EXAMPLES["Loan"].items() if name != "application"}

#: The account was overdrawn and the instalment is beyond its means: the stand-in expects a default.
DOUBTFUL = ANSWERS | {
    "loan_amount_czk": 400000,
    "transaction_balance_last": -3000,
    "transaction_balance_min_180d": -12000,
    "month_balance_min_mean_180d": -4000,
}

DISTRICTS = (
    District(name="Hl.m. Praha", region="Prague", average_salary_czk=12541),
    District(name="Benesov", region="central Bohemia", average_salary_czk=8507),
    District(name="Beroun", region="central Bohemia", average_salary_czk=8980),
    District(name="Pisek", region="south Bohemia", average_salary_czk=8968),
    District(name="Brno - mesto", region="south Moravia", average_salary_czk=9897),
    District(name="Sumperk", region="north Moravia", average_salary_czk=8369),
)

SPREADS = {
    "loan_amount_czk": Spread(low=4980, p10=30276, median=116928, p90=326724, high=590820),
    "loan_duration_months": Spread(low=12, p10=12, median=36, p90=60, high=60),
    "loan_instalment_czk": Spread(low=304, p10=1300, median=3934, p90=7500, high=9910),
    "owner_age_years": Spread(low=13.5, p10=20, median=38, p90=57, high=62),
    "transaction_balance_last": Spread(low=-6200, p10=18500, median=41200, p90=81000, high=193900),
    "transaction_balance_min_180d": Spread(low=-34000, p10=200, median=9800, p90=28000, high=69000),
    "month_balance_min_mean_180d": Spread(low=-9000, p10=9100, median=23700, p90=41000, high=98000),
    "month_income_mean_180d": Spread(low=700, p10=9300, median=27600, p90=58000, high=86000),
    "month_spending_mean_180d": Spread(low=0, p10=8200, median=26100, p90=56500, high=84000),
    "transaction_balance_mean": Spread(low=5600, p10=24500, median=44700, p90=66200, high=92000),
    "transaction_amount_mean": Spread(low=700, p10=2700, median=7600, p90=14600, high=28000),
    "transaction_count": Spread(low=4, p10=29, median=73, p90=157, high=246),
    "transaction_count_90d": Spread(low=1, p10=11, median=17, p90=25, high=33),
}

BANDS = (
    Band(low=0.0, high=0.5, loans=12, paid_off=3),
    Band(low=0.5, high=0.8, loans=31, paid_off=22),
    Band(low=0.8, high=0.95, loans=51, paid_off=50),
    Band(low=0.95, high=1.0, loans=260, paid_off=258),
)


def metadata(version: str = "2026-01-05T09-30-00") -> Metadata:
    """What a training would have said about the stand-in."""
    return Metadata(
        version=version,
        trained_at=datetime(2026, 1, 5, 9, 30, tzinfo=UTC),
        feature_set="form",
        features=tuple(feature.name for feature in feature_set("form")),
        offered=tuple(feature.name for feature in feature_set("form")),
        definitions="0" * 64,
        spreads=SPREADS,
        quantiles={},
        districts=DISTRICTS,
        data_run="2026-01-05T09-00-00",
        seed=1,
        preset="good",
        population="all",
        costs=Costs(),
        calibration=Calibration(),
        calibration_error=0.02,
        cost_per_loan={"the model": Figure(value=3000, low=2000, high=4000)},
        train_loans=328,
        test_loans=354,
        test_defaulted=21,
        threshold=0.2,
        metrics={"roc_auc": Figure(value=0.9, low=0.86, high=0.94), "brier": Figure(value=0.07, low=0.05, high=0.09)},
        baseline={"roc_auc": Figure(value=0.5, low=0.5, high=0.5), "brier": Figure(value=0.1, low=0.08, high=0.12)},
        bands=BANDS,
        best_model="StandIn",
        versions={},
        lock=None,
    )


def background(loans: int = 12) -> pd.DataFrame:
    """Loans to compare with: form features that might be a training loan's, the same ones every time."""
    rng = np.random.default_rng(20260105)
    asked = {question.name for question in QUESTIONS}
    drawn = {
        name: rng.uniform(spread.p10, spread.p90, loans).round() for name, spread in SPREADS.items() if name in asked
    }
    days = pd.to_datetime("1997-01-01") - pd.to_timedelta(rng.integers(300, 1400, loans), unit="D")
    inputs = pd.DataFrame(drawn).assign(
        loan_duration_months=rng.choice([12, 24, 36, 48, 60], loans),
        account_statement_frequency=rng.choice(["monthly", "weekly"], loans),
        card_type=rng.choice(["none", "classic"], loans),
        district_average_salary_czk=rng.choice([each.average_salary_czk for each in DISTRICTS], loans),
        granted_on=pd.Timestamp("1997-01-01"),
        opened_on=days,
        owner_born_on=days - pd.to_timedelta(rng.integers(7_000, 18_000, loans), unit="D"),
    )
    # No loan contradicts itself: the lowest balance is the lowest.
    balances = ["transaction_balance_min_180d", "month_balance_min_mean_180d", "transaction_balance_last"]
    return compute(inputs.assign(transaction_balance_min_180d=inputs[balances].min(axis=1)), feature_set("form"))


BACKGROUND = background()


class StandIn:
    """Scores like a model: the lower an account has been, in instalments, the likelier the default."""

    def __init__(self, described: Metadata | None = None, fixed: float | None = None) -> None:
        self.metadata = described or metadata()
        self.background = BACKGROUND.reindex(columns=list(self.metadata.features))
        self._fixed = fixed

    def default_probabilities(self, features: pd.DataFrame) -> np.ndarray:
        if self._fixed is not None:
            return np.full(len(features), self._fixed)
        lowest = features["transaction_balance_min_180d_per_instalment"].clip(-50, 50)
        return (1 / (1 + np.exp(1.2 + lowest))).to_numpy()


class Served:
    """A place that always has the same models, or always the same reason for having none."""

    def __init__(self, model: StandIn | Exception, *others: StandIn, challenger: StandIn | None = None) -> None:
        self.model, self.others, self._challenger = model, others, challenger

    def current(self, feature_set: str = "form") -> StandIn:
        if isinstance(self.model, Exception):
            raise self.model
        for model in (self.model, *self.others):
            if model.metadata.feature_set == feature_set:
                return model
        raise NoModel(f"no model of {feature_set}")

    def challenger(self, feature_set: str = "form") -> StandIn | None:
        held = self._challenger
        return held if held and held.metadata.feature_set == feature_set else None

    def version(self, version: str) -> StandIn:
        for model in (self.current(), *self.others, *([self._challenger] if self._challenger else [])):
            if model.metadata.version == version:
                return model
        raise ModelError(f"no model {version}")


def settings(directory: Path, **others: Any) -> Settings:
    """Settings that keep everything in ``directory`` and read no file."""
    # Tests ask more often than people; those of the limits set their own.
    quick = dict.fromkeys(("api_rate", "form_rate", "login_rate"), "1000000/minute")
    given = {"database_url": f"sqlite:///{directory}/var/payoff.sqlite"} | quick | others
    return Settings(_env_file=None, var_dir=directory / "var", lake_uri=str(directory / "lake"), **given)


def app_with(directory: Path, model: StandIn | Exception | None = None, **others: Any) -> Flask:
    """The app with a stand-in, or with an error in the place of a model; ``others`` are settings."""
    return create_app(settings(directory, **others), models=Served(model or StandIn()))


PASSWORD = "correct horse battery"


def database_of(app: Flask) -> storage.Database:
    """The app's own tables."""
    database: storage.Database = app.extensions[storage.EXTENSION]
    return database


def employ(app: Flask, name: str, role: Role) -> None:
    """Add a member of staff, whose password is ``PASSWORD``."""
    with database_of(app).session() as session:
        add_user(session, name, role, PASSWORD, "a test")


def audited(app: Flask, action: str | None = None) -> list[AuditEntry]:
    """The audit log from its beginning, or what it holds of one kind."""
    wanted = select(AuditEntry).order_by(AuditEntry.id)
    with database_of(app).session() as session:
        return list(session.scalars(wanted.where(AuditEntry.action == action) if action else wanted))


def client_for(app: Flask, name: str, password: str = PASSWORD) -> FlaskClient:
    """A client that is logged in as ``name``; forms need no token."""
    app.config["WTF_CSRF_ENABLED"] = False
    client = app.test_client()
    answer = client.post("/staff/login", data={"name": name, "password": password})
    assert answer.status_code == 302, answer.text
    return client


def client_of(app: Flask, role: Role) -> FlaskClient:
    """A client that is logged in as a new member of staff of that role; forms need no token."""
    employ(app, role, role)
    return client_for(app, role)


def api_key(app: Flask, role: Role) -> str:
    """A key of a new member of staff of that role."""
    return key_in(database_of(app), role)


def key_in(database: storage.Database, role: Role) -> str:
    """The same, in a database that some server uses."""
    with database.session() as session:
        name = f"{role}-{secrets.token_hex(4)}"
        return add_key(session, add_user(session, name, role, PASSWORD, "a test"), "a test", "a test").text


class KeyedClient(FlaskClient):
    """Sends a key with every request, unless the request says otherwise."""

    key = ""

    def open(self, *args: Any, **kwargs: Any) -> TestResponse:
        kwargs["headers"] = {"Authorization": f"Bearer {self.key}"} | dict(kwargs.get("headers") or {})
        return super().open(*args, **kwargs)


def program(app: Flask, role: Role = "viewer") -> FlaskClient:
    """A client that sends a key of that role with every request."""
    client = KeyedClient(app, app.response_class)
    client.key = api_key(app, role)
    return client


def fill(page: "Page", answers: dict[str, Any]) -> None:
    """Answer by label, as a person finds the fields."""
    for question in QUESTIONS:
        field = page.get_by_label(question.label, exact=True)
        if question.kind in {"choice", "district"}:
            field.select_option(str(answers[question.name]))
        else:
            field.fill(str(answers[question.name]))


def send(page: "Page") -> None:
    page.get_by_role("button", name="See the prediction").click()
