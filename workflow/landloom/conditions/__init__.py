"""Conditions: what the denoiser is told, through three doors (tokens, embedding, hint)."""
