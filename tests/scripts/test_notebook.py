"""docs/face2face.ipynb: the tutorial runs in it, from a video to a recording of painted frames."""

import os
import re
import subprocess
import sys

import cv2
import nbformat
import numpy as np
from nbclient import NotebookClient

from face2face import metadata
from face2face.generator.generator import Generator
from face2face.sources.open import open_source
from tests import made

NOTEBOOK = made.ROOT / "docs" / "face2face.ipynb"


def test_the_notebook_runs_the_tutorial(clips, tmp_path):
    """A short training on a part of a sample clip; a cell that fails ends the test with its output."""
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    assert not any(cell.get("outputs") for cell in notebook.cells)
    (parameters,) = [cell for cell in notebook.cells if "parameters" in cell.metadata.get("tags", ())]
    video = made.short_clip(clips / "WolfgangLanger_Pexels.mp4", 24, tmp_path / "own.mp4")
    driver = made.short_clip(clips / "single_face.mp4", 12, tmp_path / "driver.mp4")
    paths = {"VIDEO": video, "DRIVER": driver, "WORK": tmp_path / "work"}
    values = {name: repr(str(path)) for name, path in paths.items()}
    for name, value in (values | {"NUM": 8, "STEPS": 4, "NGF": 4}).items():
        parameters.source, count = re.subn(
            rf"^{name} = .*$", f"{name} = {value}", parameters.source, flags=re.M
        )
        assert count == 1
    NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(NOTEBOOK.parent)}}).execute()
    (frozen,) = [cell for cell in notebook.cells if "freeze_model.py" in cell.source and "outputs" in cell]
    assert {output.get("name") for output in frozen.outputs} == {"stdout"}  # nothing of TensorFlow's own
    shown = [output.data for cell in notebook.cells for output in cell.get("outputs", ()) if "data" in output]
    assert sum("image/png" in data for data in shown) == 2  # the pairs, and what is painted of unseen ones
    assert any("<video" in data.get("text/html", "") for data in shown)
    assert metadata.SOURCE_TYPE.encode() in (tmp_path / "work/painted.png").read_bytes()
    generator = Generator(tmp_path / "work/face2face-reduced-model/frozen_model.pb")
    with open_source(str(tmp_path / "work/face2face.mp4")) as video:
        frames = [frame.picture for frame in video.frames()]
    assert len(frames) == 12
    painted = frames[6][:, frames[6].shape[1] // 2 :]
    face = cv2.cvtColor(generator(generator.target.draw(generator.target.face.neutral)), cv2.COLOR_RGB2BGR)
    face = cv2.resize(face, painted.shape[1::-1], interpolation=cv2.INTER_CUBIC)
    black = np.abs(painted.astype(float)).mean()
    assert np.abs(face.astype(float) - painted).mean() < 0.3 * black


def test_outside_the_project_without_its_address_one_line_says_what_to_set(tmp_path):
    """As on Colab, where only the notebook is opened."""
    sources = [cell.source for cell in nbformat.read(NOTEBOOK, 4).cells if cell.cell_type == "code"][:2]
    result = subprocess.run(
        [sys.executable, "-c", "\n".join(sources)], cwd=tmp_path, capture_output=True, text=True
    )
    assert result.returncode and result.stdout == ""
    (line,) = result.stderr.splitlines()
    assert line.startswith("expected REPOSITORY as the project's address")


def test_its_samples_are_there(clips):
    (cell,) = [cell for cell in nbformat.read(NOTEBOOK, 4).cells if "samples.fetch" in cell.source]
    names = re.findall(r'sample / "(.+?)"', cell.source)
    assert len(names) == 2 and all((clips / name).is_file() for name in names)


def test_cells_that_run_again_mean_the_same(tmp_path):
    """For another video, for one: paths still begin where the notebook was opened."""
    (tmp_path / "generate_train_data.py").touch()  # what the project's folder is known by
    sources = [cell.source for cell in nbformat.read(NOTEBOOK, 4).cells if cell.cell_type == "code"][:3]
    names = '\nVIDEO, DRIVER = "me.mp4", "you.mp4"\n'
    told = "print(os.getcwd(), os.environ['VIDEO'], os.environ['PROJECT'])"
    code = "\n".join([sources[0], names, *2 * sources[1:], told])
    result = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(made.ROOT)},
        capture_output=True,
        text=True,
    )
    assert result.stdout == f"{tmp_path / 'face2face-work'} {tmp_path / 'me.mp4'} {tmp_path}\n", result.stderr
