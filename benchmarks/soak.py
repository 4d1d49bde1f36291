#!/usr/bin/env python3
"""Whether the webcam's loop grows: memory, threads and open files over many frames, with all outputs in use.

A clip is driven round and round; it is recorded with sound, and the page has a client that reads and one that
does not. Linux only, whose /proc tells.
"""

import argparse
import contextlib
import os
import socket
import sys
import tempfile
import threading
from collections.abc import Container, Iterator
from dataclasses import dataclass
from pathlib import Path

if not __package__:  # run as a script: its own folder is first on the path, not the project's
    sys.path[0] = str(Path(__file__).resolve().parents[1])

import run_webcam
from face2face import cli
from face2face.face.landmarks import LandmarkDetector
from face2face.face.tracking import Tracker
from face2face.generator.generator import Generator
from face2face.live import loop
from face2face.live.options import DrivingOptions, OutputOptions
from face2face.live.outputs import open_presenter
from face2face.live.painter import Painter
from face2face.sources.base import Frame, Source
from face2face.sources.open import open_source

CHECKS = 20
"""How often it is measured in a run."""

WARM = 0.25
"""Share of the run after which nothing may grow any more."""

MEMORY_SHARE, MEMORY_MB = 0.03, 15.0
"""How much memory may still grow, as a share and in MB: allocators keep freed memory."""


@dataclass(frozen=True)
class Usage:
    """Of this process, after some frames."""

    frames: int
    memory_mb: float
    threads: int
    files: int

    @classmethod
    def now(cls, frames: int) -> "Usage":
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        memory = pages * os.sysconf("SC_PAGE_SIZE") / 1e6
        return cls(frames, memory, len(os.listdir("/proc/self/task")), len(os.listdir("/proc/self/fd")))

    def __str__(self) -> str:
        return f"{self.frames:8d}  {self.memory_mb:8.0f}  {self.threads:7d}  {self.files:5d}"


class Round(Source):
    """A clip's frames, from its end to its beginning again, up to a number; what is used is measured."""

    def __init__(self, clip: Source, count: int):
        self.name, self.fps, self._clip, self._count = clip.name, clip.fps, clip, count
        self.usage: list[Usage] = []

    def frames(self, wanted: Container[int] | None = None) -> Iterator[Frame]:
        number = 0
        while True:
            for frame in self._clip.frames(wanted):
                if number == self._count:
                    return
                number += 1
                if number % max(1, self._count // CHECKS) == 0:
                    self.usage.append(Usage.now(number))
                    print(self.usage[-1], flush=True)
                yield Frame(number, number / self.fps, frame.picture)


def soak(clip: Path, model: Path, count: int) -> list[Usage]:
    """Drive so many frames, and return what was used on the way."""
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        source = Round(stack.enter_context(open_source(str(clip))), count)
        generator = Generator(model, concurrency=loop.CONCURRENCY)
        tracker = Tracker(LandmarkDetector())
        painter = stack.enter_context(Painter(tracker, [generator], DrivingOptions(), source))
        options = OutputOptions(window=False, record=Path(folder) / "out.mp4", serve=0)
        presenter = open_presenter(stack, options, source, clip, [model.name], painter)
        presenter.keeps_pace = False  # it is not watched
        for reads in (True, False):
            stack.callback(watch(presenter.page.port, reads).close)
        print("  frames  memory MB  threads  files")
        loop.run(source, painter, presenter)
    return source.usage


def watch(port: int, reads: bool) -> socket.socket:
    """Ask for the page's pictures, and read them or not."""
    client = socket.create_connection(("127.0.0.1", port))
    client.sendall(b"GET /stream.mjpg HTTP/1.1\r\nHost: localhost\r\n\r\n")

    def read() -> None:
        with contextlib.suppress(OSError):
            while client.recv(1 << 16):
                pass

    if reads:
        threading.Thread(target=read, daemon=True).start()
    return client


def growth(usage: list[Usage]) -> str:
    """What grew once the loop was warm, in words; "" if nothing did."""
    warm = [each for each in usage if each.frames >= WARM * usage[-1].frames]
    half = len(warm) // 2
    early, late = warm[:half], warm[half:]

    def most(part: list[Usage], what: str) -> float:
        return max(getattr(each, what) for each in part)

    allowed = {"memory_mb": most(early, "memory_mb") * MEMORY_SHARE + MEMORY_MB, "threads": 0, "files": 0}
    return ", ".join(
        f"{what}: {most(early, what):g} to {most(late, what):g}"
        for what, margin in allowed.items()
        if most(late, what) > most(early, what) + margin
    )


def parse_args(argv=None) -> argparse.Namespace:
    parser = cli.ArgumentParser(description=__doc__)
    parser.add_argument("--file", type=Path, required=True, help="a clip of a driver")
    parser.add_argument("--tf-model", type=Path, help="frozen generator (default: as run_webcam.py's)")
    parser.add_argument("--frames", type=cli.positive_int, default=20_000, help="how many to drive")
    return parser.parse_args(argv)


def main(argv=None) -> None:
    args = parse_args(argv)
    if not Path("/proc/self/statm").exists():
        raise cli.UserError("this needs a Linux, whose /proc tells what a process uses")
    clip = cli.existing_file(args.file, "the clip")
    grew = growth(soak(clip, args.tf_model or run_webcam.default_model(), args.frames))
    if grew:
        raise cli.UserError(f"expected nothing to grow, got {grew}")
    print("nothing grows")


if __name__ == "__main__":
    cli.run(main)
