"""A browser that tests drive, and a server of what it opens."""

import contextlib
import functools
import http.server
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest


def chromium(profile: Path, *switches: str):
    """Start Chromium without a window, and without what it does on its own; skips the test where it is not.

    Args:
        profile: a folder of its own.
        switches: more of its switches.
    """
    webdriver = pytest.importorskip("selenium.webdriver")
    browser, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if not (browser and driver):
        pytest.skip("needs Chromium and its driver (apt-get install chromium chromium-driver)")
    options = webdriver.ChromeOptions()
    options.binary_location = browser
    usual = "headless no-sandbox disable-gpu disable-quic no-first-run disable-background-networking"
    usual += " disable-component-update disable-sync disable-dev-shm-usage"
    for switch in (*usual.split(" "), f"user-data-dir={profile}", *switches):
        options.add_argument(f"--{switch}")
    return webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))


class _QuietHandler(http.server.SimpleHTTPRequestHandler):
    """Serves a folder, and says nothing."""

    def log_message(self, *_) -> None:
        pass


@contextlib.contextmanager
def serving(folder: Path) -> Iterator[str]:
    """Serve a folder to this machine; gives the address."""
    handler = functools.partial(_QuietHandler, directory=folder)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
