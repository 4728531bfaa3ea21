"""Captions of images: who writes them, what makes one good, and what is never asked twice."""
