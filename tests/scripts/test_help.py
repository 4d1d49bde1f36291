"""Every script answers `--help` at once, and without TensorFlow."""

import re
import subprocess
import sys

import pytest

from tests import made

SCRIPTS = sorted(
    str(path.relative_to(made.ROOT))
    for folder in (".", "pix2pix", "pix2pix/tools", "examples", "benchmarks", "docs")
    for path in (made.ROOT / folder).glob("*.py")
    if "__main__" in path.read_text()
)

DOCUMENTED = "".join(
    path.read_text() for path in [made.ROOT / "README.md", *(made.ROOT / "docs").glob("*.md")]
)


@pytest.mark.parametrize("script", SCRIPTS)
def test_help_comes_at_once_and_names_the_defaults(script):
    command = [sys.executable, "-X", "importtime", script, "--help"]
    result = subprocess.run(command, cwd=made.ROOT, capture_output=True, text=True, timeout=60)
    assert result.returncode == 0
    imported = set(re.findall(r"\| +([\w.]+)$", result.stderr, re.M))
    assert "argparse" in imported
    assert not {name for name in imported if name.split(".")[0] in ("tensorflow", "keras", "dlib")}
    assert result.stdout.startswith("usage: ")
    options = re.findall(r"^  (--?[\w-]+)|^  -.*, (--?[\w-]+)", result.stdout, re.M)
    for name in {name for names in options for name in names if name} - {"-h", "--help"}:
        assert f"`{name}`" in DOCUMENTED, f"{name} is neither in the README nor in docs/"


def test_all_scripts_of_the_tutorial_are_tested():
    tutorial = {"generate_train_data.py", "pix2pix/tools/process.py", "pix2pix/tools/split.py"}
    tutorial |= {"pix2pix/pix2pix.py", "reduce_model.py", "freeze_model.py", "run_webcam.py"}
    assert tutorial <= set(SCRIPTS)


@pytest.mark.parametrize(
    "script, default",
    [
        (
            "pix2pix/pix2pix.py",
            "jitter: scale pairs to this before a random crop to 256; twice that for 512 (default: 286)",
        ),
        ("pix2pix/tools/process.py", "--size SIZE resize: side in pixels (default: 256)"),
        ("pix2pix/tools/split.py", "--train_frac TRAIN_FRAC share of the images to train on (default: 0.8)"),
        ("reduce_model.py", "--model-input MODEL_INPUT training folder (default: face2face-model)"),
        ("freeze_model.py", "folder of the reduced model (default: face2face-reduced-model)"),
    ],
)
def test_help_shows_the_defaults(script, default, monkeypatch):
    monkeypatch.setenv("COLUMNS", "500")
    said = " ".join(made.run_script(script, "--help").stdout.split())
    assert default in said
    assert "(default: None)" not in said and "(default: False)" not in said
