"""What the Snakefile asks: the answers of the DAG, paths of artefacts, checks before it."""
