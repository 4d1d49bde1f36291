"""One training on several devices or machines: how workers share work and agree (tf.distribute)."""

import os
from collections.abc import Iterable
from typing import Annotated, Literal

import msgspec
import tensorflow as tf

from face2face import cli, records


class _Workers(msgspec.Struct):
    worker: list[str]


class _Task(msgspec.Struct):
    type: Literal["worker"]
    index: Annotated[int, msgspec.Meta(ge=0)]


class _Cluster(msgspec.Struct):
    """The content of TF_CONFIG: the addresses of all workers, and which of them this process is."""

    cluster: _Workers
    task: _Task


def strategy(kind: str) -> tf.distribute.Strategy:
    """Make the strategy. To be called before TensorFlow computes anything.

    Args:
        kind: none: one device; mirrored: all GPUs of this machine; multi-worker: the cluster that the
            environment variable TF_CONFIG describes; auto: the cluster or the GPUs, if there are any.

    Raises:
        UserError: If TF_CONFIG is missing or describes no cluster.
    """
    cluster = os.environ.get("TF_CONFIG")
    if kind == "multi-worker" or (kind == "auto" and cluster):
        _check_cluster(cluster or "")
        return tf.distribute.MultiWorkerMirroredStrategy()
    gpus = tf.config.list_physical_devices("GPU")
    if kind == "mirrored" or (kind == "auto" and len(gpus) > 1):
        return tf.distribute.MirroredStrategy()
    return tf.distribute.get_strategy()


def _check_cluster(text: str) -> None:
    """Raise `UserError` if a text is no TF_CONFIG that this process can be a worker by."""
    expected = (
        'TF_CONFIG as {"cluster": {"worker": ["HOST:PORT", ...]}, "task": {"type": "worker", "index": 0}}'
    )
    found = records.decode(text, _Cluster, expected, cli.shown(text))
    if found.task.index >= len(found.cluster.worker):
        raise cli.UserError(f"expected {expected}, got worker {found.task.index} of {cli.shown(text)}")


def is_chief(strategy: tf.distribute.Strategy) -> bool:
    """Whether this process is the chief: the only worker that writes files."""
    resolver = strategy.cluster_resolver
    return resolver is None or not resolver.task_type or resolver.task_id == 0


def describe(strategy: tf.distribute.Strategy) -> str:
    """Tell people the devices of this process, and how many train together."""
    if gpus := tf.config.list_physical_devices("GPU"):
        names = [tf.config.experimental.get_device_details(gpu).get("device_name", gpu.name) for gpu in gpus]
        here = names[0] if strategy.num_replicas_in_sync == 1 else ", ".join(names)
    else:
        here = f"CPU, {os.cpu_count()} threads"
    replicas = strategy.num_replicas_in_sync
    return here if replicas == 1 else f"{here}, one of {replicas} devices that train together"


def assign(variable: tf.Variable, value: tf.Tensor) -> None:
    """Assign to this device's copy of a variable. All devices have to assign the same value."""
    tf.raw_ops.AssignVariableOp(resource=variable.handle, value=value)


def all_reduce_mean(values: list[tf.Tensor]) -> list[tf.Tensor]:
    """Mean over all devices of each value; gradients flow back through it."""
    context = tf.distribute.get_replica_context()
    if context is None or context.num_replicas_in_sync == 1:
        return values
    return context.all_reduce(tf.distribute.ReduceOp.MEAN, values)


def broadcast_from_chief(strategy: tf.distribute.Strategy, value: int) -> int:
    """The chief's value on all workers. All workers have to call it."""
    if strategy.num_replicas_in_sync == 1:
        return value

    @tf.function(autograph=False)
    def run(local: tf.Tensor) -> tf.Tensor:
        return strategy.run(lambda: _from_first_replica([local])[0])

    return int(strategy.experimental_local_results(run(tf.constant(value, tf.int64)))[0])


def broadcast_variables(strategy: tf.distribute.Strategy, variables: Iterable[tf.Variable]) -> None:
    """Set the variables of all devices to the chief's values: only the chief has read a checkpoint."""
    variables = list(variables)
    if strategy.num_replicas_in_sync == 1:
        return

    def copy() -> None:
        for wide in (tf.float32, tf.int64):  # types that can be summed
            alike = [v for v in variables if v.dtype.is_floating == wide.is_floating]
            values = _from_first_replica([tf.cast(v, wide) for v in alike])  # in one message, not in hundreds
            for variable, value in zip(alike, values, strict=True):
                assign(variable, tf.cast(value, variable.dtype))

    tf.function(lambda: strategy.run(copy), autograph=False)()


def _from_first_replica(values: list[tf.Tensor]) -> list[tf.Tensor]:
    """The first replica's values on all replicas: a sum in which the others are 0."""
    context = tf.distribute.get_replica_context()
    is_first = tf.equal(context.replica_id_in_sync_group, 0)
    masked = [tf.where(is_first, value, tf.zeros_like(value)) for value in values]
    return context.all_reduce(tf.distribute.ReduceOp.SUM, masked)
