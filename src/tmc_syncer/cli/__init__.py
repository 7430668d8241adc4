"""The command line: `tmc`."""
