"""The user's files: which make a scene, and which scenes make a split."""
