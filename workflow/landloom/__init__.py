"""Landloom: labelled training samples for remote-sensing segmentation."""

__version__ = "0.1.0"
