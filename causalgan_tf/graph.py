"""Another name of `causalgan_tf.graphs.graph`, which held its place up to version 0.3."""

from causalgan_tf.graphs.graph import CausalGraph
from causalgan_tf.graphs.loading import load_graph

__all__ = ["CausalGraph", "load_graph"]
