"""Latent diffusion: base models, objectives, samplers."""
