"""MariaDB over TLS: who vouches for a server, and what is refused."""

import socket

import pytest
from certificates import Authority, new_authority
from servers import MariaDB, PartMissing, running_mariadb

from payoff.errors import SettingsError, WarehouseError
from payoff.mariadb import open_engine, parse_address
from payoff.warehouse import open_warehouse
from webapp.storage import Database

#: A name that leads to this machine: only localhost and loopback addresses are taken for it, whatever a name leads to.
HOST, OTHER = "db.payoff.test", "other.payoff.test"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return new_authority(tmp_path_factory.mktemp("ca"), "ours")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, authority: Authority):
    folder = tmp_path_factory.mktemp("tls")
    try:
        with running_mariadb(folder, *authority.server_options(folder, HOST)) as started:
            started.create_database("bank")
            yield started
    except PartMissing as missing:
        pytest.skip(f"needs MariaDB: {missing}")


@pytest.fixture(autouse=True)
def names_that_lead_here(monkeypatch: pytest.MonkeyPatch) -> None:
    ask = socket.getaddrinfo

    def answer(host, *others, **named):
        return ask("127.0.0.1" if host in {HOST, OTHER} else host, *others, **named)

    monkeypatch.setattr(socket, "getaddrinfo", answer)


def url_of(server: MariaDB, host: str) -> str:
    return server.url("bank").replace("127.0.0.1", host)


def cipher(url: str, ca) -> str:
    with open_warehouse(url, ca) as warehouse:
        (row,) = warehouse.query("show status like 'Ssl_cipher'").to_pylist()
    return row["Value"]


def test_a_server_with_a_certificate_of_the_pinned_authority_is_spoken_to_over_tls(server, authority):
    assert cipher(url_of(server, HOST), authority.certificate)


def test_a_certificate_of_another_authority_is_refused_at_once(server, tmp_path, monkeypatch):
    other = new_authority(tmp_path, "theirs")
    monkeypatch.setattr("payoff.mariadb.retrying.CONNECT_SECONDS", 3600)
    with pytest.raises(WarehouseError, match="PAYOFF_MARIADB_CA holds the CA of this server") as refused:
        cipher(url_of(server, HOST), other.certificate)
    assert "certificate verify failed" in str(refused.value)
    assert server.password not in str(refused.value)


def test_no_authority_of_the_system_is_trusted(server, authority, monkeypatch):
    from payoff.mariadb import tls

    address = parse_address(url_of(server, HOST), "PAYOFF_WAREHOUSE_URL", authority.certificate)
    context = tls.context_for(address)
    assert [each["subject"][0][0][1] for each in context.get_ca_certs()] == ["ours"]


def test_a_certificate_for_another_name_is_refused(server, authority):
    with pytest.raises(WarehouseError, match="Hostname mismatch"):
        cipher(url_of(server, OTHER), authority.certificate)


@pytest.mark.parametrize("host", [HOST, "192.0.2.7", "[2001:db8::1]"])
def test_a_server_outside_this_machine_is_refused_where_no_authority_is_set(host):
    url = f"mysql+pymysql://eva:hidden@{host}/bank"
    for use, setting in (
        (lambda: open_warehouse(url).__enter__(), "PAYOFF_WAREHOUSE_URL"),
        (lambda: Database(url), "PAYOFF_DATABASE_URL"),
    ):
        with pytest.raises(SettingsError, match="PAYOFF_MARIADB_CA") as refused:
            use()
        assert setting in str(refused.value)
        assert "global-bundle.pem" in str(refused.value)
        assert "hidden" not in str(refused.value)


def test_a_server_that_offers_no_tls_is_refused(mariadb_server, authority):
    mariadb_server.create_database("plain")
    url = mariadb_server.url("plain").replace("127.0.0.1", HOST)
    with pytest.raises(WarehouseError, match="The server offers no TLS"):
        cipher(url, authority.certificate)


def test_on_this_machine_tls_is_used_where_an_authority_is_set_whatever_name_the_certificate_has(server, authority):
    assert cipher(server.url("bank"), authority.certificate)


def test_a_file_that_holds_no_certificate_is_named(server, tmp_path):
    (tmp_path / "empty.pem").write_text("none")
    for file in ("empty.pem", "none.pem"):
        with pytest.raises(SettingsError, match=f"PAYOFF_MARIADB_CA={tmp_path}/{file} holds no certificates"):
            cipher(url_of(server, HOST), tmp_path / file)


def test_the_web_app_keeps_its_tables_over_tls_as_well(server, authority):
    database = Database(url_of(server, HOST), authority.certificate)
    database.migrate()
    with database.session() as session:
        assert session.connection().exec_driver_sql("show status like 'Ssl_cipher'").one()[1]
    database.engine.dispose()


def test_the_engine_never_shows_the_password(server, authority):
    address = parse_address(url_of(server, HOST), "PAYOFF_WAREHOUSE_URL", authority.certificate)
    engine = open_engine(address, WarehouseError)
    assert engine.url.password is None
    for shown in (repr(engine), str(engine.url), address.shown, repr(address), engine.url.render_as_string(False)):
        assert server.password not in shown
