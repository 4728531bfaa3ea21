"""Lets a CUDA build of torchvision import beside a CPU build of torch.

The package index has no CPU build of torchvision. Its CUDA build cannot load its C++ operators without
CUDA libraries, and then fails on import because the operator ``nms`` has no schema. Declaring the schema
first is enough for models, transforms, segmentation-models-pytorch, timm and torchmetrics. With a
torch that has CUDA or ROCm nothing is done. ``torchvision-guard.pth`` runs ``install`` at the start of the
interpreter; torch itself is imported only when torchvision is.
"""

import importlib.abc
import importlib.machinery
import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

_library: list[object] = []


class _Guard(importlib.abc.MetaPathFinder):
    """Declares the missing schemas right before torchvision is first imported."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname == "torchvision" and _needs_cuda():
            _declare()
        return None


def _needs_cuda() -> bool:
    """Whether the installed torchvision is linked against CUDA."""
    spec = importlib.machinery.PathFinder.find_spec("torchvision")
    folders = spec.submodule_search_locations or [] if spec else []
    libraries = [f for folder in folders for f in Path(folder).glob("_C*.so")]
    return any(b"libtorch_cuda.so" in f.read_bytes() for f in libraries)


def _declare() -> None:
    import torch

    if _library or torch.version.cuda or torch.version.hip:
        return
    schema = "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"
    library = torch.library.Library("torchvision", "DEF")
    for name in ("nms", "qnms"):
        library.define(name + schema)
    _library.append(library)  # the schemas live as long as the library object


def install() -> None:
    """Register the guard, once."""
    if not any(isinstance(finder, _Guard) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Guard())
