"""Benchmarks on the test host, side by side with what people use today."""
