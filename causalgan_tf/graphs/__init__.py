"""Causal graphs over labels: nodes, edges, variable types, files and drawings."""
