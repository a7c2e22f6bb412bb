"""What goes over the wire to S3: checksums both ways, pieces of what is large, and nothing of who may read it."""

import hashlib
from base64 import b64encode

import pytest
from aws_front import fronted

from payoff.errors import LakeError
from payoff.lake import open_lake, sha256
from payoff.lake.bucket import S3Lake
from payoff.settings import load_settings

MEGABYTE = 1024 * 1024


@pytest.fixture
def front(moto_s3, monkeypatch):
    with fronted(moto_s3) as made:
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", moto_s3.access_key)
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", moto_s3.secret_key)
        monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        yield made


@pytest.fixture
def lake(front, moto_s3, tmp_path) -> S3Lake:
    bucket = moto_s3.create_bucket(f"wire-{abs(hash(str(tmp_path)))}")
    return open_lake(load_settings(lake_uri=f"{bucket}/lake", s3_endpoint_url=front.url))


def test_an_upload_carries_its_sha256_and_says_nothing_of_readers_or_keys(lake, front):
    lake.write("x", b"hello")
    lake.swap("y", b"hello", None)
    for asked in front.of("s3:PUT"):
        assert asked.headers["x-amz-checksum-sha256"] == b64encode(hashlib.sha256(b"hello").digest()).decode()
        assert not any("acl" in name or "grant" in name or "encryption" in name for name in asked.headers)


def test_what_arrives_damaged_is_refused(lake, front):
    lake.write("x", b"hello")
    wrong = {"x-amz-checksum-sha256": b64encode(hashlib.sha256(b"hello").digest()).decode(), "ETag": '"1"'}
    front.rules.append(("s3:GET", iter([(200, wrong, b"hullo")])))
    with pytest.raises(LakeError, match=r"checksum.*not what was stored"):
        lake.read("x")
    assert front.of("s3:GET")[-1].headers["x-amz-checksum-mode"] == "ENABLED"


@pytest.mark.parametrize("server", ["moto", "seaweed"])
def test_what_is_large_goes_up_in_pieces_each_with_its_sha256(server, request, monkeypatch, tmp_path):
    s3 = request.getfixturevalue(f"{server}_s3")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", s3.access_key)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", s3.secret_key)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    bucket = s3.create_bucket(f"large-{abs(hash(str(tmp_path)))}")
    lake = S3Lake(bucket.removeprefix("s3://"), "", s3.endpoint_url)
    data = bytes(range(256)) * (17 * MEGABYTE // 256)
    lake.write("big", data)
    with s3.client() as client:
        head = client.head_object(Bucket=bucket.removeprefix("s3://"), Key="big")
    assert head["ETag"].endswith('-3"')  # the number of pieces
    assert sha256(lake.read("big")) == sha256(data)
    lake.fetch("big", tmp_path / "big")
    assert (tmp_path / "big").read_bytes() == data


def test_a_download_that_the_disk_does_not_take_names_the_disk(lake, tmp_path):
    lake.write("x", b"hello")
    with pytest.raises(LakeError, match=r"lake/x cannot be kept in .*nowhere"):
        lake.fetch("x", tmp_path / "nowhere" / "x")


def test_a_server_without_conditional_writes_is_refused_for_pointers(lake, front):
    front.refuse("s3:PUT", "NotImplemented", "A header you provided implies functionality that is not implemented", 501)
    with pytest.raises(LakeError, match="Pointers need conditional writes"):
        lake.swap("pointer", b"1", None)
