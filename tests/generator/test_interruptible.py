"""Native code that answers no signal, and Ctrl-C that ends the process nevertheless."""

import signal
import subprocess
import sys
import threading

import pytest

from face2face.generator import interruptible
from face2face.generator.generator import Generator
from tests import made

# A hash that takes ten minutes, in native code that looks for no signal.
BUSY = """
import hashlib
from face2face import cli
from face2face.generator import interruptible
def main():
    print("began", flush=True)
    interruptible.call(lambda: hashlib.pbkdf2_hmac("sha256", b"", b"", 10**9))
cli.run(main)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="sends POSIX signals")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_a_native_call_in_one_line(number):
    with made.start(
        [sys.executable, "-c", BUSY],
        cwd=made.ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout.readline() == "began\n"
        process.send_signal(number)
        _, error = process.communicate(timeout=60)
    assert (process.returncode, error) == (130, "interrupted\n")


def test_what_it_returns_and_raises_is_the_functions():
    assert interruptible.call(lambda: threading.current_thread() is threading.main_thread()) is False
    assert interruptible.call(lambda: 7) == 7
    with pytest.raises(ZeroDivisionError):
        interruptible.call(lambda: 1 // 0)


@pytest.mark.parametrize("engine, least", [("openvino", 3), ("tensorflow", 2)])
def test_engines_load_graphs_in_such_calls(frozen_model, engine, least, monkeypatch):
    """Reading, compiling and the first face."""
    calls = []
    call = interruptible.call
    monkeypatch.setattr(interruptible, "call", lambda function: calls.append(1) or call(function))
    Generator(frozen_model, engine)
    assert len(calls) >= least
