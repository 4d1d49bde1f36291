"""index.html of a test, or of a training's pictures: one row an image, judged at a glance."""

import html
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import numpy as np

from face2face.cli import whole_output
from pix2pix import images

IMAGES = "images"
PAGE = "index.html"

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
    """name: the image's. files: path relative to the page, by kind (inputs, outputs, targets).

    measures: what is said of it, if anything. badness: the worst image comes first on the page.
    """

    name: str
    files: dict[str, str]
    measures: str = ""
    badness: float = 0.0


def write_row(
    folder: Path,
    name: str,
    pictures: dict[str, np.ndarray],
    filetype: str = "png",
    measures: str = "",
    badness: float = 0.0,
) -> Row:
    """Write an image's pictures, uint8 (H, W, 3) RGB by kind, as images/NAME-KIND.FILETYPE."""
    (folder / IMAGES).mkdir(parents=True, exist_ok=True)
    files = {kind: f"{IMAGES}/{name}-{kind}.{filetype}" for kind in pictures}
    for kind, picture in pictures.items():
        images.write(folder / files[kind], picture)
    return Row(name, files, measures, badness)


def write_page(folder: Path, rows: list[Row], title: str, summary: str = "") -> Path:
    """Write the page, the worst image first. summary: lines of plain text, above the images."""
    rows = sorted(rows, key=lambda row: -row.badness)
    kinds = list(rows[0].files)
    head = "".join(f"<th>{text}</th>" for text in ["image", *kinds])
    body = "\n".join(_row(row) for row in rows)
    page = (
        f'<!doctype html>\n<html lang="en"><meta charset="utf-8"><title>{html.escape(title)}</title>\n'
        f"<style>{_STYLE}</style>\n<h1>{html.escape(title)}</h1>\n"
        f"<p>{len(rows)} images. The outputs are synthetic: painted by a neural network.</p>\n"
        f"<pre>{html.escape(summary)}</pre>\n"
        f"<table>\n<tr>{head}</tr>\n{body}\n</table>\n</html>\n"
    )
    path = folder / PAGE
    with whole_output(path) as unfinished:
        unfinished.write_text(page, encoding="utf-8")
    return path


def _row(row: Row) -> str:
    measures = html.escape(row.measures).replace(", ", "<br>")
    pictures = "".join(
        f'<td><a href="{file}"><img src="{file}" alt="{kind}" loading="lazy"></a></td>'
        for kind, file in ((kind, quote(file)) for kind, file in row.files.items())
    )
    return f'<tr><td class="name"><b>{html.escape(row.name)}</b><br>{measures}</td>{pictures}</tr>'


def add_step(folder: Path, step: int, pictures: dict[str, np.ndarray]) -> None:
    """Write a training step's pictures and the page of all steps that have some, the newest first."""
    write_row(folder, f"{step:08d}", pictures)
    steps = sorted({p.name.split("-")[0] for p in (folder / IMAGES).glob("*-outputs.png")}, reverse=True)
    rows = [Row(s, {kind: f"{IMAGES}/{s}-{kind}.png" for kind in pictures}) for s in steps]
    write_page(folder, rows, "training")
