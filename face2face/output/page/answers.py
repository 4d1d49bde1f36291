"""What every HTTP answer of the page has in common."""

from http import HTTPStatus

from werkzeug import Response

from face2face.output import provenance

HARDENING_HEADERS = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
}
"""No cache keeps the pictures, no site embeds or reads them, and no browser guesses another content type."""


class Answer(Response):
    """A response with the hardening headers and the mark of generated pictures."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.headers.extend(HARDENING_HEADERS)
        self.headers["X-AI-Generated"] = provenance.comment(provenance.now())


def plain(code: int, text: str = "") -> Answer:
    """An answer of one line of text, the status's own phrase if there is none."""
    return Answer((text or HTTPStatus(code).phrase) + "\n", code, content_type="text/plain; charset=utf-8")
