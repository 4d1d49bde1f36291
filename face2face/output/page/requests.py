"""The page's WSGI application: which requests are admitted, and their answers."""

import hmac
import html
import json
import re
import secrets
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from http import HTTPStatus
from importlib import resources

from werkzeug import Request, Response
from werkzeug.exceptions import HTTPException, MethodNotAllowed
from werkzeug.routing import Map, Rule

from face2face import metadata
from face2face.output.controls import COMMANDS, GAIN_STEP, GAINS, MAX_GAIN, Command, Controls, Gain, State
from face2face.output.page.access import is_loopback
from face2face.output.page.answers import Answer, plain
from face2face.output.page.newest_picture import NewestPicture
from face2face.sources.browser import BrowserSource

_BOUNDARY = "face2face"
_COOKIE = "face2face"
_HOST = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[\w.-]*)(:[0-9]{0,5})?", re.ASCII)
_ROUTES = Map(
    [
        Rule("/", endpoint="page", methods=["GET"]),
        Rule("/state", endpoint="state", methods=["GET"]),
        Rule("/stream.mjpg", endpoint="stream", methods=["GET"]),
        Rule("/command/<name>", endpoint="command", methods=["POST"]),
        Rule("/camera", endpoint="camera", methods=["POST"]),
    ],
    merge_slashes=False,  # merging them would redirect
).bind("")


@dataclass
class Page:
    """The WSGI application.

    Attributes:
        controls: Takes the commands.
        state: What the page shows beside the picture.
        pictures: Has the picture.
        browser: Takes the pictures of a browser's camera; None if the source is another one.
        token: What every request has to carry; None: nothing.
        is_loopback_only: Whether the page is reached from this machine only.
    """

    controls: Controls
    state: State
    pictures: NewestPicture
    browser: BrowserSource | None
    token: str | None
    is_loopback_only: bool

    def __call__(self, environ: dict, start_response: Callable) -> Iterable[bytes]:
        """Answer a request, as WSGI asks for it."""
        return self.answer(Request(environ))(environ, start_response)

    def answer(self, request: Request) -> Response:
        """The answer to a request, whoever sent it."""
        if (refusal := self._refusal(request)) is not None:
            return refusal
        try:
            endpoint, values = _ROUTES.match(request.path, request.method)
            return getattr(self, f"_{endpoint}")(request, **values)
        except HTTPException as error:
            answer = plain(error.code, "there is nothing here" if error.code == HTTPStatus.NOT_FOUND else "")
            if isinstance(error, MethodNotAllowed):
                answer.allow.update(error.valid_methods)
            return answer

    # --- admission ----------------------------------------------------------------------------------------

    def _refusal(self, request: Request) -> Answer | None:
        """The answer to a request that is not admitted; None if it is."""
        host = request.headers.get("Host", "")
        # Werkzeug's trusted_hosts takes names; it cannot admit every address of the loopback.
        if (named := _HOST.fullmatch(host)) is None:
            return plain(HTTPStatus.BAD_REQUEST)
        reason = ""
        # A browser that reaches the loopback by another name follows a site whose name resolves to it (DNS
        # rebinding).
        if self.is_loopback_only and not is_loopback(named[1].strip("[]").lower()):
            reason = "another host's name"
        elif self.token and not _carries(self.token, request):
            reason = "no token, or a wrong one"
        elif _is_from_another_site(request, host):
            reason = "another site"
        return plain(HTTPStatus.FORBIDDEN, f"refused: {reason}") if reason else None

    # --- answers ------------------------------------------------------------------------------------------

    def _page(self, request: Request) -> Answer:
        # A cookie carries the token from now on, and it leaves the address bar.
        if self.token and "token" in request.args:
            answer = Answer(status=HTTPStatus.SEE_OTHER, headers={"Location": "/"})
            answer.set_cookie(_COOKIE, self.token, httponly=True, samesite="Strict")
            return answer
        nonce = secrets.token_urlsafe(16)
        text = resources.files(__package__).joinpath("page.html").read_text(encoding="utf-8")
        for name, value in (
            ("nonce", nonce),
            ("source-type", metadata.SOURCE_TYPE),
            ("provenance", metadata.comment(metadata.now())),
            ("buttons", "\n".join(map(_button, COMMANDS))),
            ("sliders", "\n".join(map(_slider, GAINS))),
            ("has-camera", "true" if self.browser is not None else "false"),
        ):
            text = text.replace("{{" + name + "}}", value)
        policy = (
            f"default-src 'none'; script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'; "
            "img-src 'self' data:; connect-src 'self'; media-src 'self' blob:; "
            "frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
        )
        headers = {"Content-Security-Policy": policy, "Permissions-Policy": "camera=(self)"}
        return Answer(text, headers=headers, mimetype="text/html")

    def _state(self, request: Request) -> Answer:
        return Answer(json.dumps(self.state.as_json()), mimetype="application/json")

    def _stream(self, request: Request) -> Answer:
        kind = f"multipart/x-mixed-replace; boundary={_BOUNDARY}"
        return Answer(self._parts(), content_type=kind, direct_passthrough=True)

    def _parts(self) -> Iterator[bytes]:
        """Yield the newest picture as a JPEG, again and again, as fast as the client reads."""
        yield f"--{_BOUNDARY}\r\n".encode()
        number = 0
        while not self.pictures.is_closed:
            number, jpeg = self.pictures.read(number)
            if jpeg:
                head = f"Content-Type: image/jpeg\r\nContent-Length: {len(jpeg)}\r\n\r\n"
                yield head.encode() + jpeg + f"\r\n--{_BOUNDARY}\r\n".encode()

    def _command(self, request: Request, name: str) -> Answer:
        if not self.controls.press(name):
            return plain(HTTPStatus.NOT_FOUND, "there is nothing here")
        return self._state(request)

    def _camera(self, request: Request) -> Answer:
        if self.browser is None:
            return plain(HTTPStatus.NOT_FOUND, "there is nothing here")
        refused = self.browser.put(request.get_data(cache=False), request.args.get("page", ""))
        if refused:
            return plain(HTTPStatus.CONFLICT, refused)
        return plain(HTTPStatus.OK)


def _carries(token: str, request: Request) -> bool:
    """Whether the cookie, the address or the header Authorization carries the token."""
    carried = [*request.cookies.getlist(_COOKIE), *request.args.getlist("token")]
    # Werkzeug's request.authorization takes a token that holds "=" for a list of parameters.
    bearer = request.headers.get("Authorization", "").removeprefix("Bearer ")
    given = [each.encode() for each in carried] + [bearer.encode("latin-1")]
    return any(hmac.compare_digest(each, token.encode()) for each in given)


def _button(command: Command) -> str:
    """The HTML of a command's button; "" if it has none."""
    if not command.button:
        return ""
    attributes = {"command": command.name, "key": command.key}
    attributes |= {"pressed": command.pressed} if command.pressed else {}
    attributes |= {"confirm": command.confirm} if command.confirm else {}
    data = " ".join(f'data-{name}="{html.escape(value)}"' for name, value in attributes.items())
    aria = ' aria-pressed="false"' if command.pressed else ""
    label, key = html.escape(command.button), html.escape(command.key_name)
    return f"  <button {data}{aria}>{label}<span></span><kbd>{key}</kbd></button>"


def _slider(gain: Gain) -> str:
    """The HTML of a gain's slider."""
    data = f'data-gain="{gain.name}" data-less="{gain.less}" data-more="{gain.more}"'
    keys = f"<kbd>{gain.less}</kbd><kbd>{gain.more}</kbd>"
    slider = f'<input type="range" min="0" max="{MAX_GAIN:g}" step="{GAIN_STEP:g}" value="1" {data}>'
    return f"  <label>{gain.label} {slider}<output></output>{keys}</label>"


def _is_from_another_site(request: Request, host: str) -> bool:
    """Whether the browser says that a page of another site made it ask."""
    if request.headers.get("Sec-Fetch-Site", "none") in ("cross-site", "same-site"):
        return True
    return request.origin is not None and request.origin.partition("://")[2] != host
