"""A shell of its own for simulated containers: it knows a dozen commands, a file system in memory, and nothing of the host."""
