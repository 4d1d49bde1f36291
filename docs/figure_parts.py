"""The parts that all figures are drawn from: pictures, boxes, networks, arrows, in one style.

Coordinates are inches from the upper left corner; sizes are chosen for a README that is 9 inches wide.
"""

import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib import colormaps
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch, Polygon, Rectangle
from PIL import Image, PngImagePlugin

from face2face import files, pictures

DPI = 144
FONT, SMALL_FONT = 11, 10
"""In points. GitHub shows a README about 9 inches wide, at 92 pixels an inch: 10 points are 13 pixels."""

COLOURS = 256
"""Of a picture's palette, the most that a PNG can have."""

INK, ENCODER, DECODER, DISCRIMINATOR = "#24292f", "#2f6db5", "#d0741c", "#3a8a57"
GRADIENT, PATCH, MUTED = "#b3261e", "#b017c9", "#656d76"

PROBABILITY = colormaps["RdBu"]
"""Of the discriminator's maps: red is painted, blue is real."""

ACTIVATION = colormaps["viridis"]
BRIGHTEST = 0.02
"""Share of a map that is drawn in the brightest colour: a few places have many times the others' values."""
ERROR = colormaps["inferno"]

SYNTHETIC = "painted (synthetic)"
"""Stands below each face that no camera took."""


@dataclass(frozen=True)
class Area:
    """A rectangle of a figure, in inches."""

    x: float
    y: float
    width: float
    height: float

    @property
    def left(self) -> tuple[float, float]:
        return self.x, self.y + self.height / 2

    @property
    def right(self) -> tuple[float, float]:
        return self.x + self.width, self.y + self.height / 2

    @property
    def top(self) -> tuple[float, float]:
        return self.x + self.width / 2, self.y

    @property
    def bottom(self) -> tuple[float, float]:
        return self.x + self.width / 2, self.y + self.height


class Canvas:
    """An empty figure, white, to draw the parts on."""

    def __init__(self, height: float, width: float = 9.0):
        self.figure = Figure((width, height), dpi=DPI, facecolor="white")
        self._axes = self.figure.add_axes((0, 0, 1, 1))
        self._axes.set_axis_off()
        self._limits = (0, width), (height, 0)
        self._axes.set(xlim=self._limits[0], ylim=self._limits[1])

    def text(self, x: float, y: float, words: str, size: float = FONT, **how) -> None:
        """Words centred at a place; `how`: arguments of matplotlib's text."""
        how = {"ha": "center", "va": "center", "color": INK, "linespacing": 1.25} | how
        self._axes.text(x, y, words, fontsize=size, **how)

    def picture(self, pixels: np.ndarray, x: float, y: float, side: float, caption: str = "") -> Area:
        """A square picture: float (S, S, 3) in [-1, 1], or uint8, RGB. The caption stands below it."""
        if pixels.dtype != np.uint8:
            pixels = np.rint((np.clip(pixels, -1, 1) + 1) * 127.5).astype(np.uint8)
        smooth = pixels.shape[0] > side * DPI
        how = "antialiased" if smooth else "nearest"
        self._axes.imshow(pixels, extent=(x, x + side, y + side, y), interpolation=how, aspect="auto")
        self._axes.set(xlim=self._limits[0], ylim=self._limits[1])  # which imshow has changed
        if caption:
            self.text(x + side / 2, y + side + 0.07, caption, SMALL_FONT, va="top")
        return Area(x, y, side, side)

    def box(self, words: str, area: Area, colour: str, size: float = SMALL_FONT) -> Area:
        """Words in a box with round corners."""
        shape = "round,pad=0,rounding_size=0.06"
        at = (area.x, area.y)
        self._axes.add_patch(
            FancyBboxPatch(at, area.width, area.height, shape, facecolor="white", edgecolor=colour, lw=1.6)
        )
        self.text(area.x + area.width / 2, area.y + area.height / 2, words, size)
        return area

    def slab(self, area: Area, colour: str) -> Area:
        """A map, seen from the side."""
        at = (area.x, area.y)
        self._axes.add_patch(Rectangle(at, area.width, area.height, facecolor=colour, edgecolor="none"))
        return area

    def outline(self, area: Area, colour: str, width: float = 2.0) -> Area:
        at = (area.x, area.y)
        self._axes.add_patch(Rectangle(at, area.width, area.height, fill=False, edgecolor=colour, lw=width))
        return area

    def generator(self, area: Area, words: str = "generator") -> Area:
        """An hourglass: the encoder narrows, the decoder widens."""
        x, y, w, h = area.x, area.y, area.width, area.height
        waist = (y + h * 0.38, y + h * 0.62)
        middle = x + w / 2
        for outer, colour in ((x, ENCODER), (x + w, DECODER)):
            corners = [(outer, y), (middle, waist[0]), (middle, waist[1]), (outer, y + h)]
            self._axes.add_patch(Polygon(corners, facecolor=colour, edgecolor="none"))
        self.text(middle, y + h + 0.07, words, SMALL_FONT, va="top")
        return area

    def discriminator(self, area: Area, words: str = "discriminator") -> Area:
        """A wedge that narrows to the map."""
        x, y, w, h = area.x, area.y, area.width, area.height
        corners = [(x, y), (x + w, y + h * 0.12), (x + w, y + h * 0.88), (x, y + h)]
        self._axes.add_patch(Polygon(corners, facecolor=DISCRIMINATOR, edgecolor="none"))
        self.text(x + w / 2, y + h / 2, words, SMALL_FONT, color="white", rotation=90)
        return area

    def line(self, *places: tuple[float, float]) -> None:
        self._axes.plot(*zip(*places, strict=True), color=INK, linewidth=1.5)

    def arrow(self, *places: tuple[float, float], colour: str = INK, dashed: bool = False) -> None:
        """A line through the places, with a head at the last."""
        style = {"color": colour, "linewidth": 1.5, "linestyle": (0, (3, 2)) if dashed else "solid"}
        *before, end = places
        self._axes.plot(*zip(*before, end, strict=True), solid_joinstyle="miter", zorder=3, **style)
        head = {"arrowstyle": "-|>", "color": colour, "shrinkA": 0, "shrinkB": 0, "mutation_scale": 13}
        way = np.subtract(end, before[-1])
        near = np.subtract(end, way * 0.01 / np.hypot(*way))
        self._axes.annotate("", end, near, arrowprops=head, zorder=4)

    def scale(self, area: Area, colours, low: str, high: str) -> None:
        """What the colours of a map mean: a bar, with words at its left and right."""
        bar = colours(np.linspace(0, 1, 128))[None, :, :3]
        extent = (area.x, area.x + area.width, area.y + area.height, area.y)
        self._axes.imshow(bar, extent=extent, aspect="auto")
        self._axes.set(xlim=self._limits[0], ylim=self._limits[1])
        middle = area.y + area.height / 2
        self.text(area.x - 0.08, middle, low, SMALL_FONT, ha="right")
        self.text(area.x + area.width + 0.08, middle, high, SMALL_FONT, ha="left")

    def save(self, path: Path) -> None:
        """Write it as a PNG with a palette. Raises: UserError if another file is in the way."""
        drawn, encoded = io.BytesIO(), io.BytesIO()
        self.figure.savefig(drawn, format="png")
        maker = PngImagePlugin.PngInfo()
        maker.add_text("Software", pictures.SOFTWARE)  # by which a later run knows that it may be replaced
        # Of Pillow's ways to a palette this keeps the drawings' few bright colours, among many dull ones.
        palette = {"method": Image.Quantize.MAXCOVERAGE, "kmeans": 3, "dither": Image.Dither.NONE}
        picture = Image.open(drawn).convert("RGB").quantize(COLOURS, **palette)
        picture.save(encoded, format="png", optimize=True, pnginfo=maker)
        files.write_bytes(path, encoded.getvalue(), pictures.is_ours)


def coloured(values: np.ndarray, colours, low: float = 0.0, high: float = 1.0) -> np.ndarray:
    """float (H, W) as a picture, uint8 (H, W, 3): `low` and `high` are the ends of the colours."""
    share = np.clip((values - low) / max(high - low, 1e-9), 0, 1)
    return (colours(share)[..., :3] * 255).round().astype(np.uint8)


def activation(values: np.ndarray) -> np.ndarray:
    """A map as a picture: where it differs from its background, the median over the map of each channel.

    Args:
        values: float (H, W, C).
    Returns:
        uint8 (H, W, 3): the brightest places are the `BRIGHTEST` that differ most.
    """
    difference = np.abs(values - np.median(values, axis=(0, 1))).mean(axis=-1)
    return coloured(difference, ACTIVATION, 0.0, float(np.quantile(difference, 1 - BRIGHTEST)))
