"""Distribution strategies by name: one device, those of a machine, those of several machines, a TPU."""

import functools
import os
from collections.abc import Sequence

import tensorflow as tf

from causalgan_tf.errors import InputError, brief
from causalgan_tf.system import interrupts
from causalgan_tf.system.clusters import Cluster

STRATEGIES = ("default", "mirrored", "multi_worker", "tpu")


def make_strategy(name: str = "default", logical_devices: int = 0, num_devices: int = 0) -> tf.distribute.Strategy:
    """The strategy a stage trains under; call it before TensorFlow runs its first operation.

    GPUs take memory as they need it. `multi_worker` waits until every worker of the cluster is there.

    Args:
        name: `default`: one device. `mirrored`: tf.distribute.MirroredStrategy over the visible GPUs, or over
            `logical_devices` parts of the CPU. `multi_worker`: tf.distribute.MultiWorkerMirroredStrategy over the
            devices of every worker of the cluster that the environment describes, see system.clusters. `tpu`:
            tf.distribute.TPUStrategy over the TPU that the variable TPU_NAME names, or this machine's own.
        logical_devices: splits the CPU into so many devices, to rehearse several GPUs; 0: no split.
        num_devices: devices of this machine that are used; 0: all.

    Raises:
        InputError: an unknown name, more devices than there are, no cluster, no TPU, or `logical_devices` after
            TensorFlow has started.

    Examples:
        >>> make_strategy().num_replicas_in_sync
        1
    """
    check_devices(name, logical_devices, num_devices)
    limit_memory()
    if name == "multi_worker":
        return _join(Cluster.of(os.environ), num_devices)
    if name == "tpu":
        return _tpu()
    if name == "mirrored":
        if logical_devices:
            _split(logical_devices)
        return _mirrored(tuple(_chosen(_local(logical_devices), num_devices)))
    return tf.distribute.get_strategy()


@functools.cache
def _mirrored(names: tuple[str, ...]) -> tf.distribute.Strategy:
    """The strategy of some devices of this machine; always the same, for TensorFlow mixes up the all-reduces of two."""
    return tf.distribute.MirroredStrategy(names)


def check_devices(name: str, logical_devices: int = 0, num_devices: int = 0) -> int:
    """Replicas that the strategy would have, 0: only the TPU tells; InputError as `make_strategy`, nothing is made."""
    if name not in STRATEGIES:
        raise InputError(f"strategy: expected one of {', '.join(STRATEGIES)}; got {name!r}.")
    if logical_devices and name != "mirrored":
        raise InputError(f"--logical_devices={logical_devices} needs --strategy=mirrored.")
    if num_devices > 1 and name == "default":
        raise InputError(f"--num_devices={num_devices} needs --strategy=mirrored; the default trains on one device.")
    if num_devices and name == "tpu":
        raise InputError(f"--num_devices={num_devices}: a TPU is used as a whole. Leave it out.")
    if name == "tpu":
        return 0
    own = len(_chosen(_local(logical_devices), num_devices)) if name != "default" else 1
    return own * len(Cluster.of(os.environ).addresses) if name == "multi_worker" else own


def _local(logical_devices: int) -> list[str]:
    """The names of this machine's devices that train: its GPUs, else its CPU or the parts of it."""
    gpus = [f"GPU:{number}" for number in range(len(tf.config.list_physical_devices("GPU")))]
    return [f"CPU:{number}" for number in range(logical_devices)] or gpus or ["CPU:0"]


def _chosen(devices: Sequence[str], number: int) -> list[str]:
    """The first devices; InputError if there are fewer."""
    if number > len(devices):
        listed = f"{', '.join(devices[:8])}{', ...' if len(devices) > 8 else ''}"
        split = "; --logical_devices splits the CPU, to rehearse" if devices[-1].startswith("CPU") else ""
        raise InputError(
            f"--num_devices={number}: this machine has {len(devices)} to train on ({listed}){split}. Lower "
            "--num_devices, or leave it out: all are used then."
        )
    return list(devices[: number or None])


def limit_memory() -> None:
    """Makes GPUs take memory as they need it; a GPU that has started already stays as it is."""
    for gpu in tf.config.list_physical_devices("GPU"):
        try:
            tf.config.experimental.set_memory_growth(gpu, True)
        except RuntimeError:
            return


def _split(parts: int) -> None:
    """Splits the CPU; InputError once TensorFlow has started with another split."""
    cpu = tf.config.list_physical_devices("CPU")[0]
    try:
        tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * parts)
    except RuntimeError as error:
        if len(tf.config.list_logical_devices("CPU")) != parts:
            raise InputError(
                f"logical_devices={parts}: the CPU can be split before TensorFlow starts only. Make the strategy first."
            ) from error


def _join(cluster: Cluster, num_devices: int) -> tf.distribute.Strategy:
    """The strategy of a cluster's worker, once all workers are there."""
    gpus = tf.config.list_physical_devices("GPU")
    if gpus and num_devices:
        tf.config.set_visible_devices(gpus[:num_devices], "GPU")
    resolver = tf.distribute.cluster_resolver.SimpleClusterResolver(
        tf.train.ClusterSpec({"worker": list(cluster.addresses)}),
        task_type="worker",
        task_id=cluster.number,
        rpc_layer="grpc",
    )
    try:
        with interrupts.by_the_system():
            return tf.distribute.MultiWorkerMirroredStrategy(resolver)
    except (tf.errors.OpError, RuntimeError) as error:
        reason = brief(str(error).partition("\n")[0], 160)
        raise InputError(
            f"--strategy=multi_worker: worker {cluster.number} at {cluster.addresses[cluster.number]} cannot join the "
            f"cluster: {reason}. Its address must be this machine's own and free, and every worker must be started."
        ) from error


def _tpu() -> tf.distribute.Strategy:
    """The strategy of a TPU; InputError where there is none."""
    name = os.environ.get("TPU_NAME", "local")
    try:
        resolver = tf.distribute.cluster_resolver.TPUClusterResolver(name)
        if name != "local":
            tf.config.experimental_connect_to_cluster(resolver)
        tf.tpu.experimental.initialize_tpu_system(resolver)
        return tf.distribute.TPUStrategy(resolver)
    except (tf.errors.OpError, RuntimeError, ValueError, ImportError, OSError) as error:
        raise InputError(
            f"--strategy=tpu: no TPU can be used here (TPU_NAME={name}): {brief(str(error).partition(chr(10))[0])}. "
            "Set TPU_NAME to a TPU's name, or choose --strategy=default or mirrored."
        ) from error


def described(strategy: tf.distribute.Strategy) -> str:
    """The replicas of a strategy, as a line.

    >>> described(tf.distribute.get_strategy())
    'replicas: 1 (CPU:0)'
    """
    if strategy is tf.distribute.get_strategy():  # the default, which knows no devices
        local = _local(0)[:1]
    else:
        found = [tf.DeviceSpec.from_string(device) for device in strategy.extended.worker_devices]
        local = [f"{device.device_type}:{device.device_index}" for device in found]
    return f"replicas: {strategy.num_replicas_in_sync} ({', '.join(local)})"


def rows_per_replica(batch_size: int, replicas: int, flag: str) -> int:
    """Rows of a global batch that one replica trains; InputError if they do not share it evenly."""
    if batch_size % replicas:
        lower = batch_size // replicas * replicas
        raise InputError(
            f"--{flag}={batch_size} is shared by {replicas} replicas: expected a multiple of {replicas}, "
            f"such as {lower or replicas}."
        )
    return batch_size // replicas
