"""What tests of kept files share: what a folder holds, and disks that are full."""

import hashlib
import os
import resource
import subprocess
import sys
from pathlib import Path

from tests import made


def tree(folder: Path) -> dict[str, str]:
    """Everything below a folder: what a link points to, and of each file its content's hash."""
    found = {}
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        if path.is_symlink():
            found[name] = f"link to {os.readlink(path)}"
        elif path.is_file():
            found[name] = hashlib.sha256(path.read_bytes()).hexdigest()
        else:
            found[name] = "a folder" if path.is_dir() else "a pipe"
    return found


def errors_of(captured: str) -> list[str]:
    """The lines of a script's errors, without its progress and warnings."""
    return [line for line in captured.splitlines() if line.startswith("error: ")]


def run_on_full_disk(script: Path, *arguments, cwd: Path, most: int) -> subprocess.CompletedProcess:
    """Run a script that can write no more than `most` bytes to a file: the rest fails, as on a full disk."""
    return subprocess.run(
        [sys.executable, str(script), *(str(argument) for argument in arguments)],
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=120,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (most, most)),
    )


WEBCAM = made.ROOT / "run_webcam.py"
GENERATE = made.ROOT / "generate_train_data.py"
