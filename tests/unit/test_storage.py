"""The web app's own tables, in both kinds of database: made, upgraded, taken back; what is stored stays."""

import json
import os
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import insert, select, text
from web import ANSWERS, StandIn

import webapp.storage
from payoff.errors import SettingsError, StorageError
from webapp.predictions import predict, typed_answers
from webapp.storage import Database
from webapp.storage.audit import note
from webapp.storage.cells import CELLS, cell, cells
from webapp.storage.history import Circumstances, Kept, store, store_shadow
from webapp.storage.queries import detail
from webapp.storage.tables import SOURCES, AuditEntry, Details, ModelVersion, ShadowScore, StoredPrediction, Table

ROOT = Path(__file__).resolve().parents[2]
MIGRATIONS = Path(webapp.storage.__file__).with_name("migrations")
#: Imports once, then parts into processes, which all begin at the same moment.
MIGRATE = """
import os, sys, time
from webapp.storage import Database
began, children = time.time() + 0.5, []
for _ in range(4):
    if not (child := os.fork()):
        time.sleep(began - time.time())
        os._exit(Database(sys.argv[1]).migrate() != sys.argv[2])
    children.append(child)
sys.exit(max(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children))
"""
ANSWER = """
import pathlib, sys, time
sys.path.insert(0, "tests")
from web import ANSWERS, app_with, program
answer = program(app_with(pathlib.Path(sys.argv[1]))).post("/api/v1/predict", json=ANSWERS)
print(answer.text.replace("\\n", ""), flush=True)
time.sleep(60)
"""
MOMENT = datetime(2026, 3, 31, 23, 59, 59, 123456, UTC)


def alembic(database: Database, order: str, revision: str) -> None:
    """Run Alembic as a developer would."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with database.engine.connect() as connection:
        config.attributes["connection"] = connection
        getattr(command, order)(config, revision)
        connection.commit()


def differences(database: Database) -> list[object]:
    with database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return list(compare_metadata(context, Table.metadata))


def test_the_migrations_make_what_the_models_say(tables: Database) -> None:
    assert differences(tables) == []
    assert set(tables.sizes()) == set(Table.metadata.tables)
    assert set(tables.sizes().values()) == {0}


def test_upgrading_twice_changes_nothing(tables: Database) -> None:
    first = tables.revision()
    with tables.session() as session:
        note(session, "a test", "thing.done", "it")
    assert tables.migrate() == first == tables.revision()
    assert tables.sizes()["audit_log"] == 1


def test_the_way_back_and_up_again_leads_to_the_same(tables: Database) -> None:
    alembic(tables, "downgrade", "base")
    assert tables.revision() is None
    tables.migrate()
    assert differences(tables) == []


def test_rows_that_were_there_before_get_their_cell_and_keep_their_details(empty_url: str) -> None:
    database = Database(empty_url)
    alembic(database, "upgrade", "0001")
    rows = [
        (source, verdict, share)
        for source in SOURCES
        for verdict in ("paid_off", "default")
        for share in (0, 0.05, 0.9912, 1)
    ]
    with database.session() as session:
        session.execute(text("insert into model_versions (id, version, feature_set) values (1, 'v', 'form')"))
        for number, (source, verdict, share) in enumerate(rows, start=1):
            values = {"n": number, "at": "2026-03-31 23:59:59.123456", "s": source, "v": verdict, "p": share}
            session.execute(
                text(
                    "insert into predictions (id, made_at, source, verdict, payoff_probability, model_id, application, "
                    "amount_czk, duration_months) values (:n, :at, :s, :v, :p, 1, 'a', 1, 1)"
                ),
                values,
            )
            session.execute(text("insert into prediction_details values (:n, 0.8, '{}', null)"), values)
    database.migrate()
    with database.session() as session:
        found = session.scalars(select(StoredPrediction).order_by(StoredPrediction.id)).all()
        assert [row.cell for row in found] == [cell(*row) for row in rows]
    assert database.sizes()["prediction_details"] == len(rows)
    alembic(database, "downgrade", "0001")
    with database.session() as session:
        assert session.scalar(text("select count(*) from prediction_details")) == len(rows)
    database.engine.dispose()


def test_processes_that_upgrade_at_once_do_it_once(empty_url: str) -> None:
    newest = str(ScriptDirectory(str(MIGRATIONS)).get_current_head())
    done = subprocess.run(
        [sys.executable, "-c", MIGRATE, empty_url, newest], cwd=ROOT, capture_output=True, text=True, timeout=120
    )
    assert (done.returncode, done.stderr) == (0, "")
    database = Database(empty_url)
    assert database.revision() == newest
    assert differences(database) == []
    database.engine.dispose()


def test_tables_of_a_later_version_are_refused_in_words(tables: Database) -> None:
    with tables.session() as session:
        session.execute(text("update alembic_version set version_num = '9999'"))
    with pytest.raises(StorageError, match=r"revision 9999, made by a later version.*Install that version"):
        tables.migrate()
    assert tables.revision() == "9999"


def test_a_moment_keeps_its_microseconds_and_its_zone(tables: Database) -> None:
    prague = MOMENT.astimezone(timezone(timedelta(hours=2)))
    with tables.session() as session:
        session.add(AuditEntry(at=prague, actor="a", action="b", subject="c", details={"ž": [1, None]}))
    with tables.session() as session:
        entry = session.scalars(select(AuditEntry)).one()
    assert entry.at == MOMENT
    assert entry.at.tzinfo is UTC
    assert entry.details == {"ž": [1, None]}


def test_a_transaction_that_fails_leaves_nothing(tables: Database) -> None:
    def fail() -> None:
        with tables.session() as session:
            note(session, "a test", "thing.done", "it")
            session.flush()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert tables.sizes()["audit_log"] == 0


def test_references_differ_by_case_and_keep_any_character(tables: Database) -> None:
    references = ["a", "A", "a ", "ž", "Ž", "\N{GRINNING FACE}"]
    with tables.session() as session:
        session.add(ModelVersion(id=1, version="v", feature_set="form"))
        session.flush()
        for application in references:
            session.add(row_of(application))
    with tables.session() as session:
        for application in references:
            found = session.scalars(
                select(StoredPrediction.application).where(StoredPrediction.application == application)
            )
            assert found.all() == [application]


def row_of(application: str) -> StoredPrediction:
    return StoredPrediction(
        made_at=MOMENT, source="api", verdict="paid_off", payoff_probability=0.9, model_id=1, application=application,
        amount_czk=1.0, duration_months=12.0,
    )  # fmt: skip


def test_every_way_of_inserting_gives_the_cell(tables: Database) -> None:
    row = {
        "made_at": MOMENT, "source": "batch", "verdict": "default", "payoff_probability": 0.4, "model_id": 1,
        "application": "x", "amount_czk": 1.0, "duration_months": 12.0,
    }  # fmt: skip
    with tables.session() as session:
        session.add(ModelVersion(id=1, version="v", feature_set="form"))
        session.flush()
        session.add(StoredPrediction(**row))
        session.add_all([StoredPrediction(**row), StoredPrediction(**row)])
        session.flush()
        session.execute(insert(StoredPrediction), [row, row])
        session.execute(insert(StoredPrediction).values(row))
        session.execute(
            insert(StoredPrediction).returning(StoredPrediction.id, sort_by_parameter_order=True), [row, row]
        )
        assert set(session.scalars(select(StoredPrediction.cell))) == {cell("batch", "default", 0.4)}


def test_every_source_has_cells_of_its_own_and_all_cells_are_asked_for() -> None:
    seen = [number for source in SOURCES for number in cells(source, None, None, None)]
    assert sorted(seen) == list(range(CELLS)) == cells(None, None, None, None)


@pytest.mark.parametrize("share", [0.0, 0.05, 0.049999, 0.5, 0.99, 0.9899999, 0.999, 0.9991, 1.0])
def test_a_probability_lies_in_the_cells_of_every_range_that_holds_it(share: float) -> None:
    for low, high in ((share, share), (0.0, share), (share, 1.0), (None, share), (share, None)):
        assert cell("api", "default", share) in cells("api", "default", low, high)


def test_a_prediction_is_stored_with_all_that_belongs_to_it(tables: Database) -> None:
    model, shadow = StandIn(), StandIn(fixed=0.4)
    answers = typed_answers(model, ANSWERS)
    prediction = predict(model, answers)
    with tables.session() as session:
        how = Circumstances("lookup", application="A-1", account_id=7, arm="champion", milliseconds=41.5)
        (number,) = store(session, [Kept(prediction, how, [{"key": "lows", "effect": 0.1, "values": []}])])
        store_shadow(session, number, predict(shadow, answers))
    with tables.session() as session:
        found = detail(session, number)
    assert found
    row, details, shadowed = found
    assert (row.payoff_probability, row.verdict) == (prediction.payoff_probability, prediction.prediction)
    assert (row.source, row.application, row.account_id, row.arm) == ("lookup", "A-1", 7, "champion")
    assert (row.amount_czk, row.duration_months, row.milliseconds) == (80952, 24, 41.5)
    assert row.model.version == prediction.model_version
    assert details.features == prediction.features
    assert details.threshold == prediction.threshold
    assert details.reasons == [{"key": "lows", "effect": 0.1, "values": []}]
    assert shadowed
    assert shadowed.payoff_probability == pytest.approx(0.6)


def test_a_prediction_that_was_answered_outlives_a_killed_process(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", ANSWER, str(tmp_path)], cwd=ROOT, stdout=subprocess.PIPE, text=True, env=os.environ
    ) as process:
        assert process.stdout
        answer = json.loads(process.stdout.readline())
        process.send_signal(signal.SIGKILL)
        assert process.wait(30) == -signal.SIGKILL
    database = Database(f"sqlite:///{tmp_path}/var/payoff.sqlite")
    with database.session() as session:
        row = session.scalars(select(StoredPrediction)).one()
        assert session.scalars(select(Details.prediction_id)).all() == [row.id]
    database.engine.dispose()
    assert row.payoff_probability == answer["payoff_probability"]
    assert row.source == "api"


def test_deleting_a_prediction_deletes_its_details_and_its_shadow(tables: Database) -> None:
    model = StandIn()
    prediction = predict(model, typed_answers(model, ANSWERS))
    with tables.session() as session:
        (number,) = store(session, [Kept(prediction, Circumstances("form"))])
        store_shadow(session, number, prediction)
    with tables.session() as session:
        session.delete(session.get_one(StoredPrediction, number))
    with tables.session() as session:
        assert session.get(Details, number) is None
        assert session.get(ShadowScore, number) is None


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("nonsense", "is no URL"),
        ("sqlite://", "sqlite:///FILE"),
        ("sqlite:///:memory:", "sqlite:///FILE"),
        ("postgresql://a:secret@b/c", "'postgresql'"),
        ("mysql+pymysql://a:secret@b", "mysql"),
    ],
)
def test_a_url_that_cannot_be_used_is_refused_without_its_password(url: str, words: str) -> None:
    with pytest.raises(SettingsError, match=words) as refused:
        Database(url)
    assert "secret" not in str(refused.value)


def test_a_wrong_password_never_shows(mariadb_url: str) -> None:
    wrong = mariadb_url.replace(mariadb_url.split(":")[2].split("@")[0], "s3cr3t-of-ours")
    database = Database(wrong)
    assert "s3cr3t-of-ours" not in database.shown
    for ask in (database.migrate, database.revision, database.sizes):
        with pytest.raises(StorageError, match="Access denied") as refused:
            ask()
        assert "s3cr3t-of-ours" not in str(refused.value)
        assert "***" in str(refused.value)


def test_a_server_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match=r"nobody:\*\*\*@127.0.0.1:1/"):
        Database("mysql+pymysql://nobody:pw@127.0.0.1:1/x").migrate()


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "text.sqlite").write_text("this is no database" * 100)
    with pytest.raises(StorageError, match="not a database"):
        Database(f"sqlite:///{tmp_path}/text.sqlite").migrate()
