"""What happens to a pod on its node, as data: stages, the programs in containers, nodes."""
