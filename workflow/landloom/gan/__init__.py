"""Mask to image without diffusion: the baselines."""
