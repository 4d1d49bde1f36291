"""Who the page is for: its default address, and what an address and a token have to be.

It stands apart from the server, whose libraries take a tenth of a second to import: the options of a run are
checked with or without a page.
"""

import ipaddress

from face2face.cli import UserError

DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 8765

LONGEST_TOKEN = 1000
"""In bytes of UTF-8: browsers keep cookies of up to 4096 bytes, quoted."""


def is_loopback(host: str) -> bool:
    """Whether a host's name or address is reached from this machine only."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def check(host: str, token: str | None) -> None:
    """Check where the page is served, and its token.

    Raises:
        UserError: If other machines would be admitted without a token, or a cookie cannot carry the token.
    """
    if not is_loopback(host) and not token:
        raise UserError(f"--serve-host {host} lets others in: expected a --serve-token, too")
    if token is None:
        return
    try:
        size = len(token.encode())
    except UnicodeEncodeError:  # the bytes of the command line were not UTF-8
        raise UserError("expected a --serve-token of UTF-8 characters, got other bytes") from None
    if not 1 <= size <= LONGEST_TOKEN:
        raise UserError(f"expected a --serve-token of 1 to {LONGEST_TOKEN} bytes, got {size}")
