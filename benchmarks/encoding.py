"""Latents and text embeddings of tiles, against a loop that encodes one tile and its caption at a time.

python benchmarks/encoding.py [--pairs 5]

The same autoencoder and text encoder, which have random weights; latents and embeddings are equal to
tolerance, which is checked. Both open the same PNG files in memory.
"""

import argparse
from collections.abc import Sequence

import machine
import torch
from bench_base import CAPTIONS, COUNT, FULL, SIDE, SUFFIX, THREADS, bundle, pixels, scaled
from comparison import interleaved, report
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from landloom.diffusion.latent_cache import encoded
from landloom.stages.encode import embeddings
from landloom.training.loop import device

BATCH = 8


class Opened:
    """Pictures (N, C, H, W) that are opened when a batch asks for them."""

    def __init__(self, files: Sequence[bytes]) -> None:
        self.files = files

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, rows: Tensor) -> Tensor:
        return torch.stack([scaled(self.files[i]) for i in rows.tolist()])


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=5)
    given = parser.parse_args()
    torch.set_num_threads(THREADS)
    files, model = pixels()[0], bundle()

    @torch.no_grad()
    def ours() -> tuple[Tensor, Tensor]:
        latents = torch.cat(list(encoded(model, [Opened(files)], "none", BATCH)))[:, 0]
        return latents, torch.cat(list(embeddings(model, CAPTIONS)))

    @torch.no_grad()
    def theirs() -> tuple[Tensor, Tensor]:
        latents = [model.encode(scaled(f)[None].to(device())).cpu() for f in files]
        return torch.cat(latents), torch.cat([model.embed([c]).cpu() for c in CAPTIONS])

    for a, b in zip(ours(), theirs(), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-2, atol=2e-2 if FULL else 1e-3)
    with FlopCounterMode(display=False) as counter:
        ours()
    ratios, took = interleaved(ours, theirs, given.pairs)
    report(
        f"encode{SUFFIX}", f"encoding {COUNT} tiles of {SIDE} px and their captions",
        "one tile and one caption at a time", ratios, took=took,
        floor=machine.share(counter.get_total_flops(), took),
    )  # fmt: skip


if __name__ == "__main__":
    main()
