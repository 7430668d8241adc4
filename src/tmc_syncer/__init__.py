"""Transparent multi-cluster for kcp and plain Kubernetes.

tmc-syncer copies objects from workspaces of a control plane (*upstream*) to physical clusters (*downstream*) and brings
status and events back. This package root holds the version and nothing else, so that importing it costs nothing; the
parts live in the sub-packages, whose order (who may import whom) is a contract checked by ``make lint``.
"""

__all__ = ["__version__"]

__version__ = "0.1.0.dev0"
