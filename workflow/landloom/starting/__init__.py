"""A first config for data that nobody has described."""
