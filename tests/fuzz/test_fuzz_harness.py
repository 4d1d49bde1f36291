"""The harness itself: each kind of fault is seen, told with its text, and survived."""

import os
import signal
import threading
import time
from pathlib import Path

import pytest
from hypothesis import strategies as st

from face2face.cli import UserError
from tests.fuzz import harness, worker
from tests.fuzz.harness import Reader

HASTY, PATIENT = 4.0, 60.0
"""Seconds that an input may take: few for one that hangs, many for one that fills a busy machine's memory."""


def behave(folder: Path) -> None:
    """As the input says."""
    what = (folder / "input").read_text()
    if what == "tell":
        raise UserError("expected another input")
    if what == "tell in two lines":
        raise UserError("expected\nanother input")
    if what == "fail":
        raise KeyError("a key")
    if what == "fail in a thread":
        thread = threading.Thread(target=behave, args=(folder.with_name("nowhere"),))
        thread.start()
        thread.join()
    if what == "crash":
        os.kill(os.getpid(), signal.SIGSEGV)
    if what == "hang":
        time.sleep(60)
    if what == "grow":
        memory = bytearray(worker.MAX_BYTES + (1 << 26))
        memory[::4096] = b"x" * len(memory[::4096])  # the system gives a page when it is written to
    if what == "change":
        (folder / "foreign.txt").write_text("ours")
    if what == "delete":
        (folder / "foreign.txt").unlink()
    if what == "leave":
        (folder / ".face2face.scratch").mkdir()


READER = Reader("behaviour", behave, lambda: st.just(b"fail"), lambda: [b"accept"], 1)


@pytest.fixture(scope="module")
def patient():
    with harness.child(PATIENT) as child:
        yield child


@pytest.mark.parametrize(
    "what, kind, text",
    [
        ("accept", worker.ACCEPTED, ""),
        ("tell", worker.TOLD, "expected another input"),
        ("tell in two lines", worker.TRACEBACK, "no line of printable ASCII"),
        ("fail", worker.TRACEBACK, "KeyError: 'a key'"),
        ("fail in a thread", worker.TRACEBACK, "FileNotFoundError"),
        ("crash", worker.TRACEBACK, "Segmentation fault"),
        ("grow", worker.TOO_MUCH, " MB; "),
        ("change", worker.CHANGED, "changed: ['foreign.txt']"),
        ("delete", worker.CHANGED, "changed: ['foreign.txt']"),
        ("leave", worker.CHANGED, "left behind: ['.face2face.scratch']"),
    ],
)
def test_what_a_reader_does_is_told(what, kind, text, patient):
    verdict = patient.ask(READER, what.encode())
    assert verdict.kind == kind and text in verdict.text
    assert (verdict.memory > worker.MAX_BYTES) == (what == "grow")
    assert patient.ask(READER, b"accept").kind == worker.ACCEPTED


def test_a_hang_is_told_and_ended():
    with harness.child(HASTY) as hasty:
        verdict = hasty.ask(READER, b"hang")
        assert verdict.kind == worker.TOO_MUCH and "in behave" in verdict.text
        assert hasty.ask(READER, b"accept").kind == worker.ACCEPTED


def test_a_fault_fails_the_test_and_its_input_is_kept(patient, tmp_path, monkeypatch):
    monkeypatch.setenv("FUZZ_FINDINGS", str(tmp_path))
    with pytest.raises(AssertionError, match="behaviour, traceback"):
        harness.fuzz(READER, patient)
    assert b"fail" in {path.read_bytes() for path in tmp_path.glob("*.input")}


def test_by_hand_a_fault_is_counted_and_the_rest_goes_on(patient, tmp_path, monkeypatch):
    monkeypatch.setenv("FUZZ_FINDINGS", str(tmp_path))
    tally = harness.fuzz(READER, patient, goes_on=True)
    assert tally.counts[worker.TRACEBACK] == tally.inputs >= 1
    assert f"| behaviour | {tally.inputs} | 0 | 0 |" in harness.table([tally])
