"""Masks by discrete diffusion over class indices: no autoencoder, no colours, no text."""
