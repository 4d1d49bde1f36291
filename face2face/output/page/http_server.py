"""HTTP for a WSGI application: Werkzeug's server, with limits on each client's time, size and connections.

Werkzeug parses requests, routes them and builds answers. The rest is ours, because its development server
- limits neither the number of connections nor the time that a client takes;
- reads a Content-Length that is not a number as 0, so that the content is taken for the next request;
- closes each connection after one answer, so that a browser's camera opens a new one for each picture;
- reads up to 10 GB of what a refused client goes on sending.
"""

import contextlib
import http.client
import io
import re
import socket
import sys
import time
from collections.abc import Callable, Iterable
from http import HTTPStatus

from werkzeug.serving import ThreadedWSGIServer, WSGIRequestHandler
from werkzeug.wsgi import LimitedStream

from face2face import metadata
from face2face.output.page import answers
from face2face.output.page.connections import Connections

LARGEST_CONTENT = 4_000_000
"""Bytes of a request's content; the largest is a picture from a browser's camera."""

LARGEST_HEAD = 65_536
"""Bytes of a request's line and headers together."""

PATIENCE = 10.0
"""Seconds for a request's head to arrive as a whole, for its content, and for each write to a client.

It is also how long a connection is kept for the next request.
"""

_LINGER_SECONDS = 1.0  # in which a refused client can stop sending and read the reason
_STREAM_BUFFER = 1 << 17  # bytes; with more, a slow client would see older pictures
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_ONCE = ("Host", "Content-Length", "Transfer-Encoding", "Origin", "Authorization")


class HttpServer(ThreadedWSGIServer):
    """A thread for each connection, up to the limit of `Connections`."""

    daemon_threads = True

    def __init__(self, host: str, port: int, app: Callable) -> None:
        """Listen at a port, 0 for any free one.

        Raises:
            OSError: If the port cannot be had.
        """
        self.connections = Connections()
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        # If Werkzeug cannot bind the port by itself, it prints a message and ends the process.
        with socket.create_server(
            (host, port),
            family=family,
            backlog=self.request_queue_size,
            dualstack_ipv6=family == socket.AF_INET6 and socket.has_dualstack_ipv6(),
        ) as listening:
            super().__init__(host, port, app, _Handler, fd=listening.fileno())

    def process_request(self, request: socket.socket, client_address: tuple) -> None:
        """Count a new connection, and start its thread."""
        self.connections.enter(request, client_address[0])
        super().process_request(request, client_address)

    def shutdown_request(self, request: socket.socket) -> None:
        """Close a connection, which no longer counts."""
        self.connections.leave(request)
        super().shutdown_request(request)

    def server_close(self) -> None:
        """Stop listening, and wait for no further request."""
        super().server_close()
        self.connections.end_reading()

    def handle_error(self, request: socket.socket, client_address: tuple) -> None:
        """Print the traceback of an error, unless the client went away or was too slow."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)


class _BoundedInput(io.RawIOBase):
    """The bytes from a client, with a limit on the total time and size of each part (head, content)."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self.allow(PATIENCE, LARGEST_HEAD)

    def allow(self, seconds: float, size: int) -> None:
        """Begin a part, which has to arrive within so many seconds and bytes."""
        self._deadline, self._left = time.monotonic() + seconds, size

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:
        """Receive into a buffer, and return the number of bytes.

        Raises:
            TimeoutError: If the part takes too long.
            http.client.LineTooLong: If it is too large.
        """
        seconds = self._deadline - time.monotonic()
        if seconds <= 0:
            raise TimeoutError
        if self._left <= 0:
            raise http.client.LineTooLong("request")
        self._connection.settimeout(seconds)
        size = self._connection.recv_into(buffer)
        self._left -= size
        return size


class _Content(LimitedStream):
    """A request's content. A client that waits for 100 Continue gets it when the application reads."""

    def __init__(self, handler: "_Handler", size: int) -> None:
        super().__init__(handler.rfile, size)
        self._handler = handler
        self._is_asked_for = size == 0

    def readinto(self, buffer: memoryview) -> int | None:
        if not self._is_asked_for:
            self._is_asked_for = True
            if self._handler.headers.get("Expect", "").lower() == "100-continue":
                self._handler.send_response_only(HTTPStatus.CONTINUE)
                self._handler.end_headers()
        return super().readinto(buffer)


class _Handler(WSGIRequestHandler):
    """One connection: its requests, one after the other."""

    protocol_version = "HTTP/1.1"
    default_request_version = "HTTP/1.0"  # so a request line without a version gets a status line, too
    # Headers and content are two writes; Nagle's algorithm would delay the second.
    disable_nagle_algorithm = True
    server: HttpServer

    def setup(self) -> None:
        super().setup()
        self._input = _BoundedInput(self.connection)
        self.rfile = io.BufferedReader(self._input)
        self._content = _Content(self, 0)
        self._has_more = False  # whether the client may still be sending after the last answer

    def handle(self) -> None:
        with contextlib.suppress(OSError):  # the client went away
            super().handle()
            if self._has_more:
                self._linger()

    def _linger(self) -> None:
        """Read on for a moment: closing with unread content would reset the connection, losing the answer."""
        self.connection.shutdown(socket.SHUT_WR)
        self._input.allow(_LINGER_SECONDS, LARGEST_CONTENT)
        with contextlib.suppress(http.client.LineTooLong):
            while self.rfile.read1(LARGEST_HEAD):
                pass

    def handle_one_request(self) -> None:
        self._input.allow(PATIENCE, LARGEST_HEAD)
        try:
            super().handle_one_request()
        except http.client.LineTooLong:
            self.command, self.requestline, self.request_version = "", "", self.default_request_version
            self.send_error(HTTPStatus.REQUEST_URI_TOO_LONG)

    def handle_expect_100(self) -> bool:
        """Return true, to go on: `_Content` sends 100 Continue once the request is admitted."""
        return True

    def run_wsgi(self) -> None:
        self.server.connections.step(self.connection)
        code, length = self._check()
        if code is not None:
            self.send_error(code)
            return
        try:
            environ = self.make_environ()
        except ValueError:  # an address that Werkzeug cannot split
            self.send_error(HTTPStatus.BAD_REQUEST)
            return
        self._input.allow(PATIENCE, length)
        self._content = environ["wsgi.input"] = _Content(self, length)
        self._answer(self.server.app, environ)

    def _check(self) -> tuple[HTTPStatus | None, int]:
        """What is wrong with a request's head, None if nothing; and the size of its content in bytes."""
        headers = self.headers
        # The parser keeps what follows a line that is not a header as the payload.
        is_sound = not headers.get_payload()
        is_sound &= all(_HEADER_NAME.fullmatch(name) for name in headers)
        is_sound &= not any(set(value) & set("\r\n\0") for value in headers.values())
        is_sound &= all(len(headers.get_all(name, [])) <= 1 for name in _ONCE)
        length = headers.get("Content-Length", "0")
        if not is_sound or not (length.isascii() and length.isdigit()):
            return HTTPStatus.BAD_REQUEST, 0
        if "Transfer-Encoding" in headers:  # with a length, too, two servers could read it differently
            return HTTPStatus.BAD_REQUEST if "Content-Length" in headers else HTTPStatus.LENGTH_REQUIRED, 0
        if len(length) > len(str(LARGEST_CONTENT)) or int(length) > LARGEST_CONTENT:
            return HTTPStatus.REQUEST_ENTITY_TOO_LARGE, 0
        return None, int(length)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Refuse a request before the application sees it, and close: the next one's start is unknown."""
        self._has_more = self.close_connection = True
        environ = {"REQUEST_METHOD": self.command or "GET"}
        self._answer(answers.plain(code), environ)

    def _answer(self, app: Callable, environ: dict) -> None:
        started: list[tuple[str, list[tuple[str, str]]]] = []
        content = app(environ, lambda status, headers, exc_info=None: started.append((status, headers)))
        try:
            status, headers = started[0]
            is_stream = not any(name.lower() == "content-length" for name, _ in headers)
            if is_stream and not self.server.connections.stream(self.connection):
                self.send_error(HTTPStatus.SERVICE_UNAVAILABLE)
                return
            self._write(status, headers, content, is_stream)
        finally:
            if hasattr(content, "close"):
                content.close()

    def _write(self, status: str, headers: list, content: Iterable[bytes], is_stream: bool) -> None:
        if not self._content.is_exhausted:
            self._has_more = self.close_connection = True
        self.close_connection |= is_stream  # the end of a stream is the end of the connection
        if not is_stream:
            self.server.connections.step(self.connection)
        else:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _STREAM_BUFFER)
        # The timeout of each whole write. The deadline for reading the request may have left a shorter one.
        self.connection.settimeout(PATIENCE)
        code, _, phrase = status.partition(" ")
        self.send_response(int(code), phrase)
        for name, value in headers:
            self.send_header(name, value)
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        for part in content:
            self.wfile.write(part)

    def version_string(self) -> str:
        return metadata.TOOL

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Log no request."""

    def log(self, type: str, message: str, *args: object) -> None:
        """Log no refusal: the client is told the reason."""
