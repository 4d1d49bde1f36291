"""What a client may take of the page's server: connections and time."""

import contextlib
import http.client
import socket
import time
from collections.abc import Iterator

import numpy as np
import pytest

from face2face.output.controls import Controls, State
from face2face.output.page import connections, http_server
from face2face.output.page.connections import Connections
from face2face.output.page.server import Server
from face2face.sources.browser import BrowserSource, decode
from tests import made
from tests.live.test_server import ask, next_jpeg, stream

PICTURE = made.noise(64, 128)
LARGE = made.noise(512, 1024)
GET = b"GET /state HTTP/1.1\r\nHost: localhost\r\n"
POST = b"POST /camera HTTP/1.1\r\nHost: localhost\r\n"


@pytest.fixture
def server() -> Iterator[Server]:
    with contextlib.closing(Server(Controls(), State(), port=0, browser=BrowserSource())) as server:
        yield server


@pytest.fixture
def impatient(monkeypatch) -> float:
    """Seconds of patience, few enough to wait for."""
    monkeypatch.setattr(http_server, "PATIENCE", 0.5)
    return http_server.PATIENCE


@pytest.fixture
def connect(server):
    """Opens connections, and closes them."""
    with contextlib.ExitStack() as stack:
        yield lambda: stack.enter_context(socket.create_connection(("127.0.0.1", server.port), timeout=10))


def is_open(connection: socket.socket) -> bool:
    connection.setblocking(False)
    try:
        return connection.recv(1) != b""
    except BlockingIOError:
        return True
    except ConnectionError:
        return False


# --- how many ---------------------------------------------------------------------------------------------


def test_idle_connections_make_way_for_requests(server, connect):
    idle = [connect() for _ in range(connections.MOST_OF_ONE_ADDRESS + 10)]
    for _ in range(3):
        assert ask(server, "/state")[0].status == 200
    made.until(lambda: sum(map(is_open, idle)) < connections.MOST_OF_ONE_ADDRESS, 10)
    assert not any(map(is_open, idle[:10]))  # the oldest
    assert all(map(is_open, idle[-10:]))


def test_connections_that_began_a_request_make_way(server, connect):
    for beginning in (GET, POST + b"Content-Length: 1000\r\n\r\n"):
        begun = [connect() for _ in range(connections.MOST_OF_ONE_ADDRESS)]
        for each in begun:
            each.sendall(beginning)
        assert ask(server, "/state")[0].status == 200
        made.until(lambda begun=begun: not all(map(is_open, begun)), 10)


def test_streams_leave_places_for_requests(server, connect):
    server.write(PICTURE)
    most = connections.MOST_STREAMS_OF_ONE_ADDRESS
    streams = [stream(server) for _ in range(most)]
    refused = stream(server)
    assert refused.status == 503 and refused.read() == b"Service Unavailable\n"
    idle = [connect() for _ in range(connections.MOST_OF_ONE_ADDRESS)]
    assert ask(server, "/state")[0].status == 200
    made.until(lambda: not is_open(idle[0]), 10)
    for watching in streams:  # which did not make way
        next_jpeg(watching)
        server.write(PICTURE)
        next_jpeg(watching)
    streams[0].close()

    def is_free_again() -> bool:
        server.write(PICTURE)  # by which the server notices that a client has gone
        return stream(server).status == 200

    made.until(is_free_again, 10)


@pytest.fixture
def pairs():
    """Makes connected sockets, and closes them: the server's and the client's."""
    with contextlib.ExitStack() as stack:
        yield lambda: [stack.enter_context(each) for each in socket.socketpair()]


def test_the_addresses_share_the_places(pairs):
    """Whoever has two addresses cannot keep a third one out, and every stream leaves others a place."""
    places, clients = Connections(), []
    for number in range(3 * connections.MOST_OF_ONE_ADDRESS):
        here, there = pairs()
        places.enter(here, f"10.0.0.{number % 2}")
        clients.append(there)
    assert len(places) == connections.MOST_CONNECTIONS
    open_now = [is_open(each) for each in clients]
    assert (
        open_now == sorted(open_now) and sum(open_now) == connections.MOST_CONNECTIONS
    )  # the oldest made way
    late, client = pairs()
    places.enter(late, "10.0.0.3")
    assert len(places) == connections.MOST_CONNECTIONS and is_open(client)
    assert places.stream(late)

    streaming = 0
    for number in range(connections.MOST_STREAMS):
        here, _ = pairs()
        places.enter(here, f"10.0.1.{number}")
        streaming += places.stream(here)
    assert streaming == connections.MOST_STREAMS - 1  # with the late one's
    places.leave(late)
    places.leave(late)  # once more does nothing
    assert len(places) == connections.MOST_CONNECTIONS - 1
    assert not places.stream(late)


def test_a_step_forward_keeps_a_place(pairs):
    places = Connections()
    (busy, client), (idle, other) = pairs(), pairs()
    places.enter(busy, "10.0.0.1")
    places.enter(idle, "10.0.0.1")
    places.step(busy)
    for _ in range(connections.MOST_OF_ONE_ADDRESS - 1):
        places.enter(pairs()[0], "10.0.0.1")
    assert is_open(client) and not is_open(other)


# --- how slow ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "beginning",
    [b"", b"GET", GET + b"X-Slow: ", POST + b"Content-Length: 1000\r\n\r\n", GET + b"\r\n"],
    ids=["nothing", "line", "headers", "content", "next request"],
)
def test_a_client_that_sends_a_byte_now_and_then_is_cut(server, connect, impatient, beginning):
    slow = connect()
    slow.sendall(beginning)
    slow.settimeout(impatient / 5)
    began = time.monotonic()
    answer = b""
    with contextlib.suppress(ConnectionError):
        while time.monotonic() - began < 20 * impatient:
            slow.sendall(b"a")
            with contextlib.suppress(TimeoutError):
                if not (part := slow.recv(65_536)):
                    break
                answer += part
    assert time.monotonic() - began < 20 * impatient  # each byte alone comes in time
    assert ask(server, "/state")[0].status == 200
    if b"Content-Length" in beginning:
        assert answer.startswith(b"HTTP/1.1 400 ")


def test_a_client_that_reads_nothing_is_cut_and_others_go_on(server, connect, impatient):
    sleeper = connect()
    sleeper.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    sleeper.sendall(b"GET /stream.mjpg HTTP/1.1\r\nHost: localhost\r\n\r\n")
    reader = stream(server)
    places = server._http.connections
    made.until(lambda: len(places) == 2, 10)
    deadline = time.monotonic() + 20
    while len(places) == 2:
        assert time.monotonic() < deadline, "the sleeping client keeps its place"
        server.write(LARGE)
        next_jpeg(reader)
    for level in (50, 200):
        server.write(np.full_like(LARGE, level))
        next_jpeg(reader)
    assert len(places) == 1


def test_a_client_that_stops_reading_slows_nobody(server, connect):
    sleeper = connect()
    sleeper.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    sleeper.sendall(b"GET /stream.mjpg HTTP/1.1\r\nHost: localhost\r\n\r\n")
    reader = stream(server)
    longest = 0.0
    for level in range(60):  # by far more than what fits between a server and a client that sleeps
        for picture in (np.full_like(LARGE, level), LARGE):
            began = time.perf_counter()
            server.write(picture)
            longest = max(longest, time.perf_counter() - began)
        next_jpeg(reader)
    assert longest < http_server.PATIENCE / 2  # whoever waited for the sleeper would wait until it is cut


def test_a_slow_client_gets_the_newest_picture(server, connect):
    """What was written while it did not read is left out, and not sent later."""
    slow, reader, count = connect(), stream(server), 40
    slow.sendall(b"GET /stream.mjpg HTTP/1.1\r\nHost: localhost\r\n\r\n")
    made.until(lambda: len(server._http.connections) == 2, 10)
    for number in range(1, count + 1):
        picture = made.noise(512, 1024, seed=number)
        picture[:64, :64] = 5 * number
        server.write(picture)
        while corner(next_jpeg(reader)) != number:
            pass
    answer = http.client.HTTPResponse(slow)
    answer.begin()
    numbers = [corner(next_jpeg(answer))]
    while numbers[-1] != count:
        numbers.append(corner(next_jpeg(answer)))
    assert numbers == sorted(numbers) and len(numbers) < count / 2


def corner(jpeg: bytes) -> int:
    """The number that a picture's first corner shows."""
    return round(decode(jpeg)[8:56, 8:56].mean() / 5)


def test_closing_ends_streams_and_idle_connections(server):
    idle, watching = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10), stream(server)
    idle.request("GET", "/state")
    assert idle.getresponse().read() and is_open(idle.sock)
    server.close()
    made.until(lambda: not is_open(idle.sock), 5)
    assert watching.read() == b"--face2face\r\n"
    idle.close()
