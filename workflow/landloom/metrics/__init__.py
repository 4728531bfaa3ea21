"""Measures of synthetic data: class proportions, image fidelity, and the tables made of them."""
