"""Distribution strategies by name."""

import tensorflow as tf

from causalgan_tf.errors import InputError

STRATEGIES = ("default", "mirrored")


def make_strategy(name: str = "default", logical_devices: int = 0) -> tf.distribute.Strategy:
    """The strategy a stage trains under; call it before TensorFlow runs its first operation.

    Args:
        name: `default`: one device. `mirrored`: tf.distribute.MirroredStrategy over the visible GPUs, or over
            `logical_devices` parts of the CPU.
        logical_devices: splits the CPU into so many devices, to rehearse several GPUs; 0: no split.

    Raises:
        InputError: an unknown name, or `logical_devices` after TensorFlow has started.
    """
    if name not in STRATEGIES:
        raise InputError(f"strategy: expected one of {', '.join(STRATEGIES)}; got {name!r}.")
    if name == "default":
        return tf.distribute.get_strategy()
    if not logical_devices:
        return tf.distribute.MirroredStrategy()
    cpu = tf.config.list_physical_devices("CPU")[0]
    try:
        tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * logical_devices)
    except RuntimeError as error:
        if len(tf.config.list_logical_devices("CPU")) != logical_devices:
            raise InputError(
                f"logical_devices={logical_devices}: the CPU can be split before TensorFlow starts only. "
                "Make the strategy first."
            ) from error
    return tf.distribute.MirroredStrategy([f"CPU:{i}" for i in range(logical_devices)])


def rows_per_replica(batch_size: int, replicas: int, flag: str) -> int:
    """Rows of a global batch that one replica trains; InputError if they do not share it evenly."""
    if batch_size % replicas:
        lower = batch_size // replicas * replicas
        raise InputError(
            f"--{flag}={batch_size} is shared by {replicas} replicas: expected a multiple of {replicas}, "
            f"such as {lower or replicas}."
        )
    return batch_size // replicas
