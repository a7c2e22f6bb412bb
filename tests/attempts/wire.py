"""What is wrong in the request's own bytes, and needs a server of its own."""

from attempts.area import Area
from attempts.world import World

WIRE = Area("the wire", on_the_wire=True)
_HEAD = b"POST /api/v1/predict HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nX-API-Key: %s\r\n"


def _head(world: World) -> bytes:
    return _HEAD % world.keys["viewer"].encode()


@WIRE.attempt("a body in chunks of 100 kB together", "413")
def _(world: World) -> str:
    chunk = b"2710\r\n" + b" " * 10_000 + b"\r\n"
    return world.wire(_head(world) + b"Transfer-Encoding: chunked\r\n\r\n" + chunk * 10 + b"0\r\n\r\n")


@WIRE.attempt("a length of 10 GB, announced and never sent", "413")
def _(world: World) -> str:
    return world.wire(_head(world) + b"Content-Length: 10000000000\r\n\r\n{")


@WIRE.attempt("Content-Length beside Transfer-Encoding, or two lengths (request smuggling)", "400")
def _(world: World) -> str:
    both = b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
    twice = b"Content-Length: 2\r\nContent-Length: 20\r\n\r\n{}"
    (words,) = {world.wire(_head(world) + each) for each in (both, twice)}
    return words


@WIRE.attempt("a header of 100 kB, or 1,000 headers", "431")
def _(world: World) -> str:
    many = b"".join(b"X-%d: 1\r\n" % number for number in range(1000))
    (words,) = {world.wire(_head(world) + each + b"\r\n") for each in (b"X: " + b"a" * 100_000 + b"\r\n", many)}
    return words


@WIRE.attempt("an address of 100 kB", "414")
def _(world: World) -> str:
    return world.wire(b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n")


@WIRE.attempt("a header whose name holds a blank, or a request line that is none", "400")
def _(world: World) -> str:
    odd = (
        b"GET / HTTP/1.1\r\nHost : x\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"\x16\x03\x01\x02\x00\r\n\r\n",
    )
    (words,) = {world.wire(each) for each in odd}
    return words
