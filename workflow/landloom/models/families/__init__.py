"""Families of bases: one file each, of what sets a family apart."""
