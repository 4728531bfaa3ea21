"""Levers that bring the class mix of a sampled mask to what was asked for; any generator may pull them."""
