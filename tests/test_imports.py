"""Imports inside the package point down: a room knows only those before it in ``ROOMS``."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from landloom.runtime import registry

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
    "objects",
    "conditions",
    "models",
    "training",
    "gan",
    "metrics",
    "ratio_control",
    "copy_paste",
    "mask_diffusion",
    "diffusion",
    "captioning",
    "planning",
    "segmentation",
    "detection",
    "exporting",
    "reporting",
    "orchestration",
    "stages",
    "starting",
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


NETWORKS = {"torch", "torch._dynamo", "accelerate"}
DIFFUSION = NETWORKS | {"diffusers", "transformers", "peft", "scipy"}
SLOW = DIFFUSION | {"timm", "torchmetrics", "matplotlib", "pandas", "torchvision"}
"""Packages that take a tenth of a second or more to import."""

BROUGHT = [
    (("audit", "caption", "export", "image_sample", "mix", "scene_sample", "tile"), set[str]()),
    (("scene_mask",), {"scipy"}),
    (("label_sample", "plan", "ratios"), {"pandas"}),
    (("evidence", "report"), {"pandas", "matplotlib"}),
    (("detect_table",), {"pandas"}),
    (("features",), {"torch", "accelerate"}),
    (("image_train",), {"torch", "accelerate", "pandas"}),
    (("check", "curate", "segment"), NETWORKS | {"timm", "torchvision"}),
    (("detect",), NETWORKS | {"timm", "torchvision", "pandas"}),
    (("evaluate", "label_table"), SLOW - {"diffusers", "peft", "timm"}),  # torchmetrics brings the others
    (("base", "encode", "label_train"), SLOW - {"timm", "torchmetrics", "matplotlib"}),
]
"""Stages, and the slow packages that they may import before they know their back-end; no others.

``tests/stages/test_start.py`` looks at what back-ends bring.
"""


def test_every_stage_says_what_it_brings() -> None:
    assert sorted(s for stages, _ in BROUGHT for s in stages) == sorted(registry.names())


@pytest.mark.parametrize(("stages", "brought"), BROUGHT, ids=lambda v: v[0] if isinstance(v, tuple) else "")
def test_a_stage_imports_what_it_needs(stages: tuple[str, ...], brought: set[str]) -> None:
    """A job that imports all there is begins four seconds later."""
    asked = "import sys, landloom.__main__, " + ", ".join(f"landloom.stages.{s}" for s in stages)
    code = f"{asked}; print(*(m for m in {SLOW - brought!r} if m in sys.modules))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.split() == []
