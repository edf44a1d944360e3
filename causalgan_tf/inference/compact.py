"""A SavedModel's graph without what no server reads: names of operations, equal constants, shapes that are inferred.

A causal model's functions are thousands of small operations, whose names and constants take more than they themselves:
of a model with 4 MB of weights a fifth of the export.
"""

import pathlib
from collections.abc import Mapping

from tensorflow.core.framework.function_pb2 import FunctionDef
from tensorflow.core.framework.node_def_pb2 import NodeDef
from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

SHAPES = "_output_shapes"
FILE, FINGERPRINT = "saved_model.pb", "fingerprint.pb"


def compact(folder: pathlib.Path) -> None:
    """Rewrites saved_model.pb in a folder that holds one; its signatures, variables and answers stay.

    >>> import tensorflow as tf
    >>> folder = pathlib.Path("plain")
    >>> tf.saved_model.save(tf.Module(), str(folder))
    >>> size = (folder / FILE).stat().st_size
    >>> compact(folder)
    >>> (folder / FILE).stat().st_size < size
    True
    """
    saved = SavedModel.FromString((folder / FILE).read_bytes())
    for graph in saved.meta_graphs:
        for function in graph.graph_def.library.function:
            shorten(function)
    (folder / FILE).write_bytes(saved.SerializeToString(deterministic=True))
    # it is of the file as it was, and servers do without
    (folder / FINGERPRINT).unlink(missing_ok=True)


def shorten(function: FunctionDef) -> None:
    """Drops equal constants and shapes of a function's operations, and numbers the rest, whose names nobody asks for.

    >>> import tensorflow as tf
    >>> plain = tf.function(lambda x: (x + 1.0) * 1.0).get_concrete_function(tf.TensorSpec([])).function_def
    >>> small = FunctionDef.FromString(plain.SerializeToString())
    >>> shorten(small)
    >>> [node.name for node in small.node_def], len(plain.node_def)
    (['0', '1', '2', '3'], 5)
    """
    kept: list[NodeDef] = []
    names: dict[str, str] = {}
    constants: dict[bytes, str] = {}
    for node in function.node_def:
        node.attr.pop(SHAPES, None)
        own = str(len(kept))  # arguments begin with a letter
        names[node.name] = constants.setdefault(_content(node), own) if _constant(node) else own
        if names[node.name] == own:
            kept.append(NodeDef.FromString(node.SerializeToString()))
    for place, node in enumerate(kept):
        node.name = str(place)
        node.input[:] = [_renamed(name, names) for name in node.input]
        node.ClearField("experimental_debug_info")
    del function.node_def[:]
    function.node_def.extend(kept)
    for results in (function.ret, function.control_ret):
        for key, value in list(results.items()):
            results[key] = _renamed(value, names)


def _constant(node: NodeDef) -> bool:
    return node.op == "Const" and not node.input


def _content(node: NodeDef) -> bytes:
    """What a node is apart from its name."""
    plain = NodeDef(op=node.op, device=node.device)
    for key, value in node.attr.items():
        plain.attr[key].CopyFrom(value)
    return plain.SerializeToString(deterministic=True)


def _renamed(name: str, names: Mapping[str, str]) -> str:
    """The place of a value, operation:output:number, ^operation or an argument, by the operation's new name."""
    mark = "^" if name.startswith("^") else ""
    operation, colon, rest = name.removeprefix("^").partition(":")
    return f"{mark}{names.get(operation, operation)}{colon}{rest}"
