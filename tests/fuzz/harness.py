"""Fuzzing: inputs by hypothesis, readers in a child process, and what came of it.

`FUZZ_EXAMPLES` is the number of inputs for all readers together, `FUZZ_RANDOM` has others come each time, and
`FUZZ_FINDINGS` names the folder where an input is kept that a reader fails on.
"""

import multiprocessing
import os
import pickle
import random
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.strategies import SearchStrategy

from tests.fuzz import worker
from tests.fuzz.worker import ACCEPTED, CHANGED, TOLD, TOO_MUCH, TRACEBACK, Place, Verdict

FULL = 20_000
"""Inputs for all readers together, which their shares add up to."""

SUITE = 1200
"""The same where nothing else is asked for: about half a minute."""

_FEWEST = 5
_LONGEST = 8000  # characters of a traceback that are kept
_WARM_SECONDS = 180.0  # for the first input, whose reader may import TensorFlow


def place_file(folder: Path, data: object) -> list[str]:
    """Of readers of one file: its bytes, beside a file of somebody else."""
    (folder / "input").write_bytes(data)
    (folder / "foreign.txt").write_text("somebody else's")
    return []


@dataclass(frozen=True)
class Reader:
    """What is fuzzed.

    read: called in the child with the folder that `place` filled; returns, or raises UserError or Incomplete.
    inputs: makes the strategy. valid: makes inputs that have to be accepted. share: of `FULL`.
    """

    name: str
    read: Callable[[Path], None]
    inputs: Callable[[], SearchStrategy]
    valid: Callable[[], list]
    share: int
    place: Place = place_file


@dataclass
class Tally:
    """What came of a reader's inputs; seconds and memory (bytes) of the worst one."""

    name: str
    counts: dict[str, int] = field(
        default_factory=lambda: dict.fromkeys((ACCEPTED, TOLD, TRACEBACK, CHANGED, TOO_MUCH), 0)
    )
    seconds: float = 0.0
    memory: int = 0

    def add(self, verdict: Verdict) -> None:
        self.counts[verdict.kind] += 1
        self.seconds = max(self.seconds, verdict.seconds)
        self.memory = max(self.memory, verdict.memory)

    @property
    def inputs(self) -> int:
        return sum(self.counts.values())


class Child:
    """The child process; a new one takes its place when it is lost."""

    def __init__(self, scratch: Path, seconds: float = worker.MAX_SECONDS):
        """seconds: that an input may take."""
        self._scratch, self._seconds = scratch, seconds
        self._process = None
        self._warm: set[str] = set()

    def ask(self, reader: Reader, data: object) -> Verdict:
        self.warm(reader)
        return self._ask(reader, data, self._seconds + 1)

    def warm(self, reader: Reader) -> None:
        """Let a reader import what it needs. Raises: AssertionError if a valid input is not accepted."""
        if self._process is None:
            self._start()
        if reader.name in self._warm:
            return
        for valid in reader.valid():
            verdict = self._ask(reader, valid, _WARM_SECONDS)
            if verdict.kind not in (ACCEPTED, TOO_MUCH):  # imports count for no reader
                raise AssertionError(f"{reader.name}: a valid input is not accepted: {verdict.text}")
        self._warm.add(reader.name)

    def _start(self) -> None:
        context = multiprocessing.get_context("spawn")
        self._connection, other = context.Pipe()
        arguments = (other, self._scratch, self._seconds)
        self._process = context.Process(target=worker.main, args=arguments, daemon=True)
        self._process.start()
        other.close()
        self._warm = set()

    def _ask(self, reader: Reader, data: object, seconds: float) -> Verdict:
        self._connection.send((reader.place, reader.read, data))
        if not self._connection.poll(seconds):
            said = self._said()
            self.close()
            return Verdict(TOO_MUCH, f"a hang:\n{said}", seconds)
        try:
            return self._connection.recv()
        except (EOFError, ConnectionError):
            said = self._said()
            self._process.join()
            code = self._process.exitcode
            self.close()
            return Verdict(TRACEBACK, f"the process ended, {code}:\n{said}")

    def _said(self) -> str:
        return (self._scratch / "stderr").read_text(errors="replace")[-_LONGEST:]

    def close(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.join()
            self._connection.close()
            self._process = None


@contextmanager
def child(seconds: float = worker.MAX_SECONDS) -> Iterator[Child]:
    with tempfile.TemporaryDirectory(prefix="fuzz.") as scratch:
        process = Child(Path(scratch), seconds)
        try:
            yield process
        finally:
            process.close()


def examples(reader: Reader) -> int:
    wanted = int(os.environ.get("FUZZ_EXAMPLES", SUITE))
    return max(_FEWEST, round(wanted * reader.share / FULL))


def fuzz(reader: Reader, process: Child, goes_on: bool = False) -> Tally:
    """Give a reader its inputs. Raises: AssertionError at the first fault, unless it goes on."""
    process.warm(reader)
    tally = Tally(reader.name)
    is_random = "FUZZ_RANDOM" in os.environ

    @seed(random.randrange(2**32) if is_random else 0)
    @settings(
        max_examples=examples(reader),
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate],  # the input is kept as it is: to shrink one that hangs takes minutes
        report_multiple_bugs=False,
    )
    @given(reader.inputs())
    def run(data) -> None:
        verdict = process.ask(reader, data)
        tally.add(verdict)
        if verdict.is_fault:
            kept = keep(reader, data, verdict, tally)
            if not goes_on:
                raise AssertionError(f"{reader.name}, {verdict.kind}: {verdict.text}\nThe input: {kept}")

    run()
    return tally


def keep(reader: Reader, data: object, verdict: Verdict, tally: Tally) -> Path:
    """Write down an input that a reader failed on, and how."""
    folder = Path(os.environ.get("FUZZ_FINDINGS", Path(tempfile.gettempdir()) / "fuzz-findings"))
    folder.mkdir(parents=True, exist_ok=True)
    name = f"{reader.name.replace(' ', '-').replace('/', '-')}-{os.getpid()}-{tally.inputs}"
    is_bytes = isinstance(data, bytes)
    (folder / f"{name}.txt").write_text(f"{verdict.kind}\n{verdict.text[-_LONGEST:]}\n")
    path = folder / f"{name}{'.input' if is_bytes else '.pickle'}"
    path.write_bytes(data if is_bytes else pickle.dumps(data))
    return path


def table(tallies: list[Tally]) -> str:
    """The report, as Markdown."""
    lines = [
        "| reader | inputs | errors told | accepted | slowest (s) | peak memory (MB) | tracebacks, crashes "
        "| over 10 s or 1 GB | changed foreign files |",
        "| --- |" + " ---: |" * 8,
    ]
    whole = Tally("all")
    for tally in tallies:
        whole.seconds, whole.memory = max(whole.seconds, tally.seconds), max(whole.memory, tally.memory)
        whole.counts = {kind: count + tally.counts[kind] for kind, count in whole.counts.items()}
    for tally in [*tallies, whole]:
        counts = tally.counts
        cells = [tally.name, f"{tally.inputs:,}", f"{counts[TOLD]:,}", f"{counts[ACCEPTED]:,}"]
        cells += [f"{tally.seconds:.2f}", f"{tally.memory / 1e6:.0f}"]
        cells += [str(counts[kind]) for kind in (TRACEBACK, TOO_MUCH, CHANGED)]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)
