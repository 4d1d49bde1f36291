"""What the page gives."""

import http.client
import json
import re

import cv2
import numpy as np
import pytest

from face2face.cli import UserError
from face2face.output.controls import COMMANDS, GAINS, Controls, State
from face2face.output.page.server import Server
from face2face.sources.browser import BrowserSource
from tests import made

PICTURE = made.noise(64, 128)


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


def test_a_port_that_is_taken(serve):
    taken = serve().port
    with pytest.raises(UserError, match=f"port {taken} of 127.0.0.1 cannot be served: "):
        Server(Controls(), State(), port=taken)


@pytest.mark.parametrize("host", ["nowhere.invalid", "..", "unix:///tmp/page", "ä" * 70])
def test_a_host_that_is_not_ours(host, capsys):
    with pytest.raises(UserError, match=f"port 0 of {host} cannot be served: "):
        Server(Controls(), State(), port=0, host=host, token="secret")
    assert capsys.readouterr() == ("", "")
