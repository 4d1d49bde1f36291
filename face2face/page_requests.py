"""Requests to the page: who may ask, and what is answered."""

import contextlib
import hmac
import http.server
import ipaddress
import json
import secrets
import socket
import sys
import threading
import urllib.parse
from http import HTTPStatus
from importlib import resources
from typing import TYPE_CHECKING

from face2face import marks

if TYPE_CHECKING:
    from face2face.server import Server

_BOUNDARY = "face2face"
_LARGEST_UPLOAD = 4_000_000  # bytes of a picture from a browser's camera
_MOST_CONNECTIONS = 32
_PATIENCE = 10.0  # seconds that a client may take to send a request, or to read a picture
_COOKIE = "face2face"


def is_loopback(host: str) -> bool:
    """Whether an address is one that only this machine reaches."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class HttpServer(http.server.ThreadingHTTPServer):
    """A thread for each connection, up to a number of them."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], page: "Server"):
        self.page = page
        self.address_family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        self._free = threading.Semaphore(_MOST_CONNECTIONS)
        super().__init__(address, _Handler)

    def process_request(self, request, client_address) -> None:
        if not self._free.acquire(blocking=False):
            self.shutdown_request(request)
            return
        super().process_request(request, client_address)

    def process_request_thread(self, request, client_address) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._free.release()

    def handle_error(self, request, client_address) -> None:
        """A client that goes away, or is too slow, is no error of ours; anything else is shown."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = marks.TOOL
    sys_version = ""
    timeout = _PATIENCE
    server: HttpServer

    def do_GET(self) -> None:
        path = self._admit()
        if path == "/":
            self._page()
        elif path == "/stream.mjpg":
            self._stream()
        elif path == "/state":
            self._answer_state()
        elif path is not None:
            self._answer(HTTPStatus.NOT_FOUND, "text/plain", b"there is nothing here\n")

    def do_POST(self) -> None:
        path, page = self._admit(), self.server.page
        if path is None:
            return
        length = self.headers.get("Content-Length", "")
        if not length.isdigit() or int(length) > _LARGEST_UPLOAD:
            self.close_connection = True
            self._answer(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "text/plain", b"too large\n")
            return
        body = self.rfile.read(int(length))
        if path.startswith("/command/") and page.controls.press(path.removeprefix("/command/")):
            self._answer_state()
        elif path == "/camera" and page.browser is not None:
            refused = page.browser.put(body, self._query().get("page", [""])[0])
            code = HTTPStatus.CONFLICT if refused else HTTPStatus.OK
            self._answer(code, "text/plain", refused.encode())
        else:
            self._answer(HTTPStatus.NOT_FOUND, "text/plain", b"there is nothing here\n")

    # --- who may ------------------------------------------------------------------------------------------

    def _admit(self) -> str | None:
        """The path that is asked for; None if the request was refused."""
        page = self.server.page
        reason = ""
        name = urllib.parse.urlsplit(f"//{self.headers.get('Host', '')}").hostname or ""
        # Whoever reaches the loopback by another name came by a page that lied about its own (DNS rebinding).
        if page.is_alone and not is_loopback(name):
            reason = "another host's name"
        elif page.token and not self._carries(page.token):
            reason = "no token, or a wrong one"
        elif self._is_from_another_site():
            reason = "another site"
        if not reason:
            return urllib.parse.urlsplit(self.path).path
        self.close_connection = True
        self._answer(HTTPStatus.FORBIDDEN, "text/plain", f"refused: {reason}\n".encode())
        return None

    def _carries(self, token: str) -> bool:
        cookies = self.headers.get("Cookie", "").split(";")
        carried = [each.strip().removeprefix(f"{_COOKIE}=") for each in cookies]
        carried += self._query().get("token", [])
        carried.append(self.headers.get("Authorization", "").removeprefix("Bearer "))
        return any(
            hmac.compare_digest(urllib.parse.unquote(each).encode(), token.encode()) for each in carried
        )

    def _is_from_another_site(self) -> bool:
        """A page of another site may make its visitor's browser ask; the browser tells so."""
        if self.headers.get("Sec-Fetch-Site", "none") in ("cross-site", "same-site"):
            return True
        origin = self.headers.get("Origin")
        return origin is not None and urllib.parse.urlsplit(origin).netloc != self.headers.get("Host")

    def _query(self) -> dict[str, list[str]]:
        return urllib.parse.parse_qs(urllib.parse.urlsplit(self.path).query)

    # --- what is answered ---------------------------------------------------------------------------------

    def _page(self) -> None:
        page = self.server.page
        if page.token and "token" in self._query():  # from here on a cookie carries it, not the address
            self.send_response(HTTPStatus.SEE_OTHER)
            cookie = f"{_COOKIE}={urllib.parse.quote(page.token)}; HttpOnly; SameSite=Strict; Path=/"
            self.send_header("Set-Cookie", cookie)
            self.send_header("Location", "/")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        nonce = secrets.token_urlsafe(16)
        text = resources.files("face2face").joinpath("page.html").read_text(encoding="utf-8")
        for name, value in (
            ("nonce", nonce),
            ("source-type", marks.SOURCE_TYPE),
            ("mark", marks.comment(marks.now())),
            ("has-camera", "true" if page.browser is not None else "false"),
        ):
            text = text.replace("{{" + name + "}}", value)
        policy = (
            f"default-src 'none'; script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'; "
            "img-src 'self' data:; connect-src 'self'; media-src 'self' blob:; "
            "frame-ancestors 'none'; base-uri 'none'"
        )
        headers = {"Content-Security-Policy": policy, "Permissions-Policy": "camera=(self)"}
        self._answer(HTTPStatus.OK, "text/html; charset=utf-8", text.encode(), headers)

    def _answer_state(self) -> None:
        content = json.dumps(self.server.page.state.as_json()).encode()
        self._answer(HTTPStatus.OK, "application/json", content)

    def _stream(self) -> None:
        """One JPEG after the other, the newest each time, as fast as this client reads."""
        page = self.server.page
        self.close_connection = True
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", f"multipart/x-mixed-replace; boundary={_BOUNDARY}")
        self._common_headers()
        self.end_headers()
        # Little is kept on the way to a slow client: it gets the newest, late, rather than all, later.
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 17)
        self.wfile.write(f"--{_BOUNDARY}\r\n".encode())
        number = 0
        with contextlib.suppress(OSError):  # it went away, or reads nothing any more
            while not page.is_closed:
                number, jpeg = page.next_picture(number)
                if jpeg:
                    head = f"Content-Type: image/jpeg\r\nContent-Length: {len(jpeg)}\r\n\r\n"
                    self.wfile.write(head.encode() + jpeg + f"\r\n--{_BOUNDARY}\r\n".encode())

    def _answer(self, code: HTTPStatus, kind: str, content: bytes, headers: dict | None = None) -> None:
        self.send_response(code)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self._common_headers()
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def _common_headers(self) -> None:
        for name, value in (
            ("Cache-Control", "no-store"),
            ("X-Content-Type-Options", "nosniff"),
            ("Referrer-Policy", "no-referrer"),
            ("Cross-Origin-Resource-Policy", "same-origin"),
            ("X-AI-Generated", marks.comment(marks.now())),
        ):
            self.send_header(name, value)

    def log_message(self, *_) -> None:
        """Requests are nobody's news."""
