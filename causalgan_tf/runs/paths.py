"""Paths of a configuration: the same from any working folder."""

import dataclasses
import os
import pathlib

from causalgan_tf.config.data import FILES
from causalgan_tf.config.run import RunConfig


def absolute(config: RunConfig) -> RunConfig:
    """A configuration whose paths are the same from any working folder."""
    paths = {name: getattr(config.data, name) for name in (*FILES, "data_dir")}
    paths = {name: _absolute(path) for name, path in paths.items() if path}
    graph = config.data.graph
    if looks_like_a_path(graph) and pathlib.Path(_absolute(graph)).is_file():
        paths["graph"] = _absolute(graph)
    return dataclasses.replace(config, data=dataclasses.replace(config.data, **paths))


def looks_like_a_path(graph: str) -> bool:
    """Whether what a user gave as a graph may be the name of a file, and is no text of a graph."""
    return "->" not in graph and "\n" not in graph and len(graph) < 1024


def is_gone(graph: str, before: str) -> bool:
    """Whether a graph names the file that the run was begun with, and that file is not there any more."""
    if not looks_like_a_path(before) or before not in (graph, _absolute(graph)):
        return False
    return pathlib.Path(before).is_absolute() and not pathlib.Path(before).is_file()


def _absolute(path: str) -> str:
    """A path from the root, ~ being the user's folder; ~name of nobody is a name like any other."""
    return str(pathlib.Path(os.path.expanduser(path)).absolute())
