"""The embedded control plane: a Kubernetes API server with logical clusters, in one Python process."""
