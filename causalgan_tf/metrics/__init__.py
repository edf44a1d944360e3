"""Metrics: free functions of arrays."""
