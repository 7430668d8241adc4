"""The HTTP side of the control plane: paths, verbs, lists, watches, errors, and the in-process client."""
