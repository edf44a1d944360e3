"""Another name of `causalgan_tf.inference.query`, which held its place up to version 0.3."""

from causalgan_tf.inference.query import Query, meets, parse_assignments

__all__ = ["Query", "meets", "parse_assignments"]
