"""The tests' setting: two logical CPU devices for two GPUs; what needs an extra or takes long runs with --all only.

The devices must exist before TensorFlow runs anything.
"""

import contextlib
import io
import os
import pathlib

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")

import pytest

from causalgan_tf.cli import common

# pytest would show TensorFlow's first messages behind its own closing line
with contextlib.redirect_stderr(io.StringIO()):
    common.start_tensorflow()

import tensorflow as tf

tf.config.set_logical_device_configuration(
    tf.config.list_physical_devices("CPU")[0], [tf.config.LogicalDeviceConfiguration()] * 2
)


def pytest_addoption(parser):
    parser.addoption("--all", action="store_true", help="also run what needs an extra of setup.py, or takes long")
    parser.addoption("--part", default="1/1", help="the k-th of n parts of the modules, such as 2/3")


def pytest_ignore_collect(collection_path, config):
    """Modules of other parts."""
    part, parts = map(int, config.getoption("--part").split("/"))
    modules = sorted(pathlib.Path(__file__).parent.rglob("test_*.py"))
    return (collection_path in modules and modules.index(collection_path) % parts != part - 1) or None


def pytest_collection_modifyitems(config, items):
    """Without --all, tests that need an extra or take long are left out, with a word; with it, they run or fail."""
    if config.getoption("--all"):
        return
    for item in items:
        if extra := item.get_closest_marker("extra"):
            item.add_marker(pytest.mark.skip(reason=f"needs the extra [{extra.args[0]}]: tools/test --all"))
        elif item.get_closest_marker("long"):
            item.add_marker(pytest.mark.skip(reason="takes long: tools/test --all"))


@pytest.fixture(scope="session")
def mirrored():
    """A strategy of two replicas."""
    from causalgan_tf.training.devices import make_strategy

    return make_strategy("mirrored", logical_devices=2)
