"""What goes down: observation of a copy, namespaces, drift, the applier, the deletion brake."""
