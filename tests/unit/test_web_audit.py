"""The audit log as a browser gets it."""

import re

import pytest
from flask import Flask
from pages import flowed
from web import client_of, database_of

from webapp.storage.audit import note

pytestmark = pytest.mark.usefixtures("quick_passwords")


def test_the_audit_log_is_listed_newest_first_by_page_actor_and_action(app: Flask) -> None:
    admin = client_of(app, "admin")
    with database_of(app).session() as session:
        for number in range(60):
            note(session, "ann" if number % 2 else "ben", "thing.done", f"thing {number}", {"n": number, "more": [1]})
    first = admin.get("/staff/audit/?action=thing.done").text
    assert re.findall(r">thing (\d+)<", first) == [str(n) for n in range(59, 9, -1)]
    assert "n: 59; more: [1]" in flowed(first)
    onward = re.search(r'rel="next" href="([^"]+)"', first)
    assert onward
    second = admin.get(onward[1].replace("&amp;", "&")).text
    assert re.findall(r">thing (\d+)<", second) == [str(n) for n in range(9, -1, -1)]
    back = re.search(r'rel="prev" href="([^"]+)"', second)
    assert back
    assert re.findall(r">thing (\d+)<", admin.get(back[1].replace("&amp;", "&")).text) == [
        str(n) for n in range(59, 9, -1)
    ]
    assert re.findall(r">thing (\d+)<", admin.get("/staff/audit/?actor=ann").text) == [str(n) for n in range(59, 0, -2)]
    assert "Nothing was noted that fits" in admin.get("/staff/audit/?actor=nobody&action=none").text
    assert "login.succeeded" in admin.get("/staff/audit/").text


def test_no_more_of_a_name_is_looked_for_than_a_name_has(app: Flask) -> None:
    with database_of(app).session() as session:
        note(session, "a" * 64, "thing.done", "thing")
    page = client_of(app, "admin").get("/staff/audit/", query_string={"actor": "a" * 100}).text
    assert ">thing<" in page
    assert re.search('value="a{64}"', page)
