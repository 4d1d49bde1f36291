"""Who may see the page, and what it gives."""

import http.client
import json
import re

import cv2
import numpy as np
import pytest

from face2face.cli import UserError
from face2face.output.controls import COMMANDS, GAINS, Controls, State
from face2face.output.page.access import LONGEST_TOKEN
from face2face.output.page.server import Server
from face2face.sources.browser import BrowserSource
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


def test_the_page_has_a_button_and_key_for_each_command_but_the_windows_help(serve):
    server = serve()
    _, content = ask(server)
    page = content.decode()
    names = re.findall(r'<button data-command="(\w+)"', page)
    keys = re.findall(r'data-key="(.)"', page)
    sliders = re.findall(r'data-gain="(\w+)" data-less="(.)" data-more="(.)"', page)
    assert sliders == [(gain.name, gain.less, gain.more) for gain in GAINS]
    for gain in GAINS:
        assert ask(server, f"/command/{gain.name}-0.5", "POST")[0].status == 200
        assert server.controls.take() == [f"{gain.name}-0.5"]
    assert names == [command.name for command in COMMANDS if command.name != "help"]
    assert server.controls.take() == []
    for name, key in zip(names, keys, strict=True):
        assert ask(server, f"/command/{name}", "POST")[0].status == 200
        assert server.controls.press_key(key)
        assert server.controls.take() == [name, name]
    shown = json.loads(ask(server, "/state")[1])
    assert (
        set(re.findall(r'data-pressed="(\w+)"', page))
        == {"is_mirrored", "is_frozen", "recording"}
        <= set(shown)
    )


@pytest.mark.parametrize(
    "path, method, status",
    [
        ("/nothing", "GET", 404),
        ("/../../etc/passwd", "GET", 404),
        ("/state/", "GET", 404),
        ("//state", "POST", 405),
        ("/command/format", "POST", 404),
        ("/command/", "POST", 404),
        ("/command//view", "POST", 404),
        ("/command/model-0", "POST", 404),
        ("/command/head-2.1", "POST", 404),
        ("/command/calibrate", "GET", 405),
        ("/camera", "POST", 404),  # another source than a browser
        ("/", "DELETE", 405),
    ],
)
def test_what_it_does_not_give(serve, path, method, status):
    server = serve()
    answer, _ = ask(server, path, method)
    assert answer.status == status and server.controls.take() == []


def test_a_head_without_content(serve):
    server = serve()
    server.write(PICTURE)
    for path in ("/", "/state", "/stream.mjpg"):
        answer, content = ask(server, path, "HEAD")
        assert (answer.status, content) == (200, b"")


HARDENING = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Server": "face2face",
}


@pytest.mark.parametrize(
    "path, headers, status",
    [
        ("/", {}, 200),
        ("/state", {}, 200),
        ("/stream.mjpg", {}, 200),
        ("/?token=secret", {}, 303),
        ("/", {"Content_Length": "x"}, 400),
        ("/", {"Host": "["}, 400),
        ("/", {"Authorization": "Bearer wrong"}, 403),
        ("/nothing", {}, 404),
        ("/camera", {}, 405),
    ],
)
def test_every_answer_is_hardened(serve, path, headers, status):
    server = serve(token="secret", browser=BrowserSource())
    answer, _ = ask(server, path, "HEAD", **{"Authorization": "Bearer secret"} | headers)
    assert answer.status == status
    assert {name: answer.headers[name] for name in HARDENING} == HARDENING
    assert answer.headers["X-AI-Generated"].startswith("AI-generated: ")


def test_the_page_runs_its_own_script_only(serve):
    answer, content = ask(serve())
    policy = answer.headers["Content-Security-Policy"]
    nonce = re.search(r"'nonce-([\w-]{20,})'", policy)[1]
    assert policy == (
        f"default-src 'none'; script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'; "
        "img-src 'self' data:; connect-src 'self'; media-src 'self' blob:; "
        "frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
    )
    assert answer.headers["Permissions-Policy"] == "camera=(self)"
    assert content.decode().count(f'nonce="{nonce}"') == 3
    assert nonce not in ask(serve())[0].headers["Content-Security-Policy"]  # another each time


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


TOKENS = ["a token&ä", "a=b", "a%20b", 'a"b\\c;d', "x" * LONGEST_TOKEN]


@pytest.mark.parametrize("token", TOKENS)
def test_the_token_is_carried_by_the_address_and_then_by_a_cookie(serve, token):
    server = serve(token=token)
    answer, _ = ask(server, server.address.partition(str(server.port))[2])
    assert (answer.status, answer.headers["Location"]) == (303, "/")  # out of the address, and of its history
    cookie, *attributes = answer.headers["Set-Cookie"].split("; ")
    assert attributes == ["HttpOnly", "Path=/", "SameSite=Strict"]
    assert ask(server, Cookie=f"a=b; {cookie}; c=d")[0].status == 200
    for wrong in ("face2face=wrong", "face2face=", cookie[:-2], f"x{cookie}"):
        assert ask(server, Cookie=wrong)[0].status == 403


def test_the_address_carries_any_token_quoted(serve):
    server = serve(token="a token&ä")
    assert server.address == f"http://127.0.0.1:{server.port}/?token=a%20token%26%C3%A4"


@pytest.mark.parametrize("token", TOKENS)
def test_the_token_may_stand_in_a_header(serve, token):
    server, token = serve(token=token), token.encode().decode("latin-1")
    assert ask(server, "/command/view", "POST", Authorization=f"Bearer {token}")[0].status == 200
    for wrong in (f"Bearer {token}s", "Bearer ", "Bearer", "Basic Og==", "", "Bearer \xff\xfe"):
        assert ask(server, "/command/view", "POST", Authorization=wrong)[0].status == 403


@pytest.mark.parametrize(
    "query", ["token=%FF%FE", "token=\xff", "token=%", "token", "token=%00", "token=%F0%9F"]
)
def test_what_is_no_token_is_refused(serve, query, capsys):
    server = serve(token="secret")
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    connection._encode_request = lambda request: request.encode("latin-1")  # its own takes ASCII only
    connection.putrequest("GET", f"/?{query}")
    connection.putheader("Cookie", b'face2face=\xff\xfe; face2face="\\377"')
    connection.endheaders()
    assert connection.getresponse().status == 403
    connection.close()
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    "token, message",
    [
        ("", "expected a --serve-token of 1 to 1000 bytes, got 0"),
        ("ä" * 501, "expected a --serve-token of 1 to 1000 bytes, got 1002"),
        ("\udcff", "expected a --serve-token of UTF-8 characters, got other bytes"),
    ],
)
def test_tokens_that_cannot_be_carried(token, message):
    with pytest.raises(UserError, match=message):
        Server(Controls(), State(), port=0, token=token)


@pytest.mark.parametrize(
    "host",
    ["evil.example", "evil.example:80", "", "127.0.0.1.evil.example", "localhost.", "192.168.1.5", "[::2]"],
)
def test_the_loopback_by_another_name_is_refused(serve, host):
    """A page that lets its own name lead to this machine (DNS rebinding)."""
    assert ask(serve(), "/state", Host=host)[0].status == 403


@pytest.mark.parametrize(
    "host", ["[", "[::1", "]", "a b", "x@localhost", "localhost,localhost", "localhost:x", "ä"]
)
def test_what_is_no_host_is_refused(serve, host, capsys):
    for server in (serve(), serve(host="0.0.0.0", token="secret")):
        assert ask(server, "/state?token=secret", Host=host)[0].status == 400
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("host", ["localhost:9000", "LOCALHOST", "127.0.0.1", "127.0.0.2", "[::1]:80"])
def test_the_loopback_through_a_tunnel(serve, host):
    assert ask(serve(), "/state", Host=host)[0].status == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": ""},
        {"Origin": "http://["},
        {"Origin": "http://localhost"},  # another port's
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


@pytest.mark.parametrize("host", ["nowhere.invalid", "..", "unix:///tmp/page", "ä" * 70])
def test_a_host_that_is_not_ours(host, capsys):
    with pytest.raises(UserError, match=f"port 0 of {host} cannot be served: "):
        Server(Controls(), State(), port=0, host=host, token="secret")
    assert capsys.readouterr() == ("", "")
