"""What comes up: status."""
