"""Speaking Kubernetes: kubeconfig, credentials, transport, verbs, watch streams, discovery, errors."""
