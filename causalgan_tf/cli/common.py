"""Shared by the programs: flags made from dataclass fields, and user errors without a traceback."""

import contextlib
import dataclasses
import functools
import gc
import os
import pathlib
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

from absl import app, flags, logging

from causalgan_tf.cli import short_help
from causalgan_tf.errors import InputError, brief
from causalgan_tf.system import interrupts

LOG_LEVEL = "TF_CPP_MIN_LOG_LEVEL"
SILENT, TALKATIVE = "3", ("0", "1", "2")  # levels of which nothing is wanted, and something
# what TensorFlow must see when it is imported, unless the user has set it
ENVIRONMENT = {
    LOG_LEVEL: SILENT,
    "KERAS_BACKEND": "tensorflow",
    "TF_ENABLE_ONEDNN_OPTS": "1",  # 1.8 times faster convolutions where a processor has no AVX-512
}
TEMPORARY = 65_536  # bytes of a temporary file, a few times what TensorFlow writes
# what TensorFlow raises where a file or memory, not a program, is at fault
PLACE_ERRORS = ("DataLossError", "NotFoundError", "PermissionDeniedError", "ResourceExhaustedError", "UnavailableError")

Config = TypeVar("Config")


def run(
    declare: Callable[[flags.FlagValues], None],
    main: Callable[[flags.FlagValues], None],
    interrupted: str = "",
    groups: short_help.Groups | None = None,
) -> None:
    """Runs a program on sys.argv and exits: 0 done, 2 an error of the user, 128 + the number of a signal.

    Args:
        declare: declares the program's flags.
        main: the program.
        interrupted: what to say after a signal.
        groups: the flags of --help, names by title; see short_help.text.
    """
    head = sys.modules[main.__module__].__doc__ or ""
    sys.modules["__main__"].__doc__ = head  # of --helpfull
    declare(flags.FLAGS)
    try:
        with interrupts.raising():
            app.run(main, flags_parser=functools.partial(_parse_quietly, head, groups or {}))
    except InputError as error:
        status, message = 2, f"error: {error}"
    except BrokenPipeError:  # the reader of --help, such as head, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except OSError as error:
        place = f"{brief(error.filename)}: " if error.filename is not None else ""
        status, message = 2, f"error: {place}{error.strerror or brief(error)}."
    except MemoryError as error:
        status, message = 2, f"error: this machine's memory is not enough ({brief(error) or 'no more can be had'})."
    except KeyboardInterrupt as error:
        status = 128 + getattr(error, "number", signal.SIGINT)
        message = "; ".join(part for part in ("interrupted", str(error), interrupted) if part)
    except Exception as error:
        if type(error).__name__ not in PLACE_ERRORS or not type(error).__module__.startswith("tensorflow"):
            raise
        status, message = 2, f"error: {brief((str(error).splitlines() or [type(error).__name__])[0], 240)}"
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
        raise InputError(f"{brief(str(error).removeprefix('ERROR:: '), 260)} (--help lists the flags)") from error
    except SystemExit:  # --help has been printed; absl would exit with 1
        sys.exit(0)
    if len(rest) > 1:
        raise InputError(
            f"unexpected argument {brief(rest[1])!r}: options are written --name=value (--help lists the flags)"
        )
    return values


def start_tensorflow() -> None:
    """Imports TensorFlow and looks for devices; without its start-up messages, unless the user has asked for some."""
    check_temporary()
    print("Starting TensorFlow ...", file=sys.stderr, flush=True)  # its import takes seconds
    asked = os.environ.get(LOG_LEVEL) in TALKATIVE
    os.environ.update({name: value for name, value in ENVIRONMENT.items() if name not in os.environ})
    with contextlib.nullcontext() if asked else _silent():
        import tensorflow as tf

        gpus = tf.config.list_physical_devices("GPU")
    if shutil.which("nvidia-smi") and not gpus and "CUDA_VISIBLE_DEVICES" not in os.environ:
        logging.warning("TensorFlow finds no GPU, though nvidia-smi is here; %s=0 shows why.", LOG_LEVEL)


def check_temporary() -> None:
    """InputError unless temporary files can be written, as TensorFlow does before its first step."""
    try:
        with tempfile.TemporaryFile() as file:
            file.write(bytes(TEMPORARY))
    except OSError as error:
        place = brief(os.environ.get("TMPDIR", "/tmp"))
        raise InputError(
            f"Temporary files cannot be written: {error.strerror}. Make room in {place}, or write TMPDIR=FOLDER before "
            "the command."
        ) from error


def define(
    values: flags.FlagValues,
    name: str,
    default: Any,
    text: str,
    choices: Sequence[str] = (),
    low: float | None = None,
    high: float | None = None,
    module: str = "",
    kind: type | None = None,
) -> None:
    """Declares a flag of the default's type, or of `kind`.

    Args:
        values: where to declare it.
        name: name of the flag.
        default: its default, a bool, int, float or str; None: the program chooses.
        text: help, with the unit.
        choices: the legal strings; empty: any.
        low: smallest legal number, inclusive.
        high: largest legal number, inclusive.
        module: the heading below which --helpfull lists it; empty: the program, whose flags --help lists too.
        kind: the flag's type, where the default is None.
    """
    kind = kind or type(default)
    where = {"flag_values": values, "module_name": module or sys.argv[0]}
    if choices:
        flags.DEFINE_enum(name, default, choices, text, **where)
    elif kind is bool:
        flags.DEFINE_boolean(name, default, text, **where)
    elif kind is int:
        flags.DEFINE_integer(name, default, text, low, high, **where)
    elif kind is float:
        flags.DEFINE_float(name, default, text, low, high, **where)
    else:
        flags.DEFINE_string(name, default, text, **where)


def define_fields(values: flags.FlagValues, config: type, prefix: str = "") -> None:
    """Declares one flag for each field of a configuration, named `prefix` + field."""
    for field in dataclasses.fields(config):
        limits = {name: field.metadata[name] for name in ("text", "choices", "low", "high", "kind")}
        define(values, prefix + field.name, field.default, module=config.__name__, **limits)


def read_fields(values: flags.FlagValues, config: type[Config], prefix: str = "") -> Config:
    """The configuration that the flags of `define_fields` describe; InputError if its fields do not go together."""
    return config(**{field.name: values[prefix + field.name].value for field in dataclasses.fields(config)})


def folder(values: flags.FlagValues, name: str) -> pathlib.Path:
    """The folder or file that a flag names, ~ being the user's; InputError if the flag is not given."""
    if not values[name].value:
        raise InputError(f"--{name} is missing: {values[name].help}.")
    try:
        return pathlib.Path(values[name].value).expanduser()
    except RuntimeError as error:  # ~name of nobody
        raise InputError(f"--{name}={brief(values[name].value)}: {error} Write the whole path.") from error


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
