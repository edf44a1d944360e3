"""Benchmarks with known truth: what developers run and nothing imports."""
