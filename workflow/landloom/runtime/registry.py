"""The stages there are, by their files: asked without importing any of them."""

import re
from pathlib import Path

STAGES = Path(__file__).parents[1] / "stages"


def names() -> list[str]:
    """All stages, by the files in ``stages/``."""
    return sorted(p.stem for p in STAGES.glob("*.py") if p.stem != "__init__")


def version(name: str) -> int:
    """VERSION of a stage, read from its source so that nothing heavy is imported."""
    match = re.search(r"^VERSION = (\d+)$", (STAGES / f"{name}.py").read_text(), re.MULTILINE)
    if match is None:
        raise RuntimeError(f"stages/{name}.py has no line 'VERSION = <number>'")
    return int(match[1])
