"""What the programs share: flags out of dataclass fields, and errors of the user without a traceback."""

import contextlib
import dataclasses
import functools
import gc
import os
import pathlib
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

from absl import app, flags, logging

from causalgan_tf.cli import short_help
from causalgan_tf.errors import InputError

LOG_LEVEL = "TF_CPP_MIN_LOG_LEVEL"
# what TensorFlow must see when it is imported, unless the user has set it
ENVIRONMENT = {
    LOG_LEVEL: "3",
    "KERAS_BACKEND": "tensorflow",
    "TF_ENABLE_ONEDNN_OPTS": "1",  # 1.8 times faster convolutions where a processor has no AVX-512
}

Config = TypeVar("Config")


def run(
    declare: Callable[[flags.FlagValues], None],
    main: Callable[[flags.FlagValues], None],
    interrupted: str = "interrupted",
    groups: short_help.Groups | None = None,
) -> None:
    """Runs a program on sys.argv and exits: 0 done, 2 an error of the user, 130 interrupted.

    Args:
        declare: declares the program's flags.
        main: the program.
        interrupted: what to say after Ctrl-C.
        groups: the flags of --help, names by title; see short_help.text.
    """
    head = sys.modules[main.__module__].__doc__ or ""
    sys.modules["__main__"].__doc__ = head  # of --helpfull
    declare(flags.FLAGS)
    try:
        app.run(main, flags_parser=functools.partial(_parse_quietly, head, groups or {}))
    except InputError as error:
        status, message = 2, f"error: {error}"
    except (FileExistsError, IsADirectoryError, NotADirectoryError, PermissionError) as error:
        status, message = 2, f"error: {error.filename}: {error.strerror}."
    except BrokenPipeError:  # the reader of --help, such as head, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except KeyboardInterrupt:
        status, message = 130, interrupted
    gc.collect()  # closes progress bars, which would be drawn once more below the message
    print(message, file=sys.stderr)
    sys.exit(status)


def parse(argv: Sequence[str], values: flags.FlagValues) -> flags.FlagValues:
    """The parsed flags.

    Raises:
        InputError: an unknown flag, a wrong value, a flag file that cannot be read, or an argument that is no flag.
    """
    try:
        rest = values(argv)
    except flags.Error as error:
        raise InputError(f"{str(error).removeprefix('ERROR:: ')} (--help lists the flags)") from error
    except SystemExit:  # --help has been printed; absl would exit with 1
        sys.exit(0)
    if len(rest) > 1:
        raise InputError(f"unexpected argument {rest[1]!r}: options are written --name=value (--help lists the flags)")
    return values


def start_tensorflow() -> None:
    """Imports TensorFlow and looks for devices; without its start-up messages, unless the user has set a log level."""
    print("Starting TensorFlow ...", file=sys.stderr, flush=True)  # its import takes seconds
    asked = LOG_LEVEL in os.environ
    os.environ.update({name: value for name, value in ENVIRONMENT.items() if name not in os.environ})
    with contextlib.nullcontext() if asked else _silent():
        import tensorflow as tf

        gpus = tf.config.list_physical_devices("GPU")
    if shutil.which("nvidia-smi") and not gpus and "CUDA_VISIBLE_DEVICES" not in os.environ:
        logging.warning("TensorFlow finds no GPU, though nvidia-smi is here; %s=0 shows why.", LOG_LEVEL)


def define(
    values: flags.FlagValues,
    name: str,
    default: Any,
    text: str,
    choices: Sequence[str] = (),
    low: float | None = None,
    high: float | None = None,
    module: str = "",
) -> None:
    """Declares a flag of the default's type.

    Args:
        values: where to declare it.
        name: name of the flag.
        default: its default, a bool, int, float or str.
        text: help, with the unit.
        choices: the legal strings; empty: any.
        low: smallest legal number, inclusive.
        high: largest legal number, inclusive.
        module: the heading below which --helpfull lists it; empty: the program, whose flags --help lists too.
    """
    where = {"flag_values": values, "module_name": module or sys.argv[0]}
    if choices:
        flags.DEFINE_enum(name, default, choices, text, **where)
    elif isinstance(default, bool):
        flags.DEFINE_boolean(name, default, text, **where)
    elif isinstance(default, int):
        flags.DEFINE_integer(name, default, text, low, high, **where)
    elif isinstance(default, float):
        flags.DEFINE_float(name, default, text, low, high, **where)
    else:
        flags.DEFINE_string(name, default, text, **where)


def define_fields(values: flags.FlagValues, config: type, prefix: str = "") -> None:
    """Declares one flag for each field of a configuration, named `prefix` + field."""
    for field in dataclasses.fields(config):
        limits = {name: field.metadata[name] for name in ("text", "choices", "low", "high")}
        define(values, prefix + field.name, field.default, module=config.__name__, **limits)


def read_fields(values: flags.FlagValues, config: type[Config], prefix: str = "") -> Config:
    """The configuration that the flags of `define_fields` describe; InputError if its fields do not go together."""
    return config(**{field.name: values[prefix + field.name].value for field in dataclasses.fields(config)})


def folder(values: flags.FlagValues, name: str) -> pathlib.Path:
    """The folder that a flag names; InputError if the flag is not given."""
    if not values[name].value:
        raise InputError(f"--{name} is missing: {values[name].help}.")
    return pathlib.Path(values[name].value).expanduser()


def _parse_quietly(head: str, groups: short_help.Groups, argv: Sequence[str]) -> flags.FlagValues:
    flags.DEFINE_flag(short_help.ShortHelp(flags.FLAGS, head, groups))  # in place of absl's own
    values = parse(argv, flags.FLAGS)
    if values["verbosity"].using_default_value:  # absl would raise it to INFO
        values.verbosity = logging.WARNING
    return values


@contextlib.contextmanager
def _silent() -> Iterator[None]:
    """Drops what is written to standard error, by C++ code too: TensorFlow logs before it reads its log level."""
    kept = os.dup(2)
    with open(os.devnull, "w") as nowhere:
        os.dup2(nowhere.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
