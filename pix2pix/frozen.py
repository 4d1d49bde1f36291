"""The frozen graph: a generator as one file that TensorFlow runs by the names of its tensors."""

from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

from face2face.frozen_graph import INPUT_TENSOR, OUTPUT_TENSOR, TARGET_TENSOR, operation
from face2face.target.plate import Plate
from face2face.target.target_file import Target
from pix2pix import images, networks

FEW_VALUES = 1024
"""Constants of fewer values stay float32 in a graph of half precision: they hardly add to its size."""


def freeze(folded: keras.Model, target: Target, plate: Plate | None = None) -> tf.compat.v1.GraphDef:
    """Convert a folded generator to a graph without variables, from a uint8 drawing to a uint8 face.

    Args:
        folded: A generator that `folding.fold` returned.
        target: What is stored in the graph about the target.
        plate: What replaces the still part of the painted picture; None: all is painted.

    Returns:
        A graph with the input `image_tensor`, uint8 (S, 2 S, 3), RGB, of which the left half is read; the
        output `generate_output/output`, uint8 (1, S, S, 3), RGB; and the constant `face2face/target`, JSON.
    """
    size = target.image_size
    shape = (1, size, size, networks.CHANNELS)
    signature = tf.TensorSpec(shape, tf.float32)
    function = tf.function(lambda x: folded(x, training=False), autograph=False)
    network = convert_variables_to_constants_v2(function.get_concrete_function(signature))
    with tf.Graph().as_default() as graph:
        both_halves = (size, 2 * size, networks.CHANNELS)
        image = tf.compat.v1.placeholder(tf.uint8, both_halves, operation(INPUT_TENSOR))
        drawing = images.normalise(tf.cast(image[None, :, :size], tf.float32))
        (face,) = tf.import_graph_def(
            network.graph.as_graph_def(),
            input_map={network.inputs[0].name: drawing},
            return_elements=[network.outputs[0].name],
            name="generator",
        )
        face = images.to_levels(face) if plate is None else _composed(face, plate)
        face = tf.round(tf.clip_by_value(face, 0.0, 255.0))
        tf.reshape(tf.cast(face, tf.uint8), shape, name=operation(OUTPUT_TENSOR))
        tf.constant(target.to_json(), name=operation(TARGET_TENSOR))
    return _only_needed(graph.as_graph_def(), [operation(OUTPUT_TENSOR), operation(TARGET_TENSOR)])


def _composed(face: tf.Tensor, plate: Plate) -> tf.Tensor:
    """Put the plate over a painted face.

    It is (face + 1) / 2 * (255 - mask) + picture. Both constants are stored as uint8. OpenVINO keeps that
    type in an IR only where a multiplication follows the conversion, hence the factors 2 and 0.5. The mask
    is tiled to three channels, because int8 graphs take a third longer if they broadcast one channel.

    Args:
        face: What the network returns, float32 (1, S, S, 3) in [-1, 1].

    Returns:
        float32 (1, S, S, 3) in [0, 255].
    """
    painted_share = tf.tile(tf.constant(255 - plate.mask[None, ..., None]), (1, 1, 1, networks.CHANNELS))
    picture = tf.cast(tf.constant(plate.picture[None]), tf.float32)
    return ((face + 1.0) * tf.cast(painted_share, tf.float32) + picture * 2.0) * 0.5


def _only_needed(graph: tf.compat.v1.GraphDef, outputs: list[str]) -> tf.compat.v1.GraphDef:
    """Keep the part of a graph that the named operations depend on."""
    by_name = {node.name: node for node in graph.node}
    needed, ahead = set(), list(outputs)
    while ahead:
        name = ahead.pop().lstrip("^").split(":")[0]
        if name not in needed:
            needed.add(name)
            ahead.extend(by_name[name].input)
    kept = tf.compat.v1.GraphDef(node=[node for node in graph.node if node.name in needed])
    kept.versions.CopyFrom(graph.versions)
    return kept


def halve(graph: tf.compat.v1.GraphDef) -> tf.compat.v1.GraphDef:
    """Store a graph's weights as float16; the graph casts them to float32 when it reads them."""
    halved = tf.compat.v1.GraphDef()
    halved.versions.CopyFrom(graph.versions)
    for node in graph.node:
        weights = tf.make_ndarray(node.attr["value"].tensor) if node.op == "Const" else np.zeros(0)
        if weights.dtype != np.float32 or weights.size < FEW_VALUES:
            halved.node.append(node)
            continue
        narrow = halved.node.add(name=f"{node.name}/half", op="Const")
        narrow.attr["dtype"].type = tf.float16.as_datatype_enum
        narrow.attr["value"].tensor.CopyFrom(tf.make_tensor_proto(weights.astype(np.float16)))
        wide = halved.node.add(name=node.name, op="Cast", input=[narrow.name])
        wide.attr["SrcT"].type = tf.float16.as_datatype_enum
        wide.attr["DstT"].type = tf.float32.as_datatype_enum
    return halved


def is_half(graph: tf.compat.v1.GraphDef) -> bool:
    """Whether a graph stores weights as float16."""
    constants = [node for node in graph.node if node.op == "Const"]
    return any(node.attr["dtype"].type == tf.float16.as_datatype_enum for node in constants)


def write(graph: tf.compat.v1.GraphDef, path: Path) -> None:
    """Write a graph as a serialised `GraphDef`."""
    path.write_bytes(graph.SerializeToString())


def largest_difference(a: np.ndarray, b: np.ndarray) -> int:
    """Largest absolute difference of two uint8 pictures of one shape, 0 to 255."""
    return int(np.abs(a.astype(np.int16) - b.astype(np.int16)).max())
