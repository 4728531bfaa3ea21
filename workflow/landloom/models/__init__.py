"""Bases: found, checked, loaded, built from scratch, saved with cards."""
