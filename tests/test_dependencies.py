"""What the package imports is what it declares: nothing works only because another package brings it."""

import ast
import re
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]
NAMES = {"pil": "pillow", "yaml": "pyyaml", "skimage": "scikit-image"}
"""Packages that are imported under another name."""


def imported() -> set[str]:
    """Third-party packages that any module of Landloom imports, by their names in an index."""
    found = set()
    for path in (ROOT / "workflow/landloom").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                found |= {a.name.split(".")[0] for a in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                found.add(node.module.split(".")[0])
    others = found - set(sys.stdlib_module_names) - {"landloom"}
    return {NAMES.get(plain(n), plain(n)) for n in others}


def plain(name: str) -> str:
    """A package's name as indexes compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def named(lines: list[str]) -> set[str]:
    """Names in lines of requirements."""
    return {plain(m[0]) for line in lines if (m := re.match(r"[\w.-]+", line))}


def test_imports_are_declared_and_pinned() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = [r for rows in project["optional-dependencies"].values() for r in rows]
    assert {"torch", "pillow"} <= imported()
    assert imported() <= named(project["dependencies"] + extras)
    assert imported() <= named((ROOT / "envs/pins.txt").read_text().splitlines())
