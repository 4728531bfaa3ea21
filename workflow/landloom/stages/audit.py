"""``audit``: every output's lineage, re-hashed."""

import json
from pathlib import Path

from landloom import auditing
from landloom.config.audit import AuditConfig
from landloom.errors import InputError
from landloom.stage import Ins, Out

VERSION = 1
KEEP = False  # it looks at files that are no inputs


def run(config: AuditConfig, root: Path, out: Out, after: Ins) -> None:
    """Hash every output again and compare it with its record and its inputs.

    Each entry of the result has a status: ok; changed (other bytes than recorded); missing; stale (made from
    inputs that are not those of now); orphan (a file without a record).

    Args:
        config: whether a problem fails the job.
        root: folder results/<dataset>.
        out: the JSON file.
        after: outputs that must exist first; they only order the job.

    Raises:
        InputError: ``root`` is no folder, a record cannot be read, or, when strict, anything is wrong.

    """
    if not root.is_dir():
        raise InputError(root, "no such folder", "Give the folder results/<dataset>.")
    found = auditing.Audit(root).run()
    if config.strict:
        auditing.insist(root, found)
    out.write_text(json.dumps(found, indent=1) + "\n")
