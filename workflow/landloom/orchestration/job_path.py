"""Where jobs find packages."""

import os
from pathlib import Path


def put_on_path(folder: Path) -> None:
    """Let the jobs' own Python processes find packages in ``folder``."""
    known = os.environ.get("PYTHONPATH", "")
    os.environ["PYTHONPATH"] = os.pathsep.join([str(folder), *([known] if known else [])])
