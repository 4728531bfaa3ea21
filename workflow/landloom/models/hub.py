"""Where a model that is not trained here lies on disk."""

from pathlib import Path

from landloom.config.model import Model
from landloom.errors import InputError
from landloom.provenance import records


def locate(config: Model, section: str = "base") -> Path:
    """Folder of the model; a hub id is looked up in the local cache, and fetched only if the config allows.

    Args:
        config: where the model comes from.
        section: the part of the config that says so, for messages.

    Raises:
        InputError: the folder is missing, the id is not in the cache, or the digest differs.
    """
    folder = Path(config.source)
    if not folder.is_dir():
        folder = _from_hub(config, section)
    if config.sha256 is not None and (found := records.digest(folder)) != config.sha256:
        raise InputError(
            f"{section}.sha256", f"{folder} has digest {found}", "Take the right model, or correct the digest"
        )
    return folder


def _from_hub(config: Model, section: str) -> Path:
    # Only here: the Snakefile asks this module about folders, at every start of every job.
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError

    if config.revision is None:
        found = f"'{config.source}' is no folder, and as a hub id it has no revision"
        raise InputError(
            f"{section}.source",
            found,
            f"Fix the path, or set {section}.revision to a commit of the hub repository",
        )
    try:
        return Path(
            snapshot_download(
                config.source,
                revision=config.revision,
                local_files_only=not config.download,
                ignore_patterns=["*.bin", "*.ckpt", "*.pt", "*.msgpack", "safety_checker/*", "*fp16*"],
            )
        )
    except HFValidationError:
        found = f"'{config.source}' is neither a folder nor a hub id"
        raise InputError(f"{section}.source", found, "Fix the path") from None
    except LocalEntryNotFoundError:
        found = f"'{config.source}' at {config.revision} is not in the local cache"
        remedy = f"Fetch it where there is a network, or set {section}.download: true"
        raise InputError(f"{section}.source", found, remedy) from None
