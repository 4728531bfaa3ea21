"""The stages there are, by their files: asked without importing any of them."""

import ast
import re
from pathlib import Path

STAGES = Path(__file__).parents[1] / "stages"
COMMANDS = Path(__file__).parents[1] / "commands"


def names() -> list[str]:
    """All stages, by the files in ``stages/``."""
    return sorted(p.stem for p in STAGES.glob("*.py") if p.stem != "__init__")


def version(name: str) -> int:
    """VERSION of a stage, read from its source so that nothing heavy is imported."""
    match = re.search(r"^VERSION = (\d+)$", (STAGES / f"{name}.py").read_text(), re.MULTILINE)
    if match is None:
        raise RuntimeError(f"stages/{name}.py has no line 'VERSION = <number>'")
    return int(match[1])


def commands() -> list[str]:
    """All commands that are no stages, by the files in ``commands/``."""
    return sorted(p.stem for p in COMMANDS.glob("*.py") if p.stem != "__init__")


def purpose(name: str) -> str:
    """What a stage or command is for: the first sentence of its module, without its name."""
    file = next(f for f in (STAGES / f"{name}.py", COMMANDS / f"{name}.py") if f.is_file())
    said = ast.get_docstring(ast.parse(file.read_text())) or ""
    sentence = " ".join(said.split("\n\n")[0].split())
    return re.sub(r"^``[^`]+``: ", "", sentence).removesuffix(".")
