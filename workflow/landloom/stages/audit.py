"""``audit``: every output's lineage, re-hashed."""

import json
from pathlib import Path

from landloom.config.audit import AuditConfig
from landloom.errors import InputError
from landloom.orchestration.dag import Dag
from landloom.provenance import lineage
from landloom.provenance.audit import Audit, insist
from landloom.runtime.command_line import Ins, Out, Text

VERSION = 2
KEEP = False  # it looks at files that are no inputs


def run(config: AuditConfig, root: Path, out: Out, provenance: Out, after: Ins, settings: Text = "") -> None:
    """Hash every output again and compare it with its record and its inputs.

    Each entry of the result has a status: ok; changed (other bytes than recorded); missing; stale (made from
    inputs that are not those of now); outdated (made with other settings or by another VERSION); edited (its
    stage's module was edited since, under the same VERSION); orphan (a file without a record).

    Args:
        config: whether a problem fails the job.
        root: folder results/<dataset>.
        out: the JSON file.
        provenance: the history of everything as PROV-JSON.
        after: outputs that must exist first; they only order the job.
        settings: JSON of the config of now; outputs are not compared with it when absent.

    Raises:
        InputError: ``root`` is no folder, a record cannot be read, or, when strict, anything is wrong.

    """
    if not root.is_dir():
        raise InputError(root, "no such folder", "Give the folder results/<dataset>.")
    expected = Dag(json.loads(settings)).expected() if settings else {}
    audit = Audit(root, expected)
    found = audit.run()
    if config.strict:
        insist(root, found)
    out.write_text(json.dumps(found, indent=1, allow_nan=False) + "\n")
    provenance.write_text(json.dumps(lineage.prov(audit.records), indent=1) + "\n")
