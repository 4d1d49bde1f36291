"""Training pairs on disk: which files are theirs, what one is, and how all of them take their places."""

import re
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from face2face import cli, files, pictures
from face2face.face.crop import CropBox
from face2face.face.drawing import draw
from face2face.sources.files import Source, source_path
from face2face.target import selection, sidecar
from face2face.target.selection import Candidate

ORIGINAL, LANDMARKS = "original", "landmarks"
"""The two folders that are written, of same-named images."""

PAIR_FILE = re.compile(r"[1-9]\d{0,8}\.png")
"""The names of pairs, which are numbered."""

PREVIEW = "preview.png"
PREVIEW_COLUMNS, PREVIEW_ROWS, PREVIEW_SIDE = 6, 4, 160
"""The contact sheet of `--preview`: pairs across and down, and the side of a picture in pixels."""


@dataclass
class Clip:
    """A source of frames that can be read more than once, and what was chosen of it."""

    name: str
    video: Source
    seen: selection.Scan
    chosen: list[Candidate]
    window: CropBox | None = None

    def describe(self) -> sidecar.Video:
        box = (self.window.left, self.window.top, self.window.side) if self.window else None
        name = self.name.rpartition("/")[2]  # of a stream's address, the end
        return sidecar.Video(name, self.seen.frame_size, self.video.fps, box)


def check(output_dir: Path, sources: list[str], count: int, overwrite: bool, preview: bool) -> files.IsOurs:
    """Raises: UserError if a source or another file is in the way. Returns which files are an earlier run's.

    Pictures have their mark, but for those of older versions: of them the sidecar tells, if none has a mark.
    """
    folders = [output_dir / ORIGINAL, output_dir / LANDMARKS]
    outputs = {folder.name: folder for folder in folders} | {
        PREVIEW: output_dir / PREVIEW if preview else None
    }
    paths = {f"--file {source}": source_path(source) for source in sources}
    files.check_apart(outputs, paths)
    for folder in folders:
        if not overwrite and folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise cli.UserError(f"{folder} holds data already: expected an empty place, or --overwrite")
    places = [folder.resolve() for folder in folders]
    known = sidecar.read(output_dir / LANDMARKS)
    listed = set(known.images) if known else set()
    if any(pictures.is_ours(folder / name) for folder in folders for name in listed):
        listed = set()

    def is_of_earlier_run(path: Path) -> bool:
        place = path.parent.resolve()
        if path.name == sidecar.FILE_NAME:
            return place == places[-1] and sidecar.is_ours(path)
        is_pair = place in places and PAIR_FILE.fullmatch(path.name) is not None
        return is_pair and (path.name in listed or pictures.is_ours(path))

    for folder in folders:
        for path in folder.iterdir() if folder.is_dir() else []:
            if path.name == sidecar.FILE_NAME or is_new_pair(path.name, count + len(sources)):
                files.check_replaceable(path, is_of_earlier_run)
    if preview:
        files.check_replaceable(output_dir / PREVIEW, pictures.is_ours)
    return is_of_earlier_run


def is_new_pair(name: str, count: int) -> bool:
    """Whether one of up to `count` pairs will have this name."""
    return PAIR_FILE.fullmatch(name) is not None and int(Path(name).stem) <= count


def write(clips: list[Clip], output_dir: Path, drawing: str, preview: bool, is_ours: files.IsOurs) -> int:
    """Write 1.png ... in both folders, and the sidecar, in place of an earlier run's; returns their number.

    Nothing is changed before all of it is written. Then the old sidecar goes first, and the new one comes
    last: folders without one are unfinished.
    """
    beside = sidecar.Sidecar([clip.describe() for clip in clips], drawing=drawing)
    with ExitStack() as stack:  # it moves the files into place, those that were entered last first
        place = files.whole_file(output_dir / PREVIEW, pictures.is_ours)
        sheet = stack.enter_context(place) if preview else None
        place = files.whole_folder(output_dir / LANDMARKS, is_ours, last=sidecar.FILE_NAME)
        drawings = stack.enter_context(place)
        originals = stack.enter_context(files.whole_folder(output_dir / ORIGINAL, is_ours, last="1.png"))
        with cli.progress(sum(len(clip.chosen) for clip in clips), "writing pairs", "pairs") as bar:
            for index, clip in enumerate(clips):
                points_of = {candidate.number: candidate.face.points for candidate in clip.chosen}
                for frame in clip.video.frames(points_of):
                    file = f"{len(beside.images) + 1}.png"
                    picture = cv2.cvtColor(frame.picture, cv2.COLOR_BGR2RGB)
                    picture, points, drawn = pair(picture, points_of[frame.number], clip.window, drawing)
                    pictures.write(originals / file, picture)
                    pictures.write(drawings / file, drawn)
                    beside.images[file] = sidecar.Entry(index, frame.number, points)
                    bar.update()
        if not beside.images:
            raise cli.UserError(
                "expected the chosen frames once more, got none: did the video change meanwhile?"
            )
        beside.write(drawings)
        if sheet is not None:
            pictures.write(sheet, contact_sheet(originals, drawings, list(beside.images)))
        (output_dir / LANDMARKS / sidecar.FILE_NAME).unlink(missing_ok=True)
    if sheet is not None:
        print(f"wrote {output_dir / PREVIEW}")
    return len(beside.images)


def contact_sheet(originals: Path, drawings: Path, names: list[str]) -> np.ndarray:
    """Pairs spread over the chosen frames, each picture above its drawing: uint8 (H, W, 3), RGB."""
    cells = []
    shown = min(len(names), PREVIEW_COLUMNS * PREVIEW_ROWS)
    for i in range(PREVIEW_COLUMNS * PREVIEW_ROWS):
        cell = np.zeros((2 * PREVIEW_SIDE, PREVIEW_SIDE, 3), np.uint8)
        if i < shown:
            name = names[i * len(names) // shown]
            for half, folder in zip(np.split(cell, 2), (originals, drawings), strict=True):
                picture = pictures.read(folder / name)
                half[:] = CropBox.padded(*picture.shape[1::-1]).picture(picture, PREVIEW_SIDE)
        cells.append(cell)
    rows = [np.hstack(cells[r : r + PREVIEW_COLUMNS]) for r in range(0, len(cells), PREVIEW_COLUMNS)]
    return np.vstack(rows)


def pair(
    frame: np.ndarray, points: np.ndarray, window: CropBox | None, style: str
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A frame and its points -> the picture, the points in it, and the drawing, as large.

    Without a window the picture is the whole frame, and the drawing is made in the square that holds it, with
    lines as wide as they will be when the frame's middle square has been scaled to model space.

    Args:
        frame: uint8 (H, W, 3), RGB. points: float (68, 2), in its pixels.
    Returns:
        picture and drawing uint8 (S, S, 3) or as the frame, RGB; points in pixels of both.
    """
    if window is not None:
        points = window.points(points)
        return window.picture(frame), points, draw(points, window.side, style)
    height, width = frame.shape[:2]
    square, middle = CropBox.padded(width, height), CropBox.centre(width, height)
    drawing = draw(square.points(points), square.side, style, middle.side)
    top, left = -square.top, -square.left
    return frame, points, drawing[top : top + height, left : left + width]
