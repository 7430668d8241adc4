"""What every controller stands on: a view of the store, a work queue, the loop, and events."""
