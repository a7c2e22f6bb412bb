"""Requests that arrive in pieces: when one is whole."""

import pytest

from webapp.arriving import BODY_BYTES, HEAD_BYTES, Arriving, State

GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nbody"


def posted(*headers: bytes, body: bytes = b"") -> bytes:
    return b"\r\n".join([b"POST / HTTP/1.1", b"Host: x", *headers, b"", body])


@pytest.mark.parametrize("request_", [GET, POST, b"\r\n" + GET, POST.replace(b"Content-L", b"CONTENT-l")])
def test_a_request_is_whole_with_its_last_byte_and_not_before(request_: bytes) -> None:
    arriving = Arriving()
    states = [arriving.add(request_[at : at + 1]) for at in range(len(request_))]
    assert states == [State.PARTIAL] * (len(request_) - 1) + [State.WHOLE]
    assert arriving.data == request_


@pytest.mark.parametrize("cut", range(1, len(POST)))
def test_it_does_not_matter_where_a_request_is_torn(cut: int) -> None:
    arriving = Arriving()
    assert arriving.add(POST[:cut]) is State.PARTIAL
    assert arriving.add(POST[cut:]) is State.WHOLE


def test_what_follows_a_whole_request_is_kept_with_it() -> None:
    arriving = Arriving()
    assert arriving.add(POST + GET[:5]) is State.WHOLE
    assert arriving.data == POST + GET[:5]


@pytest.mark.parametrize(
    "head",
    [
        posted(b"Transfer-Encoding: chunked", body=b"0\r\n\r\n"),
        posted(b"Content-Length: %d" % (BODY_BYTES + 1), body=b"x"),
        posted(b"Content-Length: " + b"9" * 5000),
    ],
)
def test_a_body_that_is_large_or_of_unknown_length_is_not_waited_for(head: bytes) -> None:
    assert Arriving().add(head) is State.STREAMED


def test_the_largest_body_that_is_waited_for() -> None:
    request_ = posted(b"Content-Length: %d" % BODY_BYTES, body=b"x" * BODY_BYTES)
    arriving = Arriving()
    assert arriving.add(request_[:-1]) is State.PARTIAL
    assert arriving.add(request_[-1:]) is State.WHOLE


@pytest.mark.parametrize("length", [b"", b"-1", b"+4", b"0x4", b"4, 4", b"four", b"\xb2"])
def test_a_length_that_is_none_is_left_to_the_parser_to_refuse(length: bytes) -> None:
    assert Arriving().add(posted(b"Content-Length: " + length)) is State.WHOLE


def test_two_lengths_are_left_to_the_parser_to_refuse() -> None:
    assert Arriving().add(posted(b"Content-Length: 4", b"content-length: 8")) is State.WHOLE


def test_a_head_may_be_so_long_and_no_longer() -> None:
    frame = len(posted(b"X: ")) - 4
    assert Arriving().add(posted(b"X: " + b"a" * (HEAD_BYTES - frame))) is State.WHOLE
    assert Arriving().add(posted(b"X: " + b"a" * (HEAD_BYTES - frame + 1))) is State.TOO_LONG
    assert Arriving().add(b"a" * (HEAD_BYTES + 1)) is State.TOO_LONG


EXPECTING = posted(b"Expect: 100-Continue", b"Content-Length: 4")


def test_a_client_that_holds_its_body_back_is_told_once_to_go_on() -> None:
    arriving = Arriving()
    assert arriving.add(EXPECTING) is State.PARTIAL
    assert [arriving.takes_continue(), arriving.takes_continue()] == [True, False]
    assert arriving.add(b"body") is State.WHOLE


@pytest.mark.parametrize("head", [EXPECTING.replace(b"1.1", b"1.0"), posted(b"Expect: more", b"Content-Length: 4")])
def test_nobody_else_is_told_to_go_on(head: bytes) -> None:
    arriving = Arriving()
    assert arriving.add(head) is State.PARTIAL
    assert not arriving.takes_continue()
