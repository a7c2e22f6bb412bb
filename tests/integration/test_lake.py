"""One contract for every lake: a directory, and two S3 servers, one of which checks signatures."""

import pytest

from payoff.errors import LakeError, SettingsError
from payoff.lake import open_lake, read_checked, read_json, sha256, write_json
from payoff.settings import load_settings


@pytest.fixture(params=["directory", "moto", "seaweed"])
def lake(request, tmp_path, monkeypatch):
    if request.param == "directory":
        return open_lake(load_settings(lake_uri=f"file://{tmp_path}/lake"))
    server = request.getfixturevalue(f"{request.param}_s3")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", server.access_key)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", server.secret_key)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    bucket = server.create_bucket(f"contract-{tmp_path.name[-12:].strip('-_')}".lower().replace("_", "-"))
    return open_lake(load_settings(lake_uri=f"{bucket}/lake", s3_endpoint_url=server.endpoint_url))


def test_what_is_written_is_read_back_and_listed(lake):
    lake.write("a/one", b"1")
    lake.write("a/two", b"2")
    lake.write("b/three", b"3")
    assert lake.read("a/two") == b"2"
    assert lake.keys("a/") == ["a/one", "a/two"]
    assert lake.exists("b/three")
    assert not lake.exists("b/four")


def test_a_second_write_replaces_the_first(lake):
    lake.write("pointer", b"old")
    lake.write("pointer", b"new")
    assert lake.read("pointer") == b"new"


def test_what_is_deleted_is_gone_and_deleting_it_again_does_no_harm(lake):
    lake.write("a/one", b"1")
    lake.write("a/two", b"2")
    lake.delete("a/one")
    lake.delete("a/one")
    assert lake.keys("a/") == ["a/two"]
    assert not lake.exists("a/one")


def test_a_missing_file_is_named(lake):
    with pytest.raises(LakeError, match="holds no nothing"):
        lake.read("nothing")


def test_a_damaged_file_is_refused(lake):
    lake.write("part", b"damaged")
    with pytest.raises(LakeError, match="damaged"):
        read_checked(lake, "part", sha256(b"whole"))


def test_json_survives_and_anything_else_is_refused(lake):
    write_json(lake, "x.json", {"název": [1, None]})
    assert read_json(lake, "x.json") == {"název": [1, None]}
    lake.write("half.json", b'{"half')
    with pytest.raises(LakeError, match="not JSON"):
        read_json(lake, "half.json")
    lake.write("list.json", b"[]")
    with pytest.raises(LakeError, match="list, not an object"):
        read_json(lake, "list.json")


def test_a_key_cannot_lead_out_of_a_directory(tmp_path):
    lake = open_lake(load_settings(lake_uri=str(tmp_path / "lake")))
    with pytest.raises(LakeError, match="out of the lake"):
        lake.write("../outside", b"")


def test_a_directory_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "lake").write_text("a file where the lake should be")
    lake = open_lake(load_settings(lake_uri=str(tmp_path / "lake")))
    with pytest.raises(LakeError, match="cannot be written"):
        lake.write("x/y", b"")


@pytest.mark.parametrize("uri", ["gs://bucket/x", "s3:///x", "file://host/x", ""])
def test_a_uri_of_another_kind_is_refused_with_those_that_work(uri):
    with pytest.raises(SettingsError, match="PAYOFF_LAKE_URI"):
        open_lake(load_settings(lake_uri=uri))


def test_a_wrong_secret_is_refused_and_the_variable_named(seaweed_s3, monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", seaweed_s3.access_key)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    bucket = seaweed_s3.create_bucket("wrong-secret")
    lake = open_lake(load_settings(lake_uri=bucket, s3_endpoint_url=seaweed_s3.endpoint_url))
    for use in (lambda: lake.read("x"), lambda: lake.write("x", b""), lambda: lake.keys(""), lambda: lake.exists("x")):
        with pytest.raises(LakeError, match=r"AWS_SECRET_ACCESS_KEY|AWS credentials"):
            use()


def test_a_bucket_that_does_not_exist_is_named(s3):
    lake = open_lake(load_settings(lake_uri="s3://no-such-bucket/lake", s3_endpoint_url=s3.endpoint_url))
    with pytest.raises(LakeError, match="Create the bucket"):
        lake.keys("")  # SeaweedFS makes a bucket on the first write


def test_an_endpoint_that_is_no_url_is_refused(monkeypatch):
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with pytest.raises(SettingsError, match="PAYOFF_S3_ENDPOINT_URL"):
        open_lake(load_settings(lake_uri="s3://bucket", s3_endpoint_url="not a url"))
