"""``landloom resume``: go on safely after the main Snakemake process died on a cluster."""

from landloom.cluster.resume import main

__all__ = ["main"]
