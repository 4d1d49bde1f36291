"""The figures of the networks: encoder and decoder, their blocks, the U-Net, the discriminator's patches."""

import math
from collections.abc import Callable

import numpy as np

from docs.figure_data import Scene, Shape, blocks, patch_of, shape_text
from docs.figure_parts import (
    DECODER,
    DISCRIMINATOR,
    ENCODER,
    INK,
    MUTED,
    PATCH,
    PROBABILITY,
    SMALL_FONT,
    SYNTHETIC,
    Area,
    Canvas,
    activation,
    coloured,
)


def encoder_decoder(scene: Scene) -> Canvas:
    """The generator's maps, without its skip connections."""
    canvas, side, middle = Canvas(3.75), 0.95, 1.45
    drawing, _ = scene.pairs[0]
    members = blocks(scene.generator)
    colours = [ENCODER if name.startswith("encoder") else DECODER for name in members]
    maps = [(drawing.shape, INK)]
    maps += [(block.output, colour) for block, colour in zip(members.values(), colours, strict=True)]
    left, right = 0.1 + side + 0.12, 8.9 - side - 0.12
    canvas.picture(drawing, 0.1, middle - side / 2, side, "input")
    canvas.picture(scene.painted, 8.9 - side, middle - side / 2, side, SYNTHETIC.replace(" ", "\n"))
    draw_maps(canvas, maps, (left, right), middle)
    halfway = left + (right - left) * (1 + colours.count(ENCODER)) / len(maps)
    canvas.text((left + halfway) / 2, 0.12, "encoder", color=ENCODER, weight="bold")
    canvas.text((halfway + right) / 2, 0.12, "decoder", color=DECODER, weight="bold")
    return canvas


def draw_maps(
    canvas: Canvas, maps: list[tuple[Shape, str]], across: tuple[float, float], middle: float
) -> None:
    """Maps seen from the side, with their shapes: the higher the larger, the wider the more channels.

    Args:
        maps: shape and colour of each, from left to right.
        across: left and right end of the row. middle: its height's middle.
    """
    tallest, thinnest, thickest = 2.3, 0.06, 0.3
    left, right = across
    step = (right - left) / len(maps)
    largest, most = (max(shape[axis] for shape, _ in maps) for axis in (0, 2))
    for place, (shape, colour) in enumerate(maps):
        height = tallest * math.log2(2 * shape[0]) / math.log2(2 * largest)
        width = thinnest + (thickest - thinnest) * math.sqrt(shape[2] / most)
        centre = left + (place + 0.5) * step
        canvas.slab(Area(centre - width / 2, middle - height / 2, width, height), colour)
        below = middle + tallest / 2 + 0.08
        canvas.text(centre, below, shape_text(shape), SMALL_FONT, rotation=90, va="top")


def inside_the_blocks(scene: Scene) -> Canvas:
    """The layers of an encoder's, a decoder's and a discriminator's block, with the shape after each."""
    canvas, side, wide = Canvas(4.2), 0.72, 1.08
    generator, judge = blocks(scene.generator), blocks(scene.discriminator)
    rows = (
        (generator["encoder_3"], ["encoder_2"], ENCODER),
        (generator["decoder_1"], ["decoder_2", "encoder_1"], DECODER),
        (judge["layer_2"], ["layer_1"], DISCRIMINATOR),
    )
    for row, (block, read, colour) in enumerate(rows):
        y = 0.35 + row * 1.36
        network = "discriminator" if block.name in judge else "generator"
        words = f"{block.name} of the {network}, which reads {' and '.join(read)}"
        canvas.text(0.1, y - 0.17, words, color=colour, ha="left", weight="bold")
        read_side = side if len(read) == 1 else side / 2 - 0.02
        before = [
            canvas.picture(activation(scene.maps[name]), 0.1, y + place * (side - read_side), read_side)
            for place, name in enumerate(read)
        ]
        channels = " + ".join(str(scene.maps[name].shape[2]) for name in read)
        height, width, _ = block.input
        channels = channels if len(read) == 1 else f"({channels})"
        canvas.text(0.06, y + side + 0.07, f"{height}×{width}×{channels}", SMALL_FONT, va="top", ha="left")
        x = 0.1 + side + 0.8
        for layer in block.layers:
            box = canvas.box(layer_text(layer), Area(x, y + 0.04, wide, side - 0.08), colour)
            canvas.text(
                x + wide / 2, y + side + 0.07, shape_text(layer.output.shape[1:]), SMALL_FONT, va="top"
            )
            for each in before:
                canvas.arrow(each.right, (box.x, each.right[1]))
            x, before = x + wide + 0.22, [box]
        after = canvas.picture(activation(scene.maps[block.name]), x + 0.06, y, side)
        canvas.arrow(box.right, after.left)
    return canvas


def layer_text(layer) -> str:
    """A layer's name in the field's words, with its settings."""
    kind = type(layer).__name__
    if kind == "Concatenate":
        return "concatenate"
    if kind == "LeakyReLU":
        return f"LeakyReLU\nslope {layer.negative_slope:g}"
    if kind == "ZeroPadding2D":
        return f"zero padding\n{layer.padding[0][0]}"
    if "Conv" in kind:
        size = "×".join(str(side) for side in layer.kernel.shape[:2])
        if kind == "NearestConv2DTranspose":
            return f"nearest ×2\n+ conv {size}"
        return f"conv {size}\nstride {layer.strides[0]}"
    return {"BatchNorm": "batch norm", "OpponentToRGB": "opponent\n→ RGB"}.get(kind, kind)


def u_net(scene: Scene) -> Canvas:
    """The generator's real maps, the encoder's at the left, the decoder's at the right, skips between."""
    members = blocks(scene.generator)
    levels = sum(name.startswith("encoder") for name in members)
    sides = np.geomspace(1.25, 0.3, levels + 1)
    gap, middle = 0.2, 4.5
    canvas = Canvas(float(sides.sum() + gap * levels + 0.2))
    drawing, _ = scene.pairs[0]
    y, above = 0.05, None
    for level, side in enumerate(sides):
        out = 2.7 - 0.17 * level
        left, right = middle - out - side, middle + out
        if level == 0:
            down = canvas.picture(drawing, left, y, side)
            up = canvas.picture(scene.painted, right, y, side)
            canvas.text(left + side + 0.1, y + side / 2, f"input\n{shape_text(drawing.shape)}", ha="left")
            painted = f"{SYNTHETIC}\n{shape_text(scene.painted.shape)}"
            canvas.text(right - 0.1, y + side / 2, painted, ha="right")
        elif level == levels:
            left = middle - side / 2
            down = up = canvas.picture(activation(scene.maps[f"encoder_{level}"]), left, y, side)
            shape = shape_text(members[f"encoder_{level}"].output)
            canvas.text(middle, y - 0.12, f"encoder_{level}: {shape}", SMALL_FONT)
        else:
            encoder, decoder = f"encoder_{level}", f"decoder_{level + 1}"
            down = canvas.picture(activation(scene.maps[encoder]), left, y, side)
            up = canvas.picture(activation(scene.maps[decoder]), right, y, side)
            canvas.text(left - 0.1, y + side / 2, encoder, SMALL_FONT, ha="right", color=ENCODER)
            canvas.text(right + side + 0.1, y + side / 2, decoder, SMALL_FONT, ha="left", color=DECODER)
            canvas.arrow((left + side + 0.05, down.right[1]), (right - 0.05, up.left[1]), colour=MUTED)
            joined = members[f"decoder_{level}"].input
            skipped, below = members[encoder].output, members[decoder].output
            high = y + side / 2 - 0.12
            if level == 1:
                canvas.text(middle, high, "skip connection", SMALL_FONT, color=MUTED)
            canvas.text(left + side + 0.1, high, shape_text(skipped), SMALL_FONT, ha="left")
            words = f"{joined[0]}×{joined[1]}×({below[2]} + {skipped[2]})"
            canvas.text(right - 0.1, high, words, SMALL_FONT, ha="right")
        if above:
            ends = (down.left, up.right) if level == levels else (down.top, up.top)
            for (start, end), colour in zip(
                ((above[0].bottom, ends[0]), (ends[1], above[1].bottom)), (ENCODER, DECODER), strict=True
            ):
                canvas.arrow(start, *corner(start, end, level == levels), end, colour=colour)
        above = down, up
        y += side + gap
    return canvas


def corner(start: tuple[float, float], end: tuple[float, float], turns: bool) -> list[tuple[float, float]]:
    """The place where a line from one map to another turns, if it does: below the higher one's middle."""
    if not turns:
        return []
    return [(start[0], end[1])] if start[1] < end[1] else [(end[0], start[1])]


def patches(scene: Scene) -> Canvas:
    """The discriminator's maps as slabs, its answers to both pairs, and the patch that one answer is of."""
    canvas, side = Canvas(4.6), 1.5
    drawing, face = scene.pairs[0]
    members, patch = blocks(scene.discriminator), patch_of(scene.discriminator)
    joined = tuple(members["layer_1"].layers[0].input.shape[1:])
    maps = [joined, *(block.output for block in members.values())]
    size, answers = joined[0], maps[-1][0]
    row, column = round(0.6 * (answers - 1)), round(0.5 * (answers - 1))
    rows = (
        (0.1, face, "target", scene.training.real_map),
        (2.1, scene.training.painted, SYNTHETIC, scene.training.painted_map),
    )
    for y, shown, caption, answer in rows:
        canvas.picture(drawing, 0.1, y, side, "input")
        pair = canvas.picture(shown, 0.1 + side + 0.03, y, side, caption)
        answered = canvas.picture(coloured(answer, PROBABILITY), 7.4, y, side)
        canvas.text(answered.bottom[0], y + side + 0.07, shape_text(answer.shape), SMALL_FONT, va="top")
        for x in (0.1, pair.x):
            canvas.outline(
                pixels_in(Area(x, y, side, side), size, patch.begin, row, column, patch.size), PATCH
            )
        canvas.outline(pixels_in(answered, answers, lambda place: place, row, column, 1), PATCH)
        canvas.arrow((pair.right[0] + 0.06, y + side / 2), (3.6, y + side / 2))
        canvas.arrow((7.0, y + side / 2), (answered.x - 0.06, y + side / 2))
    colours = [INK, *[DISCRIMINATOR] * len(members)]
    draw_maps(canvas, list(zip(maps, colours, strict=True)), (3.65, 6.95), 1.85)
    canvas.text(5.3, 0.3, "discriminator", color=DISCRIMINATOR, weight="bold")
    canvas.scale(Area(7.1, 4.25, 1.2, 0.14), PROBABILITY, "0: painted", "1: real")
    words = f"outlined: a patch of {patch.size}×{patch.size} pixels, and the answer to it"
    canvas.text(0.1, 4.32, words, SMALL_FONT, ha="left", color=PATCH)
    return canvas


def pixels_in(area: Area, count: int, begin: Callable, row: int, column: int, size: int) -> Area:
    """Where a patch lies in a picture of `count` pixels a side, without what is outside of it."""
    unit = area.width / count
    (top, bottom), (left, right) = (
        (max(begin(place), 0), min(begin(place) + size, count)) for place in (row, column)
    )
    return Area(area.x + left * unit, area.y + top * unit, (right - left) * unit, (bottom - top) * unit)
