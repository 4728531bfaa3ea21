"""A generator's accepted samples in formats that other tools read, one file per format."""
