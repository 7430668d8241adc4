"""The store of the control plane: every object of one server, one revision, a window of its past, and watches."""
