import html
import re
from pathlib import Path
from urllib.parse import unquote

import cv2
import pytest

from face2face import metadata, pictures
from face2face.cli import UserError
from pix2pix import report
from tests import made


def sources(page: Path) -> list[str]:
    """What a browser asks for."""
    return [
        html.unescape(s).split("#")[0].split("?")[0]
        for s in re.findall(r'<img src="([^"]+)"', page.read_text())
    ]


def names(page: Path) -> list[str]:
    return re.findall(r"<b>([^<]+)</b>", page.read_text())


@pytest.fixture
def rows(tmp_path) -> list[report.Row]:
    shown = {"inputs": made.noise(8, 8, 1), "outputs": made.noise(8, 8, 2)}
    return [
        report.write_row(tmp_path, name, shown, measures=f"SSIM {1 - badness}", badness=badness)
        for name, badness in (("good", 0.1), ("worst", 0.9), ("middling", 0.5))
    ]


def test_a_row_writes_a_picture_of_each_kind(tmp_path, rows):
    assert rows[0].files == {"inputs": "images/good-inputs.png", "outputs": "images/good-outputs.png"}
    assert (pictures.read(tmp_path / "images/good-outputs.png") == made.noise(8, 8, 2)).all()


@pytest.mark.parametrize("filetype", ["png", "jpeg"])
def test_painted_pictures_say_in_their_metadata_that_they_are_synthetic(tmp_path, filetype):
    """The drawings and the filmed faces beside them do not; all are ours to replace."""
    kinds = ("inputs", "outputs", "targets")
    shown = {kind: made.noise(8, 8, seed) for seed, kind in enumerate(kinds)}
    report.write_row(tmp_path, "1", shown, filetype)
    paths = {kind: tmp_path / f"images/1-{kind}.{filetype}" for kind in kinds}
    said = {kind for kind, path in paths.items() if metadata.SOURCE_TYPE.encode() in path.read_bytes()}
    assert said == {"outputs"}
    assert all(pictures.is_ours(path) for path in paths.values())


def test_each_picture_of_the_page_exists(tmp_path, rows):
    found = sources(report.write_page(tmp_path, rows, "test"))
    assert len(found) == 6
    assert all((tmp_path / source).is_file() for source in found)


def test_the_worst_comes_first(tmp_path, rows):
    assert names(report.write_page(tmp_path, rows, "test")) == ["worst", "middling", "good"]


def test_the_page_has_title_summary_and_measures(tmp_path, rows):
    page = report.write_page(tmp_path, rows, "a title", "mean over all: 0.5").read_text()
    assert "<h1>a title</h1>" in page and "mean over all: 0.5" in page and "SSIM 0.9" in page


@pytest.mark.parametrize("name", ["a&b<c>", "50% #1", "what?"])
def test_names_with_special_characters(tmp_path, name):
    row = report.write_row(tmp_path, name, {"inputs": made.noise(8, 8)})
    page = report.write_page(tmp_path, [row], f"<{name}>")
    (source,) = sources(page)
    assert (tmp_path / unquote(source)).is_file()
    assert names(page) == [html.escape(name)]
    assert f"<h1>{html.escape(f'<{name}>')}</h1>" in page.read_text()


def test_steps_of_a_training_come_newest_first(tmp_path):
    for step in (100, 200):
        report.add_step(tmp_path, step, {"inputs": made.noise(8, 8), "outputs": made.noise(8, 8, step)})
    page = tmp_path / "index.html"
    assert names(page) == ["00000200", "00000100"]
    assert all((tmp_path / source).is_file() for source in sources(page))


def test_a_training_goes_on_over_pictures_of_an_older_version(tmp_path):
    """Stopped between two checkpoints, it comes to some steps again; their pictures are not marked."""
    shown = {"inputs": made.noise(8, 8), "outputs": made.noise(8, 8, 1)}
    for step in (100, 200, 300):
        report.add_step(tmp_path, step, shown)
    for path in (tmp_path / "images").iterdir():
        cv2.imwrite(str(path), made.noise(4, 4))
    for step in (200, 300):
        report.add_step(tmp_path, step, shown)
    assert (pictures.read(tmp_path / "images/00000300-outputs.png") == made.noise(8, 8, 1)).all()


def test_other_pictures_in_the_folder_are_no_steps(tmp_path):
    pictures.write(tmp_path / "images/mine-outputs.png", made.noise(8, 8))
    report.add_step(tmp_path, 100, {"inputs": made.noise(8, 8), "outputs": made.noise(8, 8)})
    assert names(tmp_path / "index.html") == ["00000100"]


def test_another_page_is_not_replaced(tmp_path, rows):
    (tmp_path / "index.html").write_text("<p>notes</p>")
    with pytest.raises(UserError, match="expected a new file, or an older one of this kind to replace"):
        report.write_page(tmp_path, rows, "test")
    assert (tmp_path / "index.html").read_text() == "<p>notes</p>"


def test_a_page_without_a_picture_has_its_summary(tmp_path):
    page = report.write_page(tmp_path, [], "cross", "no face was found").read_text()
    assert "0 images" in page and "no face was found" in page
