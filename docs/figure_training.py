"""The figures of the training: pairs, what each network is to learn, a step of both."""

from itertools import pairwise

import numpy as np

from docs.figure_data import Scene, blocks, shape_text
from docs.figure_parts import (
    ERROR,
    GRADIENT,
    INK,
    MUTED,
    PROBABILITY,
    SMALL_FONT,
    SYNTHETIC,
    Area,
    Canvas,
    coloured,
)


def pairs(scene: Scene) -> Canvas:
    """Input and target of three pairs."""
    canvas, side = Canvas(1.8), 1.42
    for place, (drawing, face) in enumerate(scene.pairs):
        x = 0.04 + place * 3.04
        canvas.picture(drawing, x, 0.05, side, "input")
        canvas.picture(face, x + side + 0.02, 0.05, side, "target")
    return canvas


def what_the_generator_learns(scene: Scene) -> Canvas:
    """One drawing through the generator before and after its training, beside the target."""
    canvas, side = Canvas(4.0), 1.5
    drawing, face = scene.pairs[0]
    read = canvas.picture(drawing, 0.1, 1.1, side, "input")
    target = canvas.picture(face, 7.4, 1.1, side, "target")
    rows = ((0.1, scene.untrained, "step 0"), (2.15, scene.painted, f"step {scene.step:,}"))
    for y, painted, when in rows:
        network = canvas.generator(Area(2.25, y + 0.2, 1.2, side - 0.4), f"generator, {when}")
        output = canvas.picture(painted, 4.1, y, side, SYNTHETIC)
        canvas.arrow(read.right, network.left)
        canvas.arrow(network.right, output.left)
        canvas.arrow(output.right, target.left)
        distance = float(np.abs(painted - face).mean())
        canvas.text(6.5, y + side / 2 + (-0.25 if y < 1 else 0.25), f"L1 {distance:.3f}")
    return canvas


def what_the_discriminator_sees(scene: Scene) -> Canvas:
    """A real pair and a painted one before the same discriminator."""
    canvas, side = Canvas(4.0), 1.5
    drawing, face = scene.pairs[0]
    joined = shape_text(tuple(blocks(scene.discriminator)["layer_1"].layers[0].input.shape[1:]))
    judge = canvas.discriminator(Area(5.0, 0.1, 1.0, 3.55))
    rows = (
        (0.1, face, "target", scene.training.real_map, "real"),
        (2.1, scene.training.painted, SYNTHETIC, scene.training.painted_map, "painted"),
    )
    for y, shown, caption, answer, truth in rows:
        middle = y + side / 2
        canvas.picture(drawing, 0.1, y, side, "input")
        pair = canvas.picture(shown, 0.1 + side + 0.03, y, side, caption)
        canvas.text(4.1, middle - 0.2, joined, SMALL_FONT)
        canvas.arrow((pair.right[0] + 0.05, middle), (judge.x - 0.05, middle))
        canvas.arrow((judge.x + judge.width + 0.05, middle), (6.75, middle))
        canvas.text(
            6.9, middle - 0.14, f"real with probability {answer.mean():.2f}", ha="left", size=SMALL_FONT
        )
        canvas.text(6.9, middle + 0.14, f"(it should say: {truth})", ha="left", size=SMALL_FONT, color=MUTED)
    return canvas


def discriminator_step(scene: Scene) -> Canvas:
    """How the discriminator's loss comes about, and whose weights it changes."""
    canvas, side, high, low = Canvas(4.5), 1.2, 0.1, 2.1
    drawing, face = scene.pairs[0]
    step = scene.training
    judge = canvas.discriminator(Area(4.4, 0.1, 0.8, 3.25))
    canvas.picture(drawing, 2.72 - side - 0.03, high, side, "input")
    real = canvas.picture(face, 2.72, high, side, "target")
    read, painted = draw_painting(canvas, drawing, step.painted, low, side)
    above = read.top[0], low - 0.18
    canvas.arrow(read.top, above, (4.15, above[1]), (4.15, low + 0.3), (judge.x, low + 0.3))
    rows = (
        (real, step.real_map, f"cross-entropy\nwith 1 (real):\n{step.real_loss:.3f}"),
        (painted, step.painted_map, f"cross-entropy\nwith 0 (painted):\n{step.painted_loss:.3f}"),
    )
    boxes = [draw_judgement(canvas, judge, *row) for row in rows]
    total = step.real_loss + step.painted_loss
    words = f"discriminator's loss\n{step.real_loss:.3f} + {step.painted_loss:.3f} = {total:.2f}"
    loss = draw_sum(canvas, boxes, words, Area(5.6, 3.75, 3.3, 0.55))
    canvas.arrow(loss.left, (judge.bottom[0], loss.left[1]), judge.bottom, colour=GRADIENT, dashed=True)
    words = "gradient: changes the\ndiscriminator's weights alone"
    canvas.text(judge.bottom[0] - 0.15, loss.left[1], words, SMALL_FONT, ha="right", color=GRADIENT)
    return canvas


def generator_step(scene: Scene) -> Canvas:
    """How the generator's loss comes about, and whose weights it changes."""
    canvas, side, high, low = Canvas(4.95), 1.2, 0.5, 2.45
    drawing, face = scene.pairs[0]
    step, opts = scene.training, scene.options
    judge = canvas.discriminator(Area(4.4, 0.1, 0.8, 2.0))
    read, painted = draw_painting(canvas, drawing, step.painted, high, side)
    above = read.top[0], high - 0.15
    canvas.arrow(read.top, above, (4.15, above[1]), (4.15, high + 0.3), (judge.x, high + 0.3))
    words = f"cross-entropy\nwith 1 (real):\n{step.gan_loss:.3f}"
    judged = draw_judgement(canvas, judge, painted, step.painted_map, words)
    target = canvas.picture(face, 2.72, low, side, "target")
    joined = 4.15, target.right[1]
    turn = painted.right[0], high + side - 0.15
    canvas.line(turn, (joined[0], turn[1]), joined)
    canvas.line(target.right, joined)
    error = np.abs(face - step.painted).mean(axis=-1)
    rows = (
        (2.1, error, "|target − painted|", f"L1 loss:\n{step.l1_loss:.4f}"),
        (3.2, step.structure_map, "1 − SSIM", f"structure, 1 − SSIM:\n{step.ssim_loss:.3f}"),
    )
    told = [judged]
    for y, values, caption, words in rows:
        small = 0.75
        compared = canvas.picture(coloured(values, ERROR), 5.825, y, small, caption)
        box = canvas.box(words, Area(7.15, y + 0.08, 1.75, small - 0.16), INK)
        canvas.arrow(joined, (4.7, joined[1]), (4.7, compared.left[1]), compared.left)
        canvas.arrow(compared.right, box.left)
        told.append(box)
    terms = (
        (opts.gan_weight, step.gan_loss, 3),
        (opts.l1_weight, step.l1_loss, 4),
        (opts.ssim_weight, step.ssim_loss, 3),
    )
    if opts.artefact_weight:
        terms += ((opts.artefact_weight, step.artefact_loss, 3),)
    words = " + ".join(f"{weight:g} × {loss:.{digits}f}" for weight, loss, digits in terms)
    total = sum(weight * loss for weight, loss, _ in terms)
    loss = draw_sum(canvas, told, f"generator's loss\n{words} = {total:.2f}", Area(4.3, 4.32, 4.6, 0.55))
    network = 2.0, high + side + 0.2  # below the generator's name
    canvas.arrow(loss.left, (network[0], loss.left[1]), network, colour=GRADIENT, dashed=True)
    words = "gradient:\nchanges the\ngenerator's\nweights alone"
    canvas.text(network[0] - 0.15, loss.left[1] - 0.5, words, SMALL_FONT, ha="right", color=GRADIENT)
    return canvas


def draw_painting(
    canvas: Canvas, drawing: np.ndarray, painted: np.ndarray, y: float, side: float
) -> tuple[Area, Area]:
    """A drawing, the generator, and what it paints, in a row; returns where the two pictures are."""
    read = canvas.picture(drawing, 0.1, y, side, "input")
    network = canvas.generator(Area(1.55, y + 0.15, 0.9, side - 0.3))
    output = canvas.picture(painted, 2.72, y, side, SYNTHETIC)
    canvas.arrow(read.right, network.left)
    canvas.arrow(network.right, output.left)
    return read, output


def draw_judgement(canvas: Canvas, judge: Area, pair: Area, answer: np.ndarray, words: str) -> Area:
    """From a pair through the discriminator to its map and a loss; returns where the loss is told."""
    y, side = pair.right[1], pair.height
    answered = canvas.picture(coloured(answer, PROBABILITY), 5.6, pair.y, side, shape_text(answer.shape))
    told = canvas.box(words, Area(7.15, y - 0.4, 1.75, 0.8), INK)
    canvas.arrow(pair.right, (judge.x, y))
    canvas.arrow((judge.x + judge.width, y), answered.left)
    canvas.arrow(answered.right, told.left)
    return told


def draw_sum(canvas: Canvas, losses: list[Area], words: str, area: Area) -> Area:
    """Losses, one above the other, and their sum below them; returns where the sum is told."""
    told = canvas.box(words, area, GRADIENT)
    for upper, lower in pairwise(losses):
        canvas.line(upper.bottom, lower.top)
        canvas.text(upper.bottom[0] + 0.15, (upper.bottom[1] + lower.top[1]) / 2, "+", 14)
    last = losses[-1].bottom
    canvas.arrow(last, (last[0], told.y))
    return told
