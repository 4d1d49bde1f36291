#!/usr/bin/env python3
"""The whole tutorial on two sample clips, through the scripts that a user runs. Started again, it goes on."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
if not __package__:  # run as a script: its own folder is first on the path, not the project's
    sys.path[0] = str(ROOT)

from face2face import early

if __name__ == "__main__":
    early.let_ctrl_c_end()

import argparse
import contextlib
import os
import shlex
import signal
import subprocess
import time
from dataclasses import dataclass
from typing import Annotated

import cv2
import msgspec
import numpy as np

from examples import samples
from face2face import cli, files, metadata, pictures, records
from face2face.face.crop import resize
from face2face.sources.open import open_source

DEMO = ROOT / "demo"
TARGET, DRIVER = "WolfgangLanger_Pexels.mp4", "single_face.mp4"
SHEET_ROWS, SHEET_COLUMNS, SHEET_SIDE = 6, 2, 256
"""Rows and columns of moments on the contact sheet, and the side of its pictures in pixels."""
PASS_ON_SECONDS = 1.0
"""So long after a signal, a script that has not ended by itself is sent one."""


@dataclass(frozen=True)
class Stage:
    """A stage of the tutorial.

    Attributes:
        name: Its title.
        commands: Its commands, one per line, which are run in `demo/`.
        result: A file or folder that they leave behind, relative to `demo/`.
    """

    name: str
    commands: str
    result: str


Seconds = dict[str, Annotated[float, msgspec.Meta(ge=0)]]
"""The content of stages.json: how long each stage took, by its name."""

# A small generator and few steps: minutes on two cores instead of hours.
STAGES = (
    Stage(
        "1 training pairs",
        """
        generate_train_data.py --file {target} --num 240 --preview --overwrite
        """,
        "landmarks/landmarks.json",
    ),
    Stage(
        "2 prepare and split",
        """
        pix2pix/tools/process.py --operation resize --input_dir original --output_dir photos/original
        pix2pix/tools/process.py --operation resize --input_dir landmarks --output_dir photos/landmarks
        pix2pix/tools/process.py --operation combine --input_dir photos/landmarks --b_dir photos/original \
            --output_dir photos/combined
        pix2pix/tools/split.py --dir photos/combined --train_frac 0.9
        """,
        "photos/combined/val",
    ),
    Stage(
        "3 train pix2pix",
        """
        pix2pix/pix2pix.py --mode train --output_dir face2face-model --input_dir photos/combined/train \
            --which_direction AtoB --preset quick --seed 1
        """,
        "face2face-model/checkpoint",
    ),
    Stage(
        "3 write the test report",
        """
        pix2pix/pix2pix.py --mode test --checkpoint face2face-model --input_dir photos/combined/val \
            --output_dir report
        """,
        "report/index.html",
    ),
    Stage(
        "4 reduce and freeze",
        """
        reduce_model.py --model-input face2face-model --model-output face2face-reduced-model
        freeze_model.py --model-folder face2face-reduced-model
        """,
        "face2face-reduced-model/frozen_model.pb",
    ),
    Stage(
        "5 drive the face",
        """
        run_webcam.py --source {driver} --no-window --record face2face.mp4
        run_webcam.py --source {driver} --no-window --show 1 --record drawings.mp4
        """,
        "drawings.mp4",
    ),
)


def command_lines(stage: Stage, clips: Path) -> list[list[str]]:
    """Split a stage's commands into argument lists, the script first."""
    paths = {"target": clips / TARGET, "driver": clips / DRIVER}
    lines = stage.commands.replace("\\\n", " ").strip().splitlines()
    return [[word.format(**paths) for word in shlex.split(line)] for line in lines]


def run_stage(stage: Stage, clips: Path) -> None:
    """Run a stage's commands.

    Raises:
        KeyboardInterrupt: After Ctrl-C, once the command that was running has saved what it had done.
        UserError: If one of them fails; it has printed the reason.
    """
    for script, *arguments in command_lines(stage, clips):
        print(f"$ python {script} {shlex.join(arguments)}", flush=True)
        status = run_to_its_end([sys.executable, str(ROOT / script), *arguments])
        if status == cli.EXIT_INTERRUPTED:
            raise KeyboardInterrupt
        if status:
            raise cli.UserError(f"{script} ended with exit code {status}; `make demo` goes on from there")


def run_to_its_end(command: list[str]) -> int:
    """Run a command in `demo/` and return its exit code. It is never killed: it may be saving a training.

    Raises:
        KeyboardInterrupt: On a signal, when the command has ended.
    """
    with subprocess.Popen(command, cwd=DEMO) as process:
        try:
            return process.wait()
        except KeyboardInterrupt:
            # Ctrl-C in a terminal reaches the command as well; `kill` does not. A third signal would end the
            # command at once, so none is sent if two have come.
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(PASS_ON_SECONDS)
            if os.name != "nt":  # on Windows it would be killed
                # This runs the handler of a signal that the system gave to a library's thread.
                signal.pthread_sigmask(signal.SIG_BLOCK, ())
                if len(cli.signals) < 2 and not any(_is_of_terminal(number) for number in cli.signals):
                    process.terminate()
            process.wait()
            raise


def _is_of_terminal(number: int) -> bool:
    """Whether a signal is Ctrl-C in a terminal, which sends it to all processes in the foreground."""
    terminals = [descriptor for descriptor in (0, 1, 2) if os.isatty(descriptor)]
    return number == signal.SIGINT and any(os.tcgetpgrp(each) == os.getpgrp() for each in terminals)


_TIMES = "the times of the demo's steps"


class Progress:
    """The stages that are done, and how long each took, kept in a file next to their results."""

    def __init__(self, path: Path):
        """Read the file, if there is one.

        Raises:
            UserError: If it is damaged, or another file.
        """
        self._path = path
        self.seconds: Seconds = records.read(path, Seconds, _TIMES) if path.is_file() else {}

    def add(self, stage: str, seconds: float, done: bool) -> None:
        """Add a stage's time. A stage that was stopped is not done; its time is added under another name."""
        key = stage if done else f"{stage} (stopped)"
        self.seconds[key] = self.seconds.get(key, 0.0) + seconds
        files.write_text(self._path, records.encode(self.seconds), is_times)


def is_times(path: Path) -> bool:
    """Whether a file holds the demo's times."""
    try:
        records.read(path, Seconds, _TIMES)
    except cli.UserError:
        return False
    return True


def run_all() -> None:
    """Fetch the clips, run each stage that is not done, then write the contact sheet and print the times."""
    DEMO.mkdir(exist_ok=True)
    progress = Progress(DEMO / "stages.json")
    began = time.monotonic()
    clips = samples.fetch()
    progress.add("0 fetch the clips", time.monotonic() - began, done=True)
    for stage in STAGES:
        if stage.name in progress.seconds and (DEMO / stage.result).exists():
            print(f"{stage.name}: done already")
            continue
        print(f"\n--- {stage.name}")
        began, done = time.monotonic(), False
        try:
            run_stage(stage, clips)
            done = True
        finally:
            progress.add(stage.name, time.monotonic() - began, done)
    write_contact_sheet(DEMO / "face2face.mp4", DEMO / "drawings.mp4", DEMO / "contact-sheet.png")
    print_table(progress.seconds)


def write_contact_sheet(driven: Path, drawn: Path, path: Path) -> None:
    """Write a grid of moments, spread evenly over the recordings: driver, drawing, generated face.

    Args:
        driven: Recording of driver and generated face side by side.
        drawn: Recording of drawing and generated face side by side, of the same frames.
        path: The picture to write.

    Raises:
        UserError: If another file is in the picture's place.
    """
    rows = []
    recorded = list(zip(read_frames(driven), read_frames(drawn), strict=True))
    for at in np.linspace(0, len(recorded) - 1, SHEET_ROWS * SHEET_COLUMNS).round().astype(int):
        (driver, generated), (drawing, _) = (np.split(picture, 2, axis=1) for picture in recorded[at])
        rows.append(np.concatenate([resize(p, SHEET_SIDE) for p in (driver, drawing, generated)], axis=1))
    columns = [np.concatenate(rows[i::SHEET_COLUMNS]) for i in range(SHEET_COLUMNS)]
    pictures.write(path, np.concatenate(columns, axis=1), metadata.xmp(metadata.now()))


def read_frames(path: Path) -> list[np.ndarray]:
    """Read a recording's frames, uint8 (H, W, 3) each, RGB."""
    with open_source(str(path)) as video:
        return [cv2.cvtColor(frame.picture, cv2.COLOR_BGR2RGB) for frame in video.frames()]


def print_table(seconds: dict[str, float]) -> None:
    """Print the time of each stage, and of the installation by make, and the results' paths."""
    installed = ROOT / ".venv" / ".installed"
    install_seconds = installed.read_text().strip() if installed.is_file() else ""
    rows = {"install": float(install_seconds)} if install_seconds else {}
    rows |= dict(sorted(seconds.items()))
    print("\nstage                          time")
    for name, took in {**rows, "all": sum(rows.values())}.items():
        print(f"{name:28} {int(took) // 60:2d}:{int(took) % 60:02d}")
    for what, file in (
        ("the target's face, driven", "face2face.mp4"),
        ("contact sheet", "contact-sheet.png"),
        ("test report", "report/index.html"),
    ):
        print(f"{what}: {(DEMO / file).relative_to(ROOT)}")


def parse_args(argv=None) -> argparse.Namespace:
    return cli.ArgumentParser(description=__doc__).parse_args(argv)


def main(argv=None) -> None:
    parse_args(argv)
    run_all()


if __name__ == "__main__":
    cli.run(main)
