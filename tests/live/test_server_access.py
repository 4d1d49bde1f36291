"""Who may see the page."""

import http.client

import pytest

from face2face.cli import UserError
from face2face.output.controls import Controls, State
from face2face.output.page.access import LONGEST_TOKEN
from face2face.output.page.server import Server
from face2face.sources.browser import BrowserSource
from tests.live.test_server import PICTURE, ask

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
