"""The headers that every HTTP answer of the page carries."""

from http import HTTPStatus
from typing import Any

from werkzeug import Response

from face2face import metadata

HARDENING_HEADERS = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
}
"""No cache stores the pictures, no site embeds or reads them, and no browser guesses another content type."""


class Answer(Response):
    """A response with the hardening headers and the provenance of generated pictures."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Make a response; the arguments are those of Werkzeug's."""
        super().__init__(*args, **kwargs)
        self.headers.extend(HARDENING_HEADERS)
        self.headers["X-AI-Generated"] = metadata.comment(metadata.now())


def plain(code: int, text: str = "") -> Answer:
    """An answer of one line of text, which is the status's own phrase unless another is given."""
    return Answer((text or HTTPStatus(code).phrase) + "\n", code, content_type="text/plain; charset=utf-8")
