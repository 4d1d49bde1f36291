"""Who may see the page, what it gives, and that nobody who watches slows the program."""

import http.client
import json
import socket
import threading
import time

import cv2
import numpy as np
import pytest

from face2face.browser import LARGEST, BrowserSource, jpeg_size
from face2face.cli import UserError
from face2face.controls import Controls, State
from face2face.server import Server
from tests import made

PICTURE = made.noise(64, 128)


@pytest.fixture
def serve():
    """Makes servers of any free port, and closes them."""
    servers = []

    def make(**options) -> Server:
        servers.append(Server(Controls(), State(), port=0, **options))
        return servers[-1]

    yield make
    for server in servers:
        server.close()


def ask(server: Server, path: str = "/", method: str = "GET", body: bytes | None = None, **headers):
    """The answer and its content."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
    answer = connection.getresponse()
    content = answer.read()
    connection.close()
    return answer, content


def stream(server: Server) -> http.client.HTTPResponse:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    connection.request("GET", "/stream.mjpg")
    return connection.getresponse()


def next_jpeg(answer: http.client.HTTPResponse) -> bytes:
    while not (line := answer.readline()).lower().startswith(b"content-length:"):
        assert line
    answer.readline()
    return answer.read(int(line.split(b":")[1]))


# --- what it gives ----------------------------------------------------------------------------------------


def test_the_page_says_what_its_picture_is(serve):
    answer, content = ask(serve())
    page = content.decode()
    assert answer.status == 200 and "{{" not in page
    source_type = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
    assert f'<meta name="digital-source-type" content="{source_type}">' in page
    assert answer.headers["X-AI-Generated"].startswith("AI-generated: ")
    assert ">AI-generated</span>" in page  # for people


def test_the_stream_gives_the_newest_picture(serve):
    server = serve()
    watching = stream(server)
    for level in (50, 200):
        server.write(np.full((64, 64, 3), (level, 0, 0), np.uint8))
        jpeg = next_jpeg(watching)
        assert b"trainedAlgorithmicMedia" in jpeg
        picture = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
        assert np.abs(picture[0, 0].astype(int) - (0, 0, level)).max() < 6  # BGR


def test_commands_and_state(serve):
    server = serve()
    server.state.view, server.state.fps = "overlay", 27.5
    answer, content = ask(server, "/command/calibrate", "POST")
    assert answer.status == 200
    assert (json.loads(content)["view"], json.loads(content)["fps"]) == ("overlay", 27.5)
    ask(server, "/command/model-2", "POST")
    assert server.controls.take() == ["calibrate", "model-2"]


@pytest.mark.parametrize(
    "path, method, status",
    [
        ("/nothing", "GET", 404),
        ("/../../etc/passwd", "GET", 404),
        ("/command/format", "POST", 404),
        ("/command/model-0", "POST", 404),
        ("/command/calibrate", "GET", 404),
        ("/camera", "POST", 404),  # another source than a browser
        ("/", "DELETE", 501),
    ],
)
def test_what_it_does_not_give(serve, path, method, status):
    server = serve()
    answer, _ = ask(server, path, method)
    assert answer.status == status and server.controls.take() == []


def test_an_upload_that_is_too_large(serve):
    server = serve(browser=BrowserSource())
    answer, _ = ask(server, "/camera", "POST", Content_Length="5000000000")
    assert answer.status == 413


# --- who may ----------------------------------------------------------------------------------------------

PATHS = [
    ("/", "GET"),
    ("/state", "GET"),
    ("/stream.mjpg", "GET"),
    ("/command/end", "POST"),
    ("/camera", "POST"),
]


@pytest.mark.parametrize("path, method", PATHS)
@pytest.mark.parametrize("token", ["", "?token=", "?token=wrong", "?token=secre", "?token=secret2"])
def test_without_the_token_everything_is_refused(serve, path, method, token):
    server = serve(token="secret", browser=BrowserSource())
    server.write(PICTURE)
    answer, content = ask(server, path + token, method)
    assert (answer.status, content) == (403, b"refused: no token, or a wrong one\n")
    assert server.controls.take() == []


def test_the_token_is_carried_by_the_address_and_then_by_a_cookie(serve):
    server = serve(token="a token&ä")
    assert server.address == f"http://127.0.0.1:{server.port}/?token=a%20token%26%C3%A4"
    answer, _ = ask(server, server.address.partition(str(server.port))[2])
    assert (answer.status, answer.headers["Location"]) == (303, "/")  # out of the address, and of its history
    cookie = answer.headers["Set-Cookie"]
    assert "HttpOnly" in cookie and "SameSite=Strict" in cookie
    assert ask(server, Cookie=cookie.split(";")[0])[0].status == 200
    assert ask(server, Cookie="face2face=wrong")[0].status == 403


def test_the_token_may_stand_in_a_header(serve):
    server = serve(token="secret")
    assert ask(server, "/command/view", "POST", Authorization="Bearer secret")[0].status == 200
    assert ask(server, "/command/view", "POST", Authorization="Bearer secrets")[0].status == 403


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "", "127.0.0.1.evil.example"])
def test_the_loopback_by_another_name_is_refused(serve, host):
    """A page that lets its own name lead to this machine (DNS rebinding)."""
    assert ask(serve(), "/state", Host=host)[0].status == 403


@pytest.mark.parametrize("host", ["localhost:9000", "127.0.0.1", "[::1]:80"])
def test_the_loopback_through_a_tunnel(serve, host):
    assert ask(serve(), "/state", Host=host)[0].status == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "same-site", "Origin": "http://localhost:1"},
    ],
)
def test_pages_of_other_sites_are_refused(serve, headers):
    server = serve()
    assert ask(server, "/command/record", "POST", **headers)[0].status == 403
    assert server.controls.take() == []


def test_its_own_page_may(serve):
    server = serve()
    own = {"Origin": f"http://127.0.0.1:{server.port}", "Sec_Fetch_Site": "same-origin"}
    assert ask(server, "/command/record", "POST", **own)[0].status == 200


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "myhost"])
def test_others_are_let_in_with_a_token_only(host):
    with pytest.raises(UserError, match=f"--serve-host {host} lets others in: expected a --serve-token, too"):
        Server(Controls(), State(), host=host)


def test_with_a_token_it_may_be_reached_by_any_name(serve):
    server = serve(host="0.0.0.0", token="secret")
    assert server.address.startswith("http://localhost:")
    assert ask(server, "/state?token=secret", Host="my-machine.lan")[0].status == 200
    assert ask(server, "/state", Host="my-machine.lan")[0].status == 403


def test_a_port_that_is_taken(serve):
    taken = serve().port
    with pytest.raises(UserError, match=f"port {taken} of 127.0.0.1 cannot be served: "):
        Server(Controls(), State(), port=taken)


# --- who is slow ------------------------------------------------------------------------------------------


def test_a_client_that_stops_reading_slows_nobody(serve):
    server = serve()
    large = made.noise(512, 1024)
    with socket.create_connection(("127.0.0.1", server.port)) as sleeper:
        sleeper.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        sleeper.sendall(b"GET /stream.mjpg HTTP/1.1\r\nHost: localhost\r\n\r\n")
        reader = stream(server)
        longest = 0.0
        for level in range(60):  # by far more than what fits between a server and a client that sleeps
            began = time.perf_counter()
            server.write(np.full_like(large, level))
            longest = max(longest, time.perf_counter() - began)
            server.write(large)
            longest = max(longest, time.perf_counter() - began)
            next_jpeg(reader)
        assert longest < 1  # a client that were waited for would take seconds


def test_too_many_connections_are_turned_away_and_the_rest_served(serve):
    server = serve()
    waiting = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(40)]
    threads = sum(1 for thread in threading.enumerate() if "process_request" in thread.name)
    assert threads <= 32
    for connection in waiting:
        connection.close()
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            assert ask(server, "/state")[0].status == 200
            return
        except (ConnectionError, http.client.HTTPException):  # the closed ones are not all noticed yet
            time.sleep(0.05)
    raise AssertionError("no answer any more")


# --- a browser's camera -----------------------------------------------------------------------------------


def jpeg(picture: np.ndarray) -> bytes:
    return cv2.imencode(".jpg", picture)[1].tobytes()


def test_a_browsers_pictures_are_the_source(serve):
    source = BrowserSource()
    server = serve(browser=source)
    frames = source.frames()
    assert source.state.startswith("waiting for a browser's camera")
    for level in (40, 220):
        answer, _ = ask(server, "/camera?page=1", "POST", jpeg(np.full((48, 64, 3), level, np.uint8)))
        assert answer.status == 200
        frame = next(frames)
        assert frame.picture.shape == (48, 64, 3) and abs(int(frame.picture[0, 0, 0]) - level) < 4
    assert source.state == "" and frame.number == 1
    source.stop()
    assert next(frames, None) is None


def test_one_page_at_a_time_is_the_camera(serve):
    server = serve(browser=BrowserSource())
    picture = jpeg(PICTURE)
    assert ask(server, "/camera?page=1", "POST", picture)[0].status == 200
    answer, content = ask(server, "/camera?page=2", "POST", picture)
    assert (answer.status, content) == (409, b"another page is the camera")


@pytest.mark.parametrize(
    "data",
    [b"", b"no picture", b"\xff\xd8\xff\xe0", jpeg(PICTURE)[:200], jpeg(np.zeros((1, 60_000, 3), np.uint8))],
)
def test_what_is_no_picture_is_refused(serve, data):
    source = BrowserSource()
    server = serve(browser=source)
    if jpeg_size(data) == (60_000, 1):
        data = data.replace(b"\x00\x01\xea\x60", b"\xff\xff\xea\x60", 1)  # claims to be 4 gigapixels
        assert np.prod(jpeg_size(data)) > LARGEST
    answer, content = ask(server, "/camera", "POST", data)
    assert answer.status == 409 and content.startswith(b"expected a JPEG")


def test_the_size_of_a_jpeg_is_in_its_header():
    assert jpeg_size(jpeg(PICTURE)) == (128, 64)
    assert jpeg_size(b"GIF89a") is None
