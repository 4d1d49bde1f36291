"""Requests to the page, as bytes on a connection; after each one an honest request is answered."""

import functools
import re
import socket
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import strategies as st

from face2face.cli import UserError
from face2face.output.controls import Controls, State
from face2face.output.page.server import Server
from face2face.sources.browser import BrowserSource
from tests.fuzz import harness, mutations
from tests.fuzz.harness import Reader
from tests.fuzz.valid import picture_files

TOKEN = "a-token-of-many-letters"
CARRIED = (f"Cookie: face2face={TOKEN}", f"Authorization: Bearer {TOKEN}")

_SECONDS = 9.0  # that an answer may take: less than the limit of the reader, whose verdict it is
_ENOUGH = 1 << 16  # bytes of an answer: a stream does not end

HEADERS = (
    "Host: 127.0.0.1",
    "Host: localhost",
    "Host: [::1",
    "Host: ]",
    "Host: a@b:99999",
    "Host: \xff",
    "Host:",
    "Host: 127.0.0.1:-1",
    "Content-Length: -1",
    "Content-Length: 4000000",
    "Content-Length: 99999999999",
    "Content-Length: 1e3",
    "Content-Length: \u0663",
    "Content-Length: 0",
    "Content-Length: +5",
    "Transfer-Encoding: chunked",
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Expect: 100-continue",
    "Origin: null",
    "Origin: http://[",
    "Origin: http://127.0.0.1",
    "Sec-Fetch-Site: cross-site",
    "Cookie: face2face=%ff%00",
    "Cookie: =;;=",
    "Authorization: Bearer \xe9",
    "Authorization: Basic eA==",
    "Connection: keep-alive",
    "Connection: close",
    " folded",
    "no colon",
    "A: " + "b" * 9000,
)
PATHS = (
    "/",
    "/state",
    "/stream.mjpg",
    "/nothing",
    "//",
    "//[",
    "http://[::1/",
    "/%",
    "/%00",
    "*",
    "/?token=%ff",
    "/command/calibrate",
    "/command/model-\u0663",
    "/command/",
    "/camera?page=1",
    "/camera",
    "/../x",
    "/?" + "a=1&" * 2000,
    "/" + "x" * 70_000,
    "/?token=a&token=b",
)
METHODS = ("GET", "POST", "HEAD", "PUT", "OPTIONS", "CONNECT", "get", "", "G\0T", "POST" * 100)
VERSIONS = (
    "HTTP/1.1",
    "HTTP/1.0",
    "HTTP/0.9",
    "HTTP/2.0",
    "HTTP/1.10000000000",
    "HTTP/x",
    "",
    "HTTP/1.1 extra",
)


def request(path: str, method: str = "GET", body: bytes = b"", headers: Sequence[str] = ()) -> bytes:
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", *headers]
    if method == "POST":
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode() + body


@functools.cache
def requests() -> list[bytes]:
    """What an honest page sends, without a token."""
    jpeg = next(file for file in picture_files() if file.startswith(b"\xff\xd8"))
    return [
        request("/"),
        request("/state", headers=["Connection: keep-alive"]) + request("/state"),
        request("/stream.mjpg"),
        request("/command/calibrate", "POST", headers=["Origin: http://127.0.0.1"]),
        request("/camera?page=1", "POST", jpeg),
    ]


@functools.cache
def allowed() -> list[bytes]:
    """The ways in which a token is carried."""
    carried = [
        request(path, method, headers=[header])
        for header in CARRIED
        for path, method in (("/state", "GET"), ("/command/calibrate", "POST"))
    ]
    return [*carried, request(f"/?token={TOKEN}")]


def requests_like(valid: list[bytes], allowing: Sequence[str] = ()) -> st.SearchStrategy[bytes]:
    """allowing: headers that carry a token, which some of the requests have."""

    def joined(method, path, version, headers, body) -> bytes:
        text = "\r\n".join([f"{method} {path} {version}", *headers, "", ""])
        return text.encode("utf-8", "surrogatepass") + body

    words = st.builds(
        lambda method, path, version, begin, headers, body: joined(
            method, path, version, [HEADERS[0], *begin, *headers], body
        ),
        st.sampled_from(METHODS[:2] * 6 + METHODS),
        st.sampled_from(PATHS[:3] * 8 + PATHS) | st.text(max_size=20).map(lambda text: f"/{text}"),
        st.sampled_from(VERSIONS[:1] * 12 + VERSIONS),
        st.sampled_from([[each] for each in allowing] + [[]]),
        st.lists(st.sampled_from(HEADERS[1:]), max_size=3),
        st.binary(max_size=60),
    )
    many = st.lists(st.sampled_from(HEADERS), min_size=90, max_size=120)
    crowded = st.builds(joined, *map(st.just, ("GET", "/", "HTTP/1.1")), many, st.just(b""))
    changed = mutations.bytes_like(valid)
    return st.one_of(words, words, words, changed, changed, crowded)


# --- the page, and who asks -------------------------------------------------------------------------------


@functools.cache
def server(token: str | None) -> Server:
    """Of the child: it serves until that ends."""
    page = Server(Controls(), State(), port=0, token=token, browser=BrowserSource())
    page.write(np.zeros((16, 32, 3), np.uint8))
    return page


def ask(page: Server, data: bytes) -> tuple[bytes, bool]:
    """What is answered, and whether the connection was closed then."""
    with socket.create_connection(("127.0.0.1", page.port), timeout=_SECONDS) as connection:
        answer = b""
        try:
            connection.sendall(data)
            connection.shutdown(socket.SHUT_WR)
            while len(answer) < _ENOUGH and b"multipart/x-mixed" not in answer[:1000]:
                piece = connection.recv(_ENOUGH)
                if not piece:
                    return answer, True
                answer += piece
        except ConnectionError:  # it closed while there was more to read
            return answer, True
    return answer, False


def ask_page(folder: Path, token: str | None = None) -> None:
    page, data = server(token), (folder / "input").read_bytes()
    answer, is_closed = ask(page, data)
    status = re.match(rb"HTTP/1\.[01] (\d\d\d) ", answer)
    assert status or is_closed, f"neither a status nor a closed connection: {answer[:200]}"
    if token and token.encode() not in data:
        assert not re.search(rb"HTTP/1\.[01] 2\d\d ", answer), f"let in without a token: {answer[:200]}"
    page.controls.take()
    honest, _ = ask(page, request("/state", headers=[f"Authorization: Bearer {token}"] if token else []))
    assert honest.startswith(b"HTTP/1.1 200 "), f"an honest request was answered by {honest[:200]}"
    if not status or status[1] >= b"400":
        raise UserError(f"refused: {status[1].decode() if status else 'closed'}")


ask_with_token = functools.partial(ask_page, token=TOKEN)

READERS = [
    Reader("request", ask_page, lambda: requests_like(requests()), requests, 800),
    Reader("request, with a token", ask_with_token, lambda: requests_like(allowed(), CARRIED), allowed, 700),
]


@pytest.mark.parametrize("reader", READERS, ids=lambda reader: reader.name)
def test_a_request_is_answered_and_the_next_one_too(reader, process):
    harness.fuzz(reader, process)
