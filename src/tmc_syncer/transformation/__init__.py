"""The pipeline that turns an upstream object into its downstream copy, and back. Pure."""
