"""A generator's speed against the machine's own limit: what a large matrix product reaches there."""

import time
from pathlib import Path

import numpy as np

from face2face import loading
from face2face.generator.generator import Generator, sample_drawings

MATRIX = 2048
"""Side of the matrices whose product tells the limit."""

ROUNDS = 40
"""How often the generator and the product are timed, in turn."""


def generator_and_limit(model: Path, rounds: int = ROUNDS) -> dict:
    """GFLOP/s of the generator alone, in float32, and of a large matrix product with the same library."""
    import openvino
    from openvino import opset13

    generator = Generator(model, "openvino")
    drawing = sample_drawings(generator.target, 1)[0]
    random = np.random.default_rng(0).random((MATRIX, MATRIX), np.float32)
    core, left = loading.openvino_core(), opset13.parameter([MATRIX, MATRIX], np.float32)
    product = openvino.Model([opset13.matmul(left, opset13.constant(random), False, False)], [left])
    hints = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": "f32", "ENABLE_CPU_PINNING": False}
    multiply = core.compile_model(product, "CPU", hints).create_infer_request()
    works = {"generator": lambda: generator(drawing), "product": lambda: multiply.infer([random])}
    times = {name: [] for name in works}
    for _ in range(rounds):
        for name, work in works.items():
            began = time.perf_counter()
            work()
            times[name].append(time.perf_counter() - began)
    counts = {"generator": operations(core.read_model(model)), "product": 2 * MATRIX**3}
    return {
        name: {
            "gflop": counts[name] / 1e9,
            "median_ms": 1000 * float(np.median(times[name])),
            "quickest_ms": 1000 * min(times[name]),
            "gflops": counts[name] / 1e9 / min(times[name]),
        }
        for name in works
    }


def operations(model) -> int:
    """Multiplications and additions of a model's convolutions: the rest does not count."""
    count = 0
    for node in model.get_ordered_ops():
        if node.get_type_name() == "Convolution":  # (N, C, H, W) by (out, C, h, w)
            count += (
                2 * int(np.prod(node.output(0).get_shape())) * int(np.prod(node.input(1).get_shape()[1:]))
            )
        elif node.get_type_name() == "ConvolutionBackpropData":  # (N, C, H, W) by (C, out, h, w)
            count += 2 * int(np.prod(node.input(0).get_shape())) * int(np.prod(node.input(1).get_shape()[1:]))
    return count
