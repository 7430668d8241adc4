"""What the control plane serves: types as data, how they are read, defaulted, checked and shown, and custom types."""
