"""One training on several devices or machines: whose part is what, and how they agree (tf.distribute)."""

import json
import os
from collections.abc import Iterable

import tensorflow as tf

from face2face import cli


def strategy(kind: str) -> tf.distribute.Strategy:
    """Make it before TensorFlow computes anything.

    Args:
        kind: none; mirrored: all GPUs of this machine; multi-worker: the cluster that the environment
            variable TF_CONFIG describes; auto: what there is.
    Raises:
        UserError: if TF_CONFIG is missing or makes no sense.
    """
    cluster = os.environ.get("TF_CONFIG")
    if kind == "multi-worker" or (kind == "auto" and cluster):
        try:
            content = json.loads(cluster or "")
            workers, task = content["cluster"]["worker"], content["task"]
            if not 0 <= int(task["index"]) < len(workers) or task["type"] != "worker":
                raise ValueError(f"worker {task['index']} of {len(workers)}")
        except (ValueError, KeyError, TypeError) as error:
            raise cli.UserError(
                'expected TF_CONFIG as {"cluster": {"worker": ["HOST:PORT", ...]}, '
                f'"task": {{"type": "worker", "index": 0}}}}, got {cluster} ({error!r})'
            ) from None
        return tf.distribute.MultiWorkerMirroredStrategy()
    gpus = tf.config.list_physical_devices("GPU")
    if kind == "mirrored" or (kind == "auto" and len(gpus) > 1):
        return tf.distribute.MirroredStrategy()
    return tf.distribute.get_strategy()


def is_chief(strategy: tf.distribute.Strategy) -> bool:
    """Whether this process is the one that writes files."""
    resolver = strategy.cluster_resolver
    return resolver is None or not resolver.task_type or resolver.task_id == 0


def assign(variable: tf.Variable, value: tf.Tensor) -> None:
    """Set the copy of a variable that this device has; all devices have to set the same."""
    tf.raw_ops.AssignVariableOp(resource=variable.handle, value=value)


def all_reduce_mean(values: list[tf.Tensor]) -> list[tf.Tensor]:
    """The mean over all devices of what each of them computed; gradients flow back through it."""
    context = tf.distribute.get_replica_context()
    if context is None or context.num_replicas_in_sync == 1:
        return values
    return context.all_reduce(tf.distribute.ReduceOp.MEAN, values)


def of_chief(strategy: tf.distribute.Strategy, value: int) -> int:
    """The chief's value, on all workers."""
    if strategy.num_replicas_in_sync == 1:
        return value

    @tf.function
    def run(mine: tf.Tensor) -> tf.Tensor:
        return strategy.run(lambda: _of_first([mine])[0])

    return int(strategy.experimental_local_results(run(tf.constant(value, tf.int64)))[0])


def spread(strategy: tf.distribute.Strategy, variables: Iterable[tf.Variable]) -> None:
    """Give all devices the chief's values: it alone has read a checkpoint."""
    variables = list(variables)
    if strategy.num_replicas_in_sync == 1:
        return

    def copy() -> None:
        for variable in variables:
            wide = tf.float32 if variable.dtype.is_floating else tf.int64  # what can be summed
            (value,) = _of_first([tf.cast(variable, wide)])
            assign(variable, tf.cast(value, variable.dtype))

    tf.function(lambda: strategy.run(copy))()


def _of_first(values: list[tf.Tensor]) -> list[tf.Tensor]:
    context = tf.distribute.get_replica_context()
    is_first = tf.equal(context.replica_id_in_sync_group, 0)
    mine = [tf.where(is_first, value, tf.zeros_like(value)) for value in values]
    return context.all_reduce(tf.distribute.ReduceOp.SUM, mine)
