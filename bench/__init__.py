"""Benchmarks on real servers: `python -m bench` (`make bench`). Figures are ratios within one run."""
