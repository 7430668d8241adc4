"""Pure functions over API objects that several controllers need."""
