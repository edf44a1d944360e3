"""Asks an exported model by tools/serving/client.c, the loader of TensorFlow Serving."""

import pathlib
import struct
import subprocess

import numpy as np
import tensorflow as tf
from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

SOURCE = pathlib.Path(__file__).with_name("client.c")


def built(place):
    """The program, built against TensorFlow's headers and library."""
    home, program = pathlib.Path(tf.sysconfig.get_include()).parent, place / "client"
    line = ["gcc", "-O1", "-Wall", "-Wextra", "-Werror", f"-I{home}/include", str(SOURCE), "-o", str(program)]
    line += [f"-L{home}", "-l:libtensorflow_cc.so.2", "-l:libtensorflow_framework.so.2", f"-Wl,-rpath,{home}"]
    subprocess.run(line, check=True)
    return program


def ask(program, folder, requests, place):
    """Seconds of loading, and the outputs by name of each request (signature, inputs), or the error's message."""
    saved = SavedModel.FromString((folder / "saved_model.pb").read_bytes())
    signatures = saved.meta_graphs[0].signature_def
    asked, found = place / "requests", place / "answers"
    with open(asked, "wb") as file:
        file.write(b"requests %d\n" % len(requests))
        for signature, inputs in requests:
            file.write(written(signatures[signature], inputs))
    subprocess.run([str(program), str(folder), str(asked), str(found)], check=True, timeout=120)
    with open(found, "rb") as file:
        loaded = float(file.readline().split()[1])
        return loaded, [read(file, sorted(signatures[signature].outputs)) for signature, _ in requests]


def written(signature, inputs):
    parts = [b"request %d %d\n" % (len(inputs), len(signature.outputs))]
    for name, value in inputs.items():
        operation, index = signature.inputs[name].name.split(":")
        kind = tf.as_dtype(value.dtype).as_datatype_enum
        head = [operation, index, kind, value.nbytes, value.ndim, *value.shape]
        parts += [f"input {' '.join(map(str, head))}\n".encode(), np.ascontiguousarray(value).tobytes()]
    for name in sorted(signature.outputs):
        operation, index = signature.outputs[name].name.split(":")
        parts.append(f"output {operation} {index}\n".encode())
    return b"".join(parts)


def read(file, names):
    word, *rest = file.readline().split()
    if word == b"error":
        return file.read(int(rest[1])).decode()
    return {name: read_output(file) for name in names}


def read_output(file):
    kind, size, _, *shape = map(int, file.readline().split()[1:])
    data = file.read(size)
    if kind != tf.string.as_datatype_enum:
        return np.frombuffer(data, tf.as_dtype(kind).as_numpy_dtype).reshape(shape)
    texts = []
    while data:
        (length,) = struct.unpack_from("<Q", data)
        texts.append(data[8 : 8 + length])
        data = data[8 + length :]
    return np.array(texts, object).reshape(shape)
