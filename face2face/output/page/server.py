"""The page: the live picture, the loop's state, and buttons for the commands, served over HTTP."""

import threading
import urllib.parse

import numpy as np

from face2face.cli import UserError, reason
from face2face.output.controls import Controls, State
from face2face.output.page.access import DEFAULT_HOST, DEFAULT_PORT, check, is_loopback
from face2face.output.page.http_server import HttpServer
from face2face.output.page.newest_picture import NewestPicture
from face2face.output.page.requests import Page
from face2face.sources.browser import BrowserSource


class Server:
    """Serves the page, in threads of its own, until it is closed. Writing a picture waits for no client.

    Attributes:
        address: Of the page, for a browser on this machine, with the token if there is one.
        port: The port that it is served at.
    """

    def __init__(
        self,
        controls: Controls,
        state: State,
        port: int = DEFAULT_PORT,
        host: str = DEFAULT_HOST,
        token: str | None = None,
        browser: BrowserSource | None = None,
    ) -> None:
        """Begin to serve.

        Args:
            controls: Takes the commands of the page's buttons and keys.
            state: What the page shows beside the picture.
            port: 0 for any free one.
            host: The name or address to listen at.
            token: What every request has to carry; None: nothing.
            browser: Takes the pictures of the page's camera; None if the source is another one.

        Raises:
            UserError: As `check`, or if the port cannot be served.
        """
        check(host, token)
        self.controls, self.state = controls, state
        self._pictures = NewestPicture()
        page = Page(controls, state, self._pictures, browser, token, is_loopback_only=is_loopback(host))
        try:
            self._http = HttpServer(host, port, page)
        except (OSError, TypeError) as error:  # TypeError: not the name of a host
            raise UserError(f"port {port} of {host} cannot be served: {reason(error)}") from None
        self.port = self._http.port
        shown = "localhost" if _is_any(host) else host
        shown = f"[{shown}]" if ":" in shown else shown
        query = f"?token={urllib.parse.quote(token)}" if token else ""
        self.address = f"http://{shown}:{self.port}/{query}"
        self._thread = threading.Thread(
            target=self._http.serve_forever, kwargs={"poll_interval": 0.05}, name="server", daemon=True
        )
        self._thread.start()

    def write(self, picture: np.ndarray | None) -> None:
        """Show uint8 (H, W, 3), RGB; the array must not be changed afterwards. None: the picture stays."""
        if picture is not None:
            self._pictures.write(picture)

    def close(self) -> None:
        """End the streams and stop serving; answers that are being sent go on."""
        self._pictures.close()
        self._http.shutdown()
        self._thread.join()


def _is_any(host: str) -> bool:
    """Whether an address stands for all addresses of this machine."""
    return host in ("", "0.0.0.0", "::")
