"""A page on this machine: the live picture, what is known of it, and buttons for the commands."""

import threading
import urllib.parse

import numpy as np

from face2face import marks
from face2face.browser import BrowserSource
from face2face.cli import UserError
from face2face.controls import Controls, State
from face2face.page_requests import HttpServer, is_loopback

DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 8765

JPEG_QUALITY = 85

_KEEP_ALIVE = 2.0  # seconds after which a picture that stands still is sent again: is anybody there?


def check(host: str, token: str | None) -> None:
    """Raises: UserError if others would be let in without a token."""
    if not is_loopback(host) and not token:
        raise UserError(f"--serve-host {host} lets others in: expected a --serve-token, too")


class Server:
    """Serves the page until it is closed. What is written is kept as the newest picture, and nobody waits.

    address: of the page, for a browser on this machine; with the token, if there is one.
    """

    def __init__(
        self,
        controls: Controls,
        state: State,
        port: int = DEFAULT_PORT,
        host: str = DEFAULT_HOST,
        token: str | None = None,
        browser: BrowserSource | None = None,
    ):
        """port: 0 for any that is free. token: what every request has to carry. browser: takes its pictures.

        Raises: UserError if it would serve others without a token, or the port cannot be had.
        """
        check(host, token)
        self.controls, self.state, self.token, self.browser = controls, state, token, browser
        self._changed = threading.Condition()
        self._picture: np.ndarray | None = None
        self._number = 0
        self._encoded: tuple[int, bytes] = (0, b"")
        self._encoding = threading.Lock()
        self.is_closed = False
        self._date = marks.now()
        try:
            self._http = HttpServer((host, port), self)
        except OSError as error:
            raise UserError(f"port {port} of {host} cannot be served: {error.strerror or error}") from None
        self.port = self._http.server_port
        shown = "localhost" if _is_any(host) else host
        shown = f"[{shown}]" if ":" in shown else shown
        self.is_alone = is_loopback(host)
        query = f"?token={urllib.parse.quote(token)}" if token else ""
        self.address = f"http://{shown}:{self.port}/{query}"
        self._thread = threading.Thread(
            target=self._http.serve_forever, kwargs={"poll_interval": 0.05}, name="server", daemon=True
        )
        self._thread.start()

    def write(self, picture: np.ndarray | None) -> None:
        """Make uint8 (H, W, 3), RGB, the newest picture; it must not be changed any more."""
        if picture is None:
            return
        with self._changed:
            self._picture = picture
            self._number += 1
            self._changed.notify_all()

    def next_picture(self, after: int) -> tuple[int, bytes]:
        """Wait for a picture after that number, and return its number and JPEG file; the last if none comes.

        The number is 0 while there is none at all.
        """
        with self._changed:
            self._changed.wait_for(lambda: self.is_closed or self._number > after, _KEEP_ALIVE)
        with self._encoding:  # once for all clients
            with self._changed:
                number, picture = self._number, self._picture
            if picture is not None and self._encoded[0] != number:
                self._encoded = (number, marks.jpeg(picture, self._date, JPEG_QUALITY))
            return self._encoded

    def close(self) -> None:
        with self._changed:
            self.is_closed = True
            self._changed.notify_all()
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()


def _is_any(host: str) -> bool:
    """Whether an address stands for all of this machine's."""
    return host in ("", "0.0.0.0", "::")
