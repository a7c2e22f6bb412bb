"""The URL of a MariaDB database: its forms, and what is refused."""

from pathlib import Path

import pytest

from payoff.errors import SettingsError
from payoff.mariadb import parse_address
from payoff.settings import load_settings

START = "mysql+pymysql://"


def parsed(rest: str):
    return parse_address(START + rest, "PAYOFF_WAREHOUSE_URL", None)


@pytest.mark.parametrize(
    ("rest", "sign_in", "secret", "shown"),
    [
        ("eva:hidden@h:3307/bank", "password", "", "eva:***@h:3307/bank"),
        ("eva@h/bank?auth=iam", "iam", "", "eva@h/bank?auth=iam"),
        ("h/bank?secret=rds!db-1", "secret", "rds!db-1", "h/bank?secret=rds%21db-1"),
        ("h/bank?secret=arn:aws:secretsmanager:eu-central-1:1:secret:a/b-c", "secret",
         "arn:aws:secretsmanager:eu-central-1:1:secret:a/b-c",
         "h/bank?secret=arn%3Aaws%3Asecretsmanager%3Aeu-central-1%3A1%3Asecret%3Aa%2Fb-c"),
    ],
)  # fmt: skip
def test_each_form_says_how_one_signs_in_and_shows_no_password(rest, sign_in, secret, shown):
    address = parsed(rest)
    assert (address.sign_in, address.secret) == (sign_in, secret)
    assert address.shown == START + shown
    assert not {"auth", "secret"} & set(address.url.query)
    assert "hidden" not in repr(address)


@pytest.mark.parametrize(
    ("rest", "words"),
    [
        ("eva:hidden@h/bank?auth=iam", "a password beside"),
        (":hidden@h/bank?secret=a", "a password beside"),
        ("h/bank?auth=iam", "how to sign in"),
        ("eva@h/bank?auth=kerberos", "how to sign in"),
        ("eva@h/bank?secret=a", "how to sign in"),
        ("eva@h/bank?auth=iam&secret=a", "how to sign in"),
        ("eva:hidden@h/", "names no database"),
        ("eva:hidden@h:port/bank", "no valid URL"),
        ("eva:hidden@h/bank?ssl_verify_cert=false", "the option 'ssl_verify_cert'"),
        ("eva:hidden@h/bank?local_infile=1", "the option 'local_infile'"),
        ("eva:hidden@h/bank?read_default_file=/etc/my.cnf", "the option 'read_default_file'"),
    ],
)
def test_any_other_form_is_refused_without_its_password(rest, words):
    with pytest.raises(SettingsError, match=words) as refused:
        parsed(rest)
    assert "hidden" not in str(refused.value)


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("localhost", True), ("127.0.0.1", True), ("127.8.8.8", True), ("[::1]", True),
        ("192.0.2.7", False), ("10.0.0.5", False), ("db", False), ("localhost.example.org", False), ("127.1", False),
        ("[2001:db8::1]", False), ("0.0.0.0", False),
    ],
)  # fmt: skip
def test_only_localhost_and_loopback_addresses_are_this_machine(host, loopback):
    assert parsed(f"eva@{host}/bank").is_loopback is loopback


def test_a_socket_is_this_machine():
    assert parsed("eva@/bank?unix_socket=/run/mysqld/mysqld.sock").is_loopback


def test_the_settings_show_no_password():
    url = f"{START}eva:hidden@h/bank"
    settings = load_settings(warehouse_url=url, warehouse_read_url=url, database_url=url, source=url)
    assert "hidden" not in f"{settings!r} {settings}"


def test_who_reads_takes_the_loaders_url_unless_there_is_another():
    assert load_settings(warehouse_url="duckdb:///a").reading_url == "duckdb:///a"
    assert load_settings(warehouse_url="duckdb:///a", warehouse_read_url="duckdb:///b").reading_url == "duckdb:///b"
    assert load_settings(mariadb_ca="ca.pem").mariadb_ca == Path("ca.pem")
