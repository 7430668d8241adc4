"""Logs, metrics and admin endpoints; passed in, never imported by pure modules."""
