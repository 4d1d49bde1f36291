"""Bounds of a graph, whoever made it: what is found here is known before any engine sees the graph.

A few hundred bytes can ask an engine for all memory, or for a calculation of days that no signal ends.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from face2face import cli
from face2face.generator.shapes import ShapeError, Tensor

MAX_NODES = 2_000
"""Ours have a few hundred, those of 2017 about a thousand. Not all of an engine's passes are linear."""
MAX_DEPTH = 600
"""Operations on the longest way through a graph; ours have up to two hundred. Engines recurse along it."""
MAX_TENSORS = 64
"""That one operation reads, or returns. An engine makes a chain of a sum over many."""
MAX_TOTAL_VALUES = 2**30
"""Of the outputs of all operations together: twice those of a generator of 1024 pixels and 64 filters."""
MAX_WORK = 2 * 10**11
"""Multiply-adds of one picture. A generator of 1024 pixels and 64 filters takes 1e11, which are seconds."""


@dataclass(frozen=True)
class Node:
    """An operation of a graph.

    inputs: for each, the name of another node, and which of its outputs. after: nodes that only have to run
    before. source: what the rules read its attributes from.
    """

    name: str
    operation: str
    inputs: Sequence[tuple[str, int]]
    source: object
    after: Sequence[str] = field(default=())


Rule = Callable[[object, list[Tensor]], list[Tensor]]
"""A node's source and inputs -> its outputs. Raises: ShapeError, or NumPy's errors."""


def infer(nodes: dict[str, Node], rules: dict[str, Rule]) -> dict[str, list[Tensor]]:
    """The outputs of all nodes, each within the bounds, as the whole graph is.

    Raises:
        ShapeError: that names the node.
    """
    if len(nodes) > MAX_NODES:
        raise ShapeError(f"it has {len(nodes):,} operations, at most {MAX_NODES:,} are expected")
    found: dict[str, list[Tensor]] = {}
    total = work = 0
    for node in _in_order(nodes):
        try:
            inputs = [found[name][output] for name, output in node.inputs]
            outputs = rules[node.operation](node.source, inputs)
        except (ValueError, IndexError, TypeError, ArithmeticError) as error:
            raise ShapeError(f"its operation {_shown(node)} does not fit its inputs: {error}") from None
        if max(len(inputs), len(outputs)) > MAX_TENSORS:
            raise ShapeError(f"its operation {_shown(node)} has more than {MAX_TENSORS} inputs or outputs")
        found[node.name] = outputs
        total += sum(tensor.size for tensor in outputs)
        sizes = sum(tensor.size for tensor in [*inputs, *outputs])
        work += max(sizes, sum(tensor.work for tensor in outputs))
        if total > MAX_TOTAL_VALUES:
            raise ShapeError(f"its tensors have more than {MAX_TOTAL_VALUES:,} values")
        if work > MAX_WORK:
            raise ShapeError(f"one picture takes more than {MAX_WORK:,} multiply-adds")
    return found


def _in_order(nodes: dict[str, Node]) -> list[Node]:
    """The nodes, each behind those that it reads. Raises: ShapeError where a way is too long, or a circle."""
    before = {node.name: {*(name for name, _ in node.inputs), *node.after} for node in nodes.values()}
    readers: dict[str, list[str]] = {name: [] for name in nodes}
    for name, others in before.items():
        for other in others:
            if other not in nodes:
                raise ShapeError(f"its operation {_shown(nodes[name])} reads what is not there")
            readers[other].append(name)
    waits = {name: len(others) for name, others in before.items()}
    ready = [name for name, count in waits.items() if not count]
    depth = dict.fromkeys(ready, 1)
    order = []
    for name in ready:  # which grows
        order.append(nodes[name])
        for reader in readers[name]:
            waits[reader] -= 1
            depth[reader] = max(depth.get(reader, 0), depth[name] + 1)
            if not waits[reader]:
                ready.append(reader)
    if len(order) < len(nodes):
        raise ShapeError("its operations read each other in a circle")
    if max(depth.values(), default=0) > MAX_DEPTH:
        raise ShapeError(
            f"{max(depth.values()):,} operations follow each other, at most {MAX_DEPTH} are expected"
        )
    return order


def _shown(node: Node) -> str:
    return f"{node.operation} ({cli.shown(node.name)})"
