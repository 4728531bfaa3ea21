"""Damaged files of every kind that Landloom reads: each is read, or refused in one sentence."""
