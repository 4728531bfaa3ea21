"""Stages: one module each, with a VERSION and a run function."""
