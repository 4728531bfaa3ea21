"""Where an output came from: digests, records, lineage, audit, and results found again."""
