"""Imports inside the package point down: a room knows only those before it in ``ROOMS``."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "workflow/landloom"

ROOMS = [
    "errors",
    "config",
    "cluster",
    "runtime",
    "provenance",
    "scenes",
    "raster",
    "data",
    "conditions",
    "models",
    "training",
    "gan",
    "metrics",
    "copy_paste",
    "ratio_control",
    "mask_diffusion",
    "diffusion",
    "captioning",
    "planning",
    "segmentation",
    "exporting",
    "reporting",
    "orchestration",
    "stages",
    "commands",
    "__main__",
]
"""From the lowest to the highest."""

HEAVY = ("torch", "numpy", "pandas", "pyarrow", "rasterio", "diffusers", "transformers", "huggingface_hub")


def imported(file: Path) -> set[str]:
    """Modules of the package that a file imports, anywhere in it but for its types alone."""
    found = set()
    tree = ast.parse(file.read_text())
    typed = [n for n in ast.walk(tree) if isinstance(n, ast.If) and ast.unparse(n.test) == "TYPE_CHECKING"]
    left_out = {inner for outer in typed for inner in ast.walk(outer)}
    for node in set(ast.walk(tree)) - left_out:
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "landloom":
            found |= {f"{node.module}.{a.name}" for a in node.names}
        elif isinstance(node, ast.Import):
            found |= {a.name for a in node.names if a.name.split(".")[0] == "landloom"}
    return found


def room(module: str) -> str:
    return module.split(".")[1] if "." in module else "__init__"


FILES = sorted(PACKAGE.rglob("*.py"))


def test_every_room_has_its_place() -> None:
    names = {f.relative_to(PACKAGE).parts[0].removesuffix(".py") for f in FILES} - {"__init__"}
    assert names == set(ROOMS)


@pytest.mark.parametrize("file", FILES, ids=lambda f: str(f.relative_to(PACKAGE)))
def test_imports_point_down(file: Path) -> None:
    order = ["__init__", "__version__", *ROOMS]
    mine = file.relative_to(PACKAGE).parts[0].removesuffix(".py")
    assert not {m for m in imported(file) if order.index(room(m)) > order.index(mine)}


def test_rooms_have_no_circles_inside() -> None:
    modules = {".".join(("landloom", *f.relative_to(PACKAGE).with_suffix("").parts)): f for f in FILES}
    graph = {m: {i for i in _modules(imported(f), modules) if i != m} for m, f in modules.items()}
    done: set[str] = set()
    while ready := {m for m in graph if m not in done and graph[m] <= done}:
        done |= ready
    assert set(graph) == done, f"these import each other: {sorted(set(graph) - done)}"


def _modules(names: set[str], modules: dict[str, Path]) -> set[str]:
    """Files that names belong to: ``a.b.C`` is in ``a.b``, ``a.b`` may be a package."""
    found = set()
    for name in names:
        options = (name, f"{name}.__init__", name.rpartition(".")[0], f"{name.rpartition('.')[0]}.__init__")
        found |= {next(o for o in options if o in modules)}
    return found


def test_the_snakefile_imports_nothing_heavy() -> None:
    """Every job reads the Snakefile again."""
    asked = "import sys, landloom.orchestration.dag, landloom.orchestration.config_files; "
    code = f"{asked} print([m for m in {HEAVY} if m in sys.modules])"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"
