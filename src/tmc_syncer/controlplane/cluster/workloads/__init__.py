"""The workload controllers: what makes pods, and what counts them."""
