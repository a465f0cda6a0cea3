"""Benchmarks against named alternatives, and the bars. None of it is a test."""
