"""Wiring of the agent process: one file per controller, and the file that composes them."""
