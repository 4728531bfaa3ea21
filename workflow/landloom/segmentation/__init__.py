"""Segmentation networks: training data, objective, scores, and the judge's view of synthetic pairs."""
