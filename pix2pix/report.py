"""The page index.html of a test, or of a training's sample pictures: a table with one row per image."""

import html
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import numpy as np

from face2face import files, metadata, pictures

IMAGES = "images"
PAGE = "index.html"

OUTPUTS = "outputs"
"""The kind of picture that a generator painted: its metadata says that it is synthetic."""

_META_TAG = '<meta name="generator" content="face2face">'
_STATEMENT = "The outputs are synthetic: painted by a neural network."
"""Pages of this project contain both; pages of older versions contain only the statement."""

_STEP = re.compile(r"(\d{8,})-\w+\.png")
"""Name of a training's sample picture."""

_STYLE = """
body { font: 15px/1.4 system-ui, sans-serif; margin: 2rem auto; max-width: 62rem; padding: 0 1rem;
       color: #222; background: #fafafa }
table { border-collapse: collapse; width: 100% }
th { text-align: left; position: sticky; top: 0; background: #fafafa; padding: .4rem }
td { padding: .4rem; border-top: 1px solid #ddd; vertical-align: top }
img { width: 100%; max-width: 256px; display: block; image-rendering: auto }
td.name { font-variant-numeric: tabular-nums; white-space: nowrap }
"""


@dataclass(frozen=True)
class Row:
    """A row of the page.

    Attributes:
        name: The image's name.
        files: Paths of its pictures relative to the page, by kind (inputs, outputs, targets).
        measures: Text about the image; empty if there is none.
        badness: The image with the highest value comes first on the page.
    """

    name: str
    files: dict[str, str]
    measures: str = ""
    badness: float = 0.0


def write_row(
    folder: Path,
    name: str,
    shown: dict[str, np.ndarray],
    filetype: str = "png",
    measures: str = "",
    badness: float = 0.0,
    replaceable: files.IsOurs | None = None,
) -> Row:
    """Write an image's pictures as images/NAME-KIND.FILETYPE.

    Args:
        folder: The report's folder.
        name: The image's name.
        shown: Pictures by kind, uint8 (H, W, 3), RGB. Those of the kind `OUTPUTS` count as painted.
        filetype: png or jpeg.
        measures: As in `Row`.
        badness: As in `Row`.
        replaceable: Which existing files may be replaced; None: pictures of such a report.

    Raises:
        UserError: If another file is in the place of a picture.
    """
    names = picture_names(name, list(shown), filetype)
    for kind, picture in shown.items():
        xmp = metadata.xmp(None) if kind == OUTPUTS else b""  # a test of the same model writes the same files
        pictures.write(folder / names[kind], picture, xmp, replaceable or is_picture)
    return Row(name, names, measures, badness)


def picture_names(name: str, kinds: Sequence[str], filetype: str) -> dict[str, str]:
    """Paths of an image's pictures relative to the page, by kind."""
    return {kind: f"{IMAGES}/{name}-{kind}.{filetype}" for kind in kinds}


def is_page(path: Path) -> bool:
    """Whether a file is a page of this project."""
    text = _text_of(path)
    return _META_TAG in text or _STATEMENT in text


def is_picture(path: Path) -> bool:
    """Whether a file in a report's folder of pictures belongs to the report.

    Older versions wrote no provenance into pictures and pages: there the page lists the pictures.
    """
    if pictures.is_ours(path):
        return True
    page = _text_of(path.parent.parent / PAGE)
    return _STATEMENT in page and _META_TAG not in page and f'src="{quote(f"{IMAGES}/{path.name}")}"' in page


def _is_of_step(path: Path) -> bool:
    """Whether a file is a sample picture of a training, which is named by its step."""
    return pictures.is_ours(path) or bool(_STEP.fullmatch(path.name))


def _text_of(path: Path) -> str:
    """A page's text; empty if there is none."""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, ValueError):
        return ""


def write_page(folder: Path, rows: list[Row], title: str, summary: str = "") -> Path:
    """Write the page, the worst image first.

    Args:
        folder: The report's folder.
        rows: The images.
        title: Title of the page.
        summary: Lines of plain text above the images.

    Returns:
        The page's path.

    Raises:
        UserError: If another page is in its place.
    """
    rows = sorted(rows, key=lambda row: -row.badness)
    kinds = list(rows[0].files) if rows else []
    head = "".join(f"<th>{text}</th>" for text in ["image", *kinds])
    body = "\n".join(_row(row) for row in rows)
    page = (
        f'<!doctype html>\n<html lang="en"><meta charset="utf-8">{_META_TAG}'
        f"<title>{html.escape(title)}</title>\n"
        f"<style>{_STYLE}</style>\n<h1>{html.escape(title)}</h1>\n"
        f"<p>{len(rows)} images. {_STATEMENT}</p>\n"
        f"<pre>{html.escape(summary)}</pre>\n"
        f"<table>\n<tr>{head}</tr>\n{body}\n</table>\n</html>\n"
    )
    path = folder / PAGE
    files.write_text(path, page, is_page)
    return path


def _row(row: Row) -> str:
    measures = html.escape(row.measures).replace(", ", "<br>")
    pictures = "".join(
        f'<td><a href="{file}"><img src="{file}" alt="{kind}" loading="lazy"></a></td>'
        for kind, file in ((kind, quote(file)) for kind, file in row.files.items())
    )
    return f'<tr><td class="name"><b>{html.escape(row.name)}</b><br>{measures}</td>{pictures}</tr>'


def add_step(folder: Path, step: int, shown: dict[str, np.ndarray]) -> None:
    """Write the sample pictures of a training step, and the page of all steps, the newest first."""
    write_row(folder, f"{step:08d}", shown, replaceable=_is_of_step)
    found = (_STEP.fullmatch(path.name) for path in (folder / IMAGES).glob(f"*-{OUTPUTS}.png"))
    steps = sorted({match[1] for match in found if match}, reverse=True)
    rows = [Row(s, picture_names(s, list(shown), "png")) for s in steps]
    write_page(folder, rows, "training")
