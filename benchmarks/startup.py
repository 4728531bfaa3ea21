"""How long a job takes until its stage runs, by back-end, against ``import torch``; for information.

python benchmarks/startup.py

Each is a process of its own that imports what such a job imports, and ends. So little else is left to a job
before its run: it reads its arguments and hashes its inputs.
"""

import subprocess
import sys
from functools import partial
from statistics import median

from comparison import interleaved, report

CODE = """
import gc
import landloom.__main__
from landloom.runtime.importing import importing
with importing():
    import landloom.stages.{}
gc.freeze()
"""

KINDS = {
    "real": ("real masks and images, without torch", "image_sample"),
    "features": ("features: torch", "features"),
    "segment": ("segmentation: torch, timm", "segment"),
    "gan": ("a GAN's training: torch, accelerate", "image_train, landloom.gan.pix2pix"),
    "diffusion": (
        "ControlNet sampling: torch, diffusers",
        "image_sample, landloom.diffusion.images, landloom.segmentation.networks",
    ),
}
"""What is started, and its modules."""


def main() -> None:
    """Write a row a kind."""
    for name, (what, modules) in KINDS.items():
        ratios, torch = interleaved(partial(run, "import torch"), partial(run, CODE.format(modules)))
        report(
            f"startup_{name}", f"start of {what}", "a process that imports torch", ratios, better="low",
            unit="times as long", took=median(ratios) * torch,
        )  # fmt: skip


def run(code: str) -> None:
    """Run Python code in a process."""
    subprocess.run([sys.executable, "-c", code], check=True)


if __name__ == "__main__":
    main()
