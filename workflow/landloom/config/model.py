"""A pretrained model: a folder, or a hub id pinned by commit."""

from landloom.config.section import Section


class Model(Section):
    """Where a pretrained model comes from."""

    source: str = ""
    """A model folder, or a hub id such as 'owner/name'."""
    revision: str | None = None
    """Commit of the hub repository; needed with a hub id, so that the weights cannot change."""
    sha256: str | None = None
    """Digest the model folder must have, as ``python -m landloom.provenance FOLDER`` prints it."""
    download: bool = False
    """Allow the hub id to be fetched; otherwise it must lie in the local cache."""
