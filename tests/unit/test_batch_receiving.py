"""What is sent becomes a batch or nothing at all, and is noted and worded for its sender."""

import pytest
from batches import as_csv, loans
from bench import ROWS
from flask_babel import get_locale
from sqlalchemy import func, select
from web import app_with

from payoff.errors import ContractError, LakeError, ModelError
from payoff.lake import DirectoryLake
from webapp.batch import runner as running
from webapp.batch.attached import EXTENSION
from webapp.batch.receiving import Sent, received
from webapp.storage.tables import AuditEntry, StoredPrediction


def test_a_file_that_cannot_be_read_or_has_no_model_leaves_nothing_behind(on_sqlite):
    send = Sent(b"nonsense", "x.csv")
    with pytest.raises(ContractError):
        received(on_sqlite.database, on_sqlite.lake, on_sqlite.models, send, sender="a test")
    accounts = Sent(b"account_id,loan_amount_czk,loan_duration_months,granted_on\n1,2,3,4", "x.csv")
    with pytest.raises(ModelError):
        received(on_sqlite.database, on_sqlite.lake, on_sqlite.models, accounts, sender="a test")
    assert on_sqlite.lake.keys("batches/") == []
    assert on_sqlite.batch() is None


def test_a_batch_that_cannot_be_stored_in_the_lake_is_none(on_sqlite):
    class Full(DirectoryLake):
        def write(self, key, data):
            raise LakeError("no room")

    on_sqlite.lake = Full(on_sqlite.settings.var_dir)
    with pytest.raises(LakeError):
        on_sqlite.send(loans(1))
    assert on_sqlite.batch() is None


def test_sending_is_in_the_audit_log(on_sqlite):
    on_sqlite.send(ROWS)
    with on_sqlite.database.session() as session:
        (entry,) = session.scalars(select(AuditEntry)).all()
    assert (entry.actor, entry.action, entry.subject) == ("a test", "batch.sent", "batch 1")


def test_reasons_are_worded_in_the_language_of_the_sender(tmp_path, monkeypatch):
    app = app_with(tmp_path)
    spoken = []
    scored = running.outcomes
    monkeypatch.setattr(running, "outcomes", lambda *args: spoken.append(str(get_locale())) or scored(*args))
    found = app.extensions
    sent = Sent(as_csv(loans(1)), "loans.csv", language="cs")
    received(found["payoff.database"], found["payoff.lake"], found["payoff.models"], sent, sender="a test")
    found[EXTENSION].run_next()
    assert spoken == ["cs"]
    with found["payoff.database"].session() as session:
        assert session.scalar(select(func.count()).select_from(StoredPrediction)) == 1
