"""Running on SLURM: what the cluster offers, what must not be asked of it, and going on after a fault."""
