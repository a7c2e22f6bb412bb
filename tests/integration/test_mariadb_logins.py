"""Passwords that change while the pool lives: rotated secrets, and IAM tokens that last 15 minutes."""

import json
import uuid
from urllib.parse import parse_qs, urlsplit

import boto3
import pytest
from botocore.stub import Stubber
from certificates import new_authority
from servers import PartMissing, running_mariadb

from payoff import aws, mariadb
from payoff.errors import SettingsError, StorageError, WarehouseError
from payoff.mariadb.logins import SecretLogin, TokenLogin
from payoff.warehouse import open_warehouse
from webapp.storage import Database


@pytest.fixture(autouse=True)
def credentials(monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


@pytest.fixture
def secrets(moto_s3, monkeypatch):
    """Secrets Manager as moto imitates it."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", moto_s3.endpoint_url)
    client = boto3.session.Session().client("secretsmanager")
    yield client
    client.close()


@pytest.fixture
def user(mariadb_server, mariadb_url):
    """A user's name, and a function that gives it a password."""
    name = f"user_{uuid.uuid4().hex[:8]}"

    def set_password(password: str) -> None:
        mariadb_server.execute(
            f"create user if not exists {name}@'127.0.0.1'",
            f"alter user {name}@'127.0.0.1' identified by '{password}'",
            f"grant all privileges on *.* to {name}@'127.0.0.1'",
        )

    yield name, set_password
    mariadb_server.execute(f"drop user if exists {name}@'127.0.0.1'")


@pytest.fixture
def secret(secrets, user, mariadb_url):
    """The ARN of a secret as RDS writes it, the URL that names it, and a function that rotates it."""
    name, set_password = user

    def content(password: str) -> str:
        return json.dumps({"username": name, "password": password})

    set_password("first")
    made = secrets.create_secret(Name=f"rds!db-{uuid.uuid4()}", SecretString=content("first"))

    def rotate(password: str, *, told: bool = True) -> None:
        set_password(password)
        if told:
            secrets.put_secret_value(SecretId=made["ARN"], SecretString=content(password))

    url = f"mysql+pymysql://{mariadb_url.partition('@')[2]}?secret={made['ARN']}"
    return made["ARN"], url, rotate


@pytest.fixture
def reads(monkeypatch):
    """Every AWS client that was made, by service."""
    made, make = [], aws.client

    def client(service, *others):
        made.append(service)
        return make(service, *others)

    monkeypatch.setattr(aws, "client", client)
    return made


def test_the_secret_signs_in_and_is_read_once_for_many_connections(secret, reads):
    for _ in range(3):
        database = Database(secret[1])
        database.migrate()
        assert database.revision()
        database.engine.dispose()
    assert reads == ["secretsmanager"]


def test_a_secret_that_was_rotated_under_a_running_pool_is_read_anew(secret, reads):
    _, url, rotate = secret
    database = Database(url)
    database.migrate()
    assert database.revision()
    rotate("second")
    with database.session() as session:
        # What was connected before stays so; it is a new connection that is refused.
        assert session.connection().exec_driver_sql("select 1").scalar() == 1
    database.engine.dispose()
    del reads[:]
    assert database.revision()
    assert reads == ["secretsmanager"]
    database.engine.dispose()


def test_many_connections_that_are_refused_at_once_all_get_the_new_password(secret, reads):
    arn, _, rotate = secret
    login = SecretLogin(arn, StorageError)
    old = login.credentials()
    rotate("second")
    del reads[:]
    assert [login.renew(old) for _ in range(3)] == [True] * 3
    assert login.credentials()["password"] == "second"
    assert reads == ["secretsmanager"]


def test_a_password_that_is_wrong_for_good_is_refused_at_once_and_not_shown(secret, reads, monkeypatch):
    _, url, rotate = secret
    monkeypatch.setattr("payoff.mariadb.retrying.CONNECT_SECONDS", 3600)
    rotate("elsewhere", told=False)
    with pytest.raises(WarehouseError, match=r"Access denied.*Check user and password, or the secret") as refused:
        open_warehouse(url).__enter__()
    assert len(reads) == 2  # once to sign in, once to see whether it changed
    assert "first" not in str(refused.value)
    assert "secret=arn" in str(refused.value)


def test_a_secret_that_is_not_there_is_named(secrets, mariadb_url):
    url = f"mysql+pymysql://{mariadb_url.partition('@')[2]}?secret=none"
    with pytest.raises(WarehouseError, match=r"could not read the secret none: .*ResourceNotFound"):
        open_warehouse(url).__enter__()
    with pytest.raises(StorageError, match="could not read the secret none"):
        Database(url).migrate()


@pytest.mark.parametrize("text", ["hidden", '{"password": "hidden"}', '["hidden"]'])
def test_a_secret_of_another_form_is_refused_without_its_text(secrets, mariadb_url, text):
    name = f"odd-{uuid.uuid4()}"
    secrets.create_secret(Name=name, SecretString=text)
    with pytest.raises(WarehouseError, match="no JSON object with username and password") as refused:
        open_warehouse(f"mysql+pymysql://{mariadb_url.partition('@')[2]}?secret={name}").__enter__()
    assert "hidden" not in str(refused.value)


def test_missing_credentials_are_told_with_what_to_do(secrets, mariadb_url, monkeypatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nowhere")
    with pytest.raises(WarehouseError, match="Log in"):
        open_warehouse(f"mysql+pymysql://{mariadb_url.partition('@')[2]}?secret=any").__enter__()


def test_expired_credentials_are_told_with_what_to_do(secret, monkeypatch):
    make = aws.client

    def client(*asked):
        made = make(*asked)
        # As moto never says so itself.
        stub = Stubber(made)
        stub.add_client_error("get_secret_value", "ExpiredTokenException", "The security token is expired")
        stub.activate()
        return made

    monkeypatch.setattr(aws, "client", client)
    database = Database(secret[1])
    with pytest.raises(StorageError, match=r"The credentials have expired\. Get new ones"):
        database.migrate()


@pytest.fixture(scope="module")
def over_tls(tmp_path_factory):
    folder = tmp_path_factory.mktemp("iam")
    authority = new_authority(folder, "ours")
    try:
        with running_mariadb(folder, *authority.server_options(folder, "db.payoff.test")) as server:
            yield server, authority.certificate
    except PartMissing as missing:
        pytest.skip(f"needs MariaDB: {missing}")


def test_each_connection_has_an_iam_token_of_its_own(over_tls, monkeypatch):
    """Amazon's plugin checks a token; here the user's password is changed to each token, and to no other."""
    server, ca = over_tls
    url = server.create_database("bank").replace(f"{server.user}:{server.password}", "app")
    given = []
    ask = TokenLogin.credentials

    def credentials(login):
        found = ask(login)
        given.append(found["password"])
        who = "app@'127.0.0.1'"
        server.execute(
            f"create or replace user {who} identified by '{found['password']}' require ssl",
            f"grant all on bank.* to {who}",
        )
        # A token holds the second that it was made in.
        monkeypatch.setattr("botocore.auth.get_current_datetime", lambda *_, **__: _later(len(given)), raising=True)
        return found

    monkeypatch.setattr(TokenLogin, "credentials", credentials)
    database = Database(f"{url}?auth=iam", ca)
    database.migrate()
    del given[:]
    for _ in range(2):
        assert database.revision()
        database.engine.dispose()
    assert len(set(given)) == 2
    assert all(token not in f"{database.shown} {database.engine!r}" for token in given)


def _later(minutes):
    from datetime import UTC, datetime, timedelta

    return datetime.now(UTC) + timedelta(minutes=minutes)


def test_a_token_is_for_the_host_port_and_user_of_the_url_and_lasts_15_minutes():
    address = mariadb.parse_address(
        "mysql+pymysql://app@db.example.org:3307/bank?auth=iam", "PAYOFF_DATABASE_URL", None
    )
    found = TokenLogin(address, StorageError).credentials()
    token = urlsplit(f"https://{found['password']}")
    asked = parse_qs(token.query)
    assert (found["user"], token.hostname, token.port) == ("app", "db.example.org", 3307)
    assert asked["Action"] == ["connect"]
    assert asked["DBUser"] == ["app"]
    assert asked["X-Amz-Expires"] == ["900"]
    assert "eu-central-1/rds-db" in asked["X-Amz-Credential"][0]


def test_a_refused_token_says_what_iam_needs(over_tls):
    server, ca = over_tls
    server.create_database("bank")
    server.execute("create or replace user iam@'127.0.0.1' identified by 'another'")
    url = server.url("bank").replace(f"{server.user}:{server.password}", "iam")
    with pytest.raises(WarehouseError, match="credentials may have expired") as refused:
        open_warehouse(f"{url}?auth=iam", ca).__enter__()
    assert "X-Amz" not in str(refused.value)


def test_a_token_is_never_sent_without_tls(monkeypatch):
    with pytest.raises(SettingsError, match="IAM tokens, which only travel over TLS"):
        Database("mysql+pymysql://app@127.0.0.1/bank?auth=iam")
