"""What requests are told that are malformed, too large, or meant to be read in two ways."""

import contextlib
import http.client
import json
import socket

import pytest

from face2face.output.page import http_server

# ruff: noqa: F811  (the fixtures are imported and then named as arguments)
from tests.live.test_http_server import GET, POST, connect, server  # noqa: F401
from tests.live.test_server import ask

LINES = b"Host: localhost\r\n\r\n"


def rest(connection: socket.socket) -> bytes:
    """All that the server sends until it ends the connection."""
    parts = []
    with contextlib.suppress(ConnectionError):
        while part := connection.recv(65_536):
            parts.append(part)
    return b"".join(parts)


@pytest.mark.parametrize(
    "request_bytes, status",
    [
        (b"\r\n", None),
        (b"garbage\r\n\r\n", 400),
        (b"\xff\xfe\xfd\r\n\r\n", 400),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400),  # a browser that tries https
        (b"GET / HTTP/x\r\n" + LINES, 400),
        (b"GET / HTTP/2.0\r\n" + LINES, 505),
        (b"GET / HTTP/1.1 x\r\n" + LINES, 400),
        (b"GET /state\r\n" + LINES, 200),
        (b"POST /state\r\n" + LINES, 400),
        (b"BREW /state HTTP/1.1\r\n" + LINES, 405),
        (b"GET /\xff\xfe HTTP/1.1\r\n" + LINES, 404),
        (b"GET /%ff%fe%00 HTTP/1.1\r\n" + LINES, 404),
        (b"GET /..%2f..%2fetc/passwd HTTP/1.1\r\n" + LINES, 404),
        (b"GET http://[ HTTP/1.1\r\n" + LINES, 400),
        (b"GET http://evil.example/state HTTP/1.1\r\n" + LINES, 403),
        (b"GET http://localhost/state HTTP/1.1\r\nHost: evil.example\r\n\r\n", 200),  # the address counts
        (b"GET //evil.example/state HTTP/1.1\r\n" + LINES, 404),
        (b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\n" + LINES, 414),
        (GET + b"X: " + b"a" * 70_000 + b"\r\n\r\n", 431),
        (GET + b"X: a\r\n" * 200 + b"\r\n", 431),
        (GET + (b"X: " + b"a" * 1000 + b"\r\n") * 90 + b"\r\n", 431),
        (GET + b"Host: localhost\r\n\r\n", 400),
        (b"GET /state HTTP/1.1\r\nHost: [\r\n\r\n", 400),
        (b"GET /state HTTP/1.1\r\n\r\n", 403),
        (GET + b"Origin: http://[\r\n\r\n", 403),
        (GET + b"Origin: \xff\r\n\r\n", 403),
        (GET + b"Authorization: Bearer \xff\r\nCookie: face2face=\xff\r\n\r\n", 200),  # no token is asked for
        (GET + b"no colon\r\n\r\n", 400),
        (GET + b"Content-Length : 5\r\n\r\n", 400),
        (GET + b"X: a\r\n b: c\r\n\r\n", 400),
        (GET + b"X: \0\r\n\r\n", 400),
        (GET + b"X(y): a\r\n\r\n", 400),
        *(
            (POST + b"Content-Length: " + length + b"\r\n\r\n", 400)
            for length in (b"-1", b"1_0", b"+5", b"\xb2")
        ),
        *(
            (POST + b"Content-Length: " + length + b"\r\n\r\n", 400)
            for length in (b"", b"5, 5", b"0x5", b"5.0")
        ),
        (POST + b"Content-Length: %d\r\n\r\n" % 10**30, 413),
        (POST + b"Content-Length: " + b"9" * 5000 + b"\r\n\r\n", 413),
        (POST + b"Content-Length: 4000001\r\n\r\n", 413),
        (POST + b"Content-Length: 5\r\nContent-Length: 5\r\n\r\nabcde", 400),
        (POST + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
        (POST + b"Transfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n0\r\n\r\n", 411),
        (POST + b"Content-Length: 5\r\n\r\nabcde", 409),
        (POST + b"\r\n", 409),
    ],
)
def test_odd_requests_are_answered(server, connect, capsys, request_bytes, status):
    asking = connect()
    asking.sendall(request_bytes)
    asking.shutdown(socket.SHUT_WR)
    answer = rest(asking)
    if status is None:
        assert answer == b""
    else:
        assert answer.startswith(b"HTTP/1.1 %d " % status), answer[:200]
        assert b"\r\nX-Content-Type-Options: nosniff\r\n" in answer
        assert answer.count(b"HTTP/1.1 ") == 1  # what was refused is not read on as the next request
    assert ask(server, "/state")[0].status == 200
    assert capsys.readouterr() == ("", "")


def test_requests_follow_each_other_on_one_connection(server):
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    for _ in range(3):
        connection.request("POST", "/camera?page=1", b"no picture")
        answer = connection.getresponse()
        assert (answer.status, answer.read()) == (409, b"expected a JPEG of one scan\n")
        own = connection.sock.getsockname()
        connection.request("GET", "/state")
        assert "fps" in json.loads(connection.getresponse().read())
        assert connection.sock.getsockname() == own
    connection.close()


def test_content_that_nobody_reads_is_not_the_next_request(server, connect):
    hidden = b"POST /command/end HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n"
    asking = connect()
    asking.sendall(GET + b"Content-Length: %d\r\n\r\n" % len(hidden) + hidden)
    assert rest(asking).count(b"HTTP/1.1 ") == 1
    assert server.controls.take() == []


def test_a_refused_client_gets_its_answer_though_it_sends_on(server, connect):
    asking = connect()
    content = bytes(http_server.LARGEST_CONTENT // 2)
    asking.sendall(
        b"POST /camera HTTP/1.1\r\nHost: evil.example\r\nContent-Length: %d\r\n\r\n" % len(content)
    )
    assert rest(asking).startswith(b"HTTP/1.1 403 ")
    for at in range(0, len(content), 100_000):  # an error here is all that a browser would tell its user
        asking.sendall(content[at : at + 100_000])


def test_a_client_that_asks_first_is_told_to_go_on_only_if_it_may(server, connect):
    for host, first in ((b"localhost", b"HTTP/1.1 100 "), (b"evil.example", b"HTTP/1.1 403 ")):
        asking = connect()
        lines = b"Content-Length: 5\r\nExpect: 100-continue\r\n\r\n"
        asking.sendall(b"POST /camera HTTP/1.1\r\nHost: " + host + b"\r\n" + lines)
        assert asking.recv(65_536).startswith(first)
        asking.close()
