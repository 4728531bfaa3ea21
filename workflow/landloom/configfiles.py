"""Config files, read and merged as Snakemake does, for commands that run without it."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from snakemake.common.configfile import load_configfile
from snakemake.exceptions import WorkflowError

from landloom.config import merge
from landloom.errors import InputError


def read(files: Sequence[Path]) -> dict[str, Any]:
    """The config of one or more files; a later one is laid over the earlier ones, key by key.

    Raises:
        InputError: a file is missing, no YAML or JSON, or holds no mapping.
    """
    merged: dict[str, Any] = {}
    for file in files:
        if not file.is_file():
            raise InputError(file, "the config file does not exist", "Give yours with --configfile FILE ...")
        try:
            merged = merge(merged, load_configfile(str(file)))
        except (WorkflowError, ValueError) as error:
            raise InputError(file, f"not a config ({error})", "Correct its YAML") from None
    return merged
