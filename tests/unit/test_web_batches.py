"""Sending, following and fetching batches, and who may."""

import re
from datetime import UTC, datetime, timedelta
from io import BytesIO

import pytest
from batches import TERMS, as_csv, loans, rows_of, send, with_a_bank, work_off
from pages import flowed
from sqlalchemy import select, update
from web import StandIn, app_with, client_for, client_of, database_of, employ

from payoff.errors import NoModel
from webapp.batch import runner as running
from webapp.batch.discarding import discard_old
from webapp.batch.reading import MOST_BYTES
from webapp.storage.batches import newest_batches
from webapp.storage.tables import AuditEntry, Batch, StoredPrediction

ROWS = [*loans(3), *loans(1, district="Nowhere")]

pytestmark = pytest.mark.usefixtures("quick_passwords")


@pytest.fixture
def officer(app):
    return client_of(app, "officer")


def folder_of(app, number=1):
    with database_of(app).session() as session:
        return session.get(Batch, number).options["folder"]


def test_a_file_is_sent_followed_and_fetched(app, officer):
    sent = send(officer, as_csv(ROWS))
    assert (sent.status_code, sent.headers["Location"]) == (303, "/staff/batches/1")
    work_off(app)
    page = flowed(officer.get("/staff/batches/1"))
    assert "<dt>Predicted</dt><dd>3</dd>" in page
    assert "One row came back" in page
    result = officer.get("/staff/batches/1/result.csv")
    assert result.mimetype == "text/csv"
    assert result.headers["Content-Disposition"] == 'attachment; filename="batch-1-result.csv"'
    assert [row["line"] for row in rows_of(result.data)] == ["2", "3", "4", "5"]
    (bad,) = rows_of(officer.get("/staff/batches/1/bad.csv").data)
    assert (bad["line"], bad["district"]) == ("5", "Nowhere")
    assert officer.get("/staff/batches/1/input.csv").data == as_csv(ROWS)
    assert "Batch 1: loans.csv" in officer.get("/staff/batches/").text


def test_the_predictions_are_those_of_their_sender(app, officer):
    send(officer, as_csv(ROWS))
    work_off(app)
    with database_of(app).session() as session:
        found = session.scalars(select(StoredPrediction)).all()
    assert {(each.source, each.batch_id, each.user_id) for each in found} == {("batch", 1, 1)}


def test_how_far_a_batch_is_can_be_asked_by_a_script(app, officer, monkeypatch):
    monkeypatch.setattr(running.Runner, "wake", lambda _: None)
    send(officer, as_csv(loans(1)))
    waiting = {"status": "waiting", "rows": 1, "done": 0, "bad": 0, "words": "Waiting, one row"}
    assert officer.get("/staff/batches/1/progress").json == waiting
    page = officer.get("/staff/batches/1").text
    assert '<progress max="1" value="0"' in page
    assert "http-equiv" not in page
    assert re.search(r'<a id="refresh" href="/staff/batches/1">Refresh</a>', page)
    with database_of(app).session() as session:
        session.execute(update(Batch).values(status="running", rows=30_000, done=12_000))
    assert officer.get("/staff/batches/1/progress").json["words"] == "12,000 of 30,000 rows"


def test_whoever_looks_on_sees_to_it_that_somebody_works_until_it_is_done(app, officer, monkeypatch):
    woken = []
    monkeypatch.setattr(running.Runner, "wake", lambda _: woken.append(1))
    send(officer, as_csv(loans(1)))
    for status, wakes in (("waiting", 2), ("running", 3), ("done", 3), ("failed", 3)):
        with database_of(app).session() as session:
            session.execute(update(Batch).values(status=status))
        assert officer.get("/staff/batches/1/progress").json["status"] == status
        assert len(woken) == wakes


def test_no_result_is_given_before_all_of_it_is_stored(app, officer, monkeypatch):
    monkeypatch.setattr(running.Runner, "wake", lambda _: None)
    send(officer, as_csv(ROWS))
    assert officer.get("/staff/batches/1/result.csv").status_code == 404
    assert officer.get("/staff/batches/1/bad.csv").status_code == 404


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "The file is empty."),
        (b"a,b\n1,2", "Unknown: a, b. Missing: loan_amount_czk"),
        (b"<script>\n1", "Unknown: &lt;script&gt;."),
        ("loan_amount_czk\n1".encode("utf-16"), "The file is encoded as UTF-16."),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_at_its_field(app, officer, data, words):
    answer = send(officer, data, explain_all="on")
    assert answer.status_code == 400
    assert words in flowed(answer)
    assert 'aria-describedby="file-hint file-error"' in flowed(answer)
    assert 'name="explain_all" checked' in answer.text
    with database_of(app).session() as session:
        assert newest_batches(session, 5) == []


def test_a_form_without_a_file_is_refused(officer):
    for data in ({}, {"file": (BytesIO(b""), "")}, {"file": "text"}):
        answer = officer.post("/staff/batches/", data=data)
        assert (answer.status_code, "Choose a file." in answer.text) == (400, True)


def test_a_file_that_is_too_large_is_refused_and_one_that_is_not_quite_is_read(officer):
    large = send(officer, b"a\n" * (MOST_BYTES // 2 + 65_536))
    assert large.status_code == 413
    assert "The file is larger than 32 MB. Split it." in large.text
    fits = send(officer, b"a\n" * (MOST_BYTES // 2))
    assert (fits.status_code, "Unknown: a." in fits.text) == (400, True)


def test_a_body_that_lies_about_its_parts_is_refused(officer):
    answer = officer.post("/staff/batches/", data=b"--x\r\nnonsense", content_type="multipart/form-data; boundary=x")
    assert answer.status_code == 400


def test_other_addresses_take_no_large_requests(app, officer):
    app.config["WTF_CSRF_ENABLED"] = True
    for address in ("/staff/lookup/", "/staff/batches/1/delete"):
        assert officer.post(address, data={"x": "y" * 70_000}).status_code == 413


@pytest.mark.parametrize("name", ["../../etc/passwd", "pass\0wd", "/passwd"])
def test_file_names_lose_their_directories_and_what_cannot_be_shown(officer, name):
    send(officer, as_csv(loans(1)), name=name)
    assert re.search(r'<p class="file">passwd</p>', officer.get("/staff/batches/1").text)


def test_of_a_file_name_that_is_too_long_the_end_is_kept(app, officer):
    send(officer, as_csv(loans(1)), name=f"{'a' * 300}.csv")
    with database_of(app).session() as session:
        assert session.get_one(Batch, 1).file_name == f"{'a' * 251}.csv"


def test_without_a_model_nothing_is_taken_in(tmp_path):
    client = client_of(app_with(tmp_path, NoModel("none")), "officer")
    assert send(client, as_csv(ROWS)).status_code == 503


def test_accounts_need_a_model_of_accounts(officer):
    assert send(officer, as_csv([TERMS])).status_code == 503


def test_accounts_are_looked_up_row_by_row(tmp_path, tiny_warehouse_url):
    app = with_a_bank(tmp_path, tiny_warehouse_url)
    client = client_of(app, "officer")
    rows = [
        TERMS, TERMS | {"account_id": "999"}, TERMS | {"account_id": "2", "granted_on": "1994-06-20"},
        TERMS | {"granted_on": "1990-01-01"}, TERMS | {"loan_amount_czk": "-1"},
    ]  # fmt: skip
    send(client, as_csv(rows))
    work_off(app)
    first, unknown, third, closed, impossible = rows_of(client.get("/staff/batches/1/result.csv").data)
    assert first["payoff_probability"]
    assert third["payoff_probability"]
    assert unknown["errors"].startswith("account_id is none of the bank’s")
    assert closed["errors"] == "granted_on must be after 8 February 1993, when the account was opened"
    assert impossible["errors"] == "loan_amount_czk must be at least 1,000 CZK"
    with database_of(app).session() as session:
        stored = session.scalars(select(StoredPrediction).order_by(StoredPrediction.id)).all()
    assert [each.account_id for each in stored] == [1, 2]


def test_a_file_of_accounts_none_of_which_is_known_comes_back_whole(tmp_path, tiny_warehouse_url):
    app = with_a_bank(tmp_path, tiny_warehouse_url)
    client = client_of(app, "officer")
    send(client, as_csv([TERMS | {"account_id": "999"}, TERMS | {"account_id": "x"}]))
    work_off(app)
    assert len(rows_of(client.get("/staff/batches/1/bad.csv").data)) == 2


def test_a_batch_that_stopped_says_why_and_can_go_on(app, officer, monkeypatch):
    from payoff.errors import ModelError

    def broken(*_):
        raise ModelError("the model is worn out")

    with monkeypatch.context() as patched:
        patched.setattr(running, "outcomes", broken)
        send(officer, as_csv(ROWS))
        work_off(app)
    page = flowed(officer.get("/staff/batches/1"))
    assert "Stopped after 0 of 4 rows" in page
    assert "the model is worn out" in page
    assert officer.post("/staff/batches/1/try-again").status_code == 303
    work_off(app)
    assert "The result" in officer.get("/staff/batches/1").text


def test_deleting_a_batch_deletes_its_files_and_keeps_its_predictions(app, officer):
    send(officer, as_csv(ROWS))
    work_off(app)
    lake = app.extensions["payoff.lake"]
    assert len(lake.keys(f"batches/{folder_of(app)}/")) == 3
    assert officer.post("/staff/batches/1/delete").status_code == 303
    assert lake.keys("batches/") == []
    assert officer.get("/staff/batches/1").status_code == 404
    with database_of(app).session() as session:
        assert [each.batch_id for each in session.scalars(select(StoredPrediction))] == [None] * 3
        actions = session.scalars(select(AuditEntry.action).order_by(AuditEntry.id)).all()
    assert actions[-2:] == ["batch.sent", "batch.deleted"]


def test_old_batches_are_deleted_with_their_files_and_newer_ones_stay(app, officer):
    for _ in range(2):
        send(officer, as_csv(loans(1)))
        work_off(app)
    lake, now = app.extensions["payoff.lake"], datetime.now(UTC)
    with database_of(app).session() as session:
        session.get_one(Batch, 1).made_at = now - timedelta(days=8)
    assert discard_old(database_of(app), lake, now - timedelta(days=7), "a test") == 1
    assert discard_old(database_of(app), lake, now - timedelta(days=7), "a test") == 0
    assert officer.get("/staff/batches/1").status_code == 404
    assert officer.get("/staff/batches/2/result.csv").status_code == 200
    assert all(key.startswith(f"batches/{folder_of(app, 2)}/") for key in lake.keys("batches/"))


def test_only_the_sender_or_an_administrator_deletes_a_batch(app, officer):
    send(officer, as_csv(loans(1)))
    work_off(app)
    employ(app, "another", "officer")
    another = client_for(app, "another")
    assert "Delete this batch" not in another.get("/staff/batches/1").text
    assert another.post("/staff/batches/1/delete").status_code == 403
    assert officer.get("/staff/batches/1").status_code == 200
    assert client_of(app, "admin").post("/staff/batches/1/delete").status_code == 303


def test_visitors_must_log_in_and_viewers_may_not(app, officer):
    send(officer, as_csv(loans(1)))
    work_off(app)
    viewer, nobody = client_of(app, "viewer"), app.test_client()
    for method, address in (
        ("get", ""), ("post", ""), ("get", "1"), ("get", "1/progress"), ("get", "1/result.csv"), ("get", "1/bad.csv"),
        ("get", "1/input.csv"), ("get", "template/form.csv"), ("post", "1/try-again"), ("post", "1/delete"),
    ):  # fmt: skip
        assert getattr(viewer, method)(f"/staff/batches/{address}").status_code == 403, address
        asked = getattr(nobody, method)(f"/staff/batches/{address}")
        assert (asked.status_code, asked.headers["Location"].split("?")[0]) == (302, "/staff/login"), address


@pytest.mark.parametrize("role", [None, "viewer"])
def test_others_cannot_send_large_files(app, role):
    client = client_of(app, role) if role else app.test_client()
    app.config["WTF_CSRF_ENABLED"] = True
    answer = send(client, b"a" * 100_000)
    assert (answer.status_code, answer.headers["Location"]) == (302, "/staff/batches/")


@pytest.mark.parametrize("address", ["/staff/batches/7", "/staff/batches/7/progress", "/staff/batches/7/result.csv"])
def test_a_batch_that_is_not_there_is_not_found(officer, address):
    assert officer.get(address).status_code == 404


def test_addresses_lead_to_no_other_file(officer):
    for address in ("1/../../secret.csv", "1/secret.csv", "template/secret.csv", "-1", "1e3", "99999999999999999999"):
        assert officer.get(f"/staff/batches/{address}").status_code == 404


def test_a_forgery_is_refused_with_the_form_again(app, officer):
    app.config["WTF_CSRF_ENABLED"] = True
    answer = send(officer, as_csv(ROWS))
    assert answer.status_code == 400
    assert "Please do the same once more" in answer.text
    visitor = send(app.test_client(), as_csv(ROWS))
    assert (visitor.status_code, visitor.headers["Location"]) == (302, "/staff/batches/")


def test_templates_can_be_downloaded_and_sent(app, officer):
    data = officer.get("/staff/batches/template/form.csv").data
    assert send(officer, data).status_code == 303
    work_off(app)
    (row,) = rows_of(officer.get("/staff/batches/1/result.csv").data)
    assert (row["application"], row["errors"]) == ("example-1", "")


def test_the_list_is_parted_into_pages(app, officer, monkeypatch):
    monkeypatch.setattr(running.Runner, "wake", lambda _: None)
    for _ in range(27):
        send(officer, as_csv(loans(1)))
    first = officer.get("/staff/batches/").text
    (older,) = re.findall(r'href="(/staff/batches/\?before=\d+)"', first)
    assert re.findall(r">Batch (\d+):", first) == [str(number) for number in range(27, 2, -1)]
    assert re.findall(r">Batch (\d+):", officer.get(older).text) == ["2", "1"]


@pytest.mark.parametrize("before", ["-1", f"-{'9' * 25}", "9" * 25, "x"])
def test_a_number_that_no_batch_can_have_parts_the_list_all_the_same(officer, before):
    assert officer.get(f"/staff/batches/?before={before}").status_code == 200


def test_a_page_that_is_full_and_the_last_leads_to_no_older_one(app, officer):
    batch = {"made_at": datetime.now(UTC), "file_name": "x.csv", "kind": "form", "status": "done"}
    with database_of(app).session() as session:
        session.add_all(Batch(**batch, options={"folder": str(number), "chunk": 1}) for number in range(25))
    page = officer.get("/staff/batches/").text
    assert len(re.findall(r">Batch (\d+):", page)) == 25
    assert "?before=" not in page


def test_a_lake_that_lost_the_files_says_so(app, officer):
    send(officer, as_csv(loans(1)))
    work_off(app)
    app.extensions["payoff.lake"].delete(f"batches/{folder_of(app)}/result-000000.csv")
    assert officer.get("/staff/batches/1/result.csv").status_code == 503


def test_reasons_of_all_rows_are_given_where_they_are_asked_for(app, officer):
    send(officer, as_csv(loans(2)), explain_all="on")
    send(officer, as_csv(loans(2)))
    work_off(app)
    every, some = (rows_of(officer.get(f"/staff/batches/{number}/result.csv").data) for number in (1, 2))
    assert all(row["reason_1"] for row in every)
    assert not any(row["reason_1"] for row in some)


def test_the_stand_in_needs_no_warehouse_for_forms(tmp_path):
    app = app_with(tmp_path, StandIn(fixed=0.5))
    client = client_of(app, "officer")
    send(client, as_csv(loans(1)))
    work_off(app)
    (row,) = rows_of(client.get("/staff/batches/1/result.csv").data)
    assert (row["payoff_probability"], row["verdict"]) == ("0.5", "default")
