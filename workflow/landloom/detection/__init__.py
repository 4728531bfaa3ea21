"""Detectors: boxes of objects, level or turned, found by their centres and scored on real ground."""
