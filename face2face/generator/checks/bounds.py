"""Static shape inference over a whole graph, and bounds on its size, depth and work.

A graph of a few hundred bytes can make an engine allocate all memory, or compute for days while no signal
ends it. So the bounds are checked before any engine reads the graph.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from face2face import cli
from face2face.generator.checks.tensors import ShapeError, Tensor

MAX_NODES = 2_000
"""Maximum number of operations: our graphs have a few hundred, those of 2017 about a thousand. Some passes of
the engines take more than linear time."""
MAX_DEPTH = 600
"""Maximum number of operations on a path through the graph; ours have up to 200. Engines recurse along it."""
MAX_TENSORS = 64
"""Maximum number of inputs or outputs of an operation. An engine turns a sum of many inputs into a chain."""
MAX_TOTAL_VALUES = 2**30
"""Maximum number of values of all outputs together: twice that of a generator of 1024 pixels, 64 filters."""
MAX_WORK = 2 * 10**11
"""Maximum multiply-adds per picture. A generator of 1024 pixels and 64 filters takes 1e11, some seconds."""


@dataclass(frozen=True)
class Node:
    """An operation of a graph.

    Attributes:
        name: Unique in the graph.
        operation: Its type, a key of the rules.
        inputs: For each, the name of another node, and the index of its output.
        attributes: What the rule of its type reads.
        after: Names of nodes that only have to run before it (control dependencies).
    """

    name: str
    operation: str
    inputs: Sequence[tuple[str, int]]
    attributes: object
    after: Sequence[str] = field(default=())


Rule = Callable[[object, list[Tensor]], list[Tensor]]
"""Infers a node's outputs from its attributes and inputs; raises ShapeError, or what NumPy raises."""


def infer(nodes: dict[str, Node], rules: dict[str, Rule]) -> dict[str, list[Tensor]]:
    """Infer the outputs of all nodes.

    Args:
        nodes: By name.
        rules: By type of operation; each node's type is among them.

    Returns:
        The outputs of each node, by its name.

    Raises:
        ShapeError: If a bound is exceeded, an operation does not fit its inputs, or the graph has a cycle.
    """
    if len(nodes) > MAX_NODES:
        raise ShapeError(f"it has {len(nodes):,} operations, at most {MAX_NODES:,} are expected")
    found: dict[str, list[Tensor]] = {}
    total = work = 0
    for node in _in_order(nodes):
        try:
            inputs = [found[name][output] for name, output in node.inputs]
            outputs = rules[node.operation](node.attributes, inputs)
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
    """The nodes in topological order (Kahn, 1962); ShapeError for a cycle, or a path that is too long."""
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
    for name in ready:  # the loop appends to it
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
