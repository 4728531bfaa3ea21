"""Real train tiles and accepted synthetic pairs in one training shard."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from landloom import samples
from landloom.config.mix import MixConfig
from landloom.errors import InputError
from landloom.quality import accepted
from landloom.samples import Sample
from landloom.stage import Ins, Out

VERSION = 2
BUFFER = 1024  # samples held while shuffling


def run(config: MixConfig, ratio: float, seed: int, tiles: Ins, curated: Ins, out: Out) -> None:
    """Write all real train tiles and ``ratio`` times as many accepted pairs, in random order.

    A smaller ratio takes a subset of the pairs that a larger one takes. With ``of: alone`` the real tiles are
    left out, unless the ratio is 0.

    Raises:
        InputError: too few pairs were accepted, or one was made from a val or test tile.
    """
    rng = np.random.default_rng(seed)
    splits = samples.columns(tiles, ["split"])["split"]
    real = splits.count("train")
    wanted = needed(config, ratio, real)
    kept = 0 if config.of == "alone" and ratio else real
    chosen = choose(curated, wanted, rng)
    forbid_leaks(tiles, curated, chosen)
    streams = {
        False: shuffled(samples.read(tiles, split="train"), rng),
        True: shuffled(pick(curated, chosen), rng),
    }
    order = rng.permutation(np.repeat([False, True], [kept, wanted]))
    generators = sorted({str(samples.metadata(p).get("generator")) for p in curated})
    about = {"ratio": ratio, "of": config.of, "seed": seed, "n_real": kept, "n_synthetic": wanted}
    samples.write(out, (next(streams[bool(s)]) for s in order), about | {"generators": generators})


def needed(config: MixConfig, ratio: float, real: int) -> int:
    """Synthetic samples that a ratio asks for beside ``real`` real ones.

    Raises:
        InputError: the ratio is negative, less than one sample, or a share of the whole that leaves no room
            for real tiles.
    """
    if ratio < 0 or (config.of == "total" and ratio >= 1):
        raise InputError("mix.ratios", f"{ratio} is no possible share of '{config.of}'", "Give 0 to below 1")
    wanted = config.pairs(ratio, real)
    if ratio and not wanted:
        found = f"{ratio} of {real} real train tiles is less than one sample"
        raise InputError("mix.ratios", found, "Raise it: sets without synthetic samples are always made")
    return wanted


def choose(curated: Sequence[Path], wanted: int, rng: np.random.Generator) -> set[int]:
    """Row numbers (over all shards) of ``wanted`` accepted pairs, at random.

    Raises:
        InputError: there are too few.
    """
    if not wanted:
        return set()
    table = samples.columns(curated, ["quality", "split"])
    rows = zip(table["quality"], table["split"], strict=True)
    good = [i for i, (found, split) in enumerate(rows) if split == "train" and accepted(found)]
    if len(good) < wanted:
        raise InputError(
            "mix.ratios",
            f"{wanted} accepted samples are needed, {len(good)} of {len(table['split'])} were accepted",
            "Raise plan.count or lower curate.min_agreement",
        )
    return set(rng.permutation(good)[:wanted].tolist())


def forbid_leaks(tiles: Sequence[Path], curated: Sequence[Path], chosen: set[int]) -> None:
    """Raise InputError when a chosen pair is, or was made from, a val or test tile."""
    table = samples.columns(tiles, ["id", "split"])
    held = {i for i, split in zip(table["id"], table["split"], strict=True) if split != "train"}
    made = samples.columns(curated, ["id", "parents"]) if chosen else {"id": [], "parents": []}
    for row in sorted(chosen):
        if leaked := held.intersection([made["id"][row], *(made["parents"][row] or [])]):
            raise InputError(
                made["id"][row],
                f"was made from held-out tile {min(leaked)}",
                "Generate from train tiles only",
            )


def pick(curated: Sequence[Path], chosen: set[int]) -> Iterator[Sample]:
    """Yield the chosen rows of all shards, in order."""
    if chosen:
        yield from (s for i, s in enumerate(samples.read(curated)) if i in chosen)


def shuffled(stream: Iterator[Sample], rng: np.random.Generator) -> Iterator[Sample]:
    """Yield samples in random order, never holding more than a buffer of them."""
    buffer: list[Sample] = []
    for sample in stream:
        if len(buffer) < BUFFER:
            buffer.append(sample)
            continue
        k = int(rng.integers(BUFFER))
        buffer[k], out = sample, buffer[k]
        yield out
    yield from (buffer[int(k)] for k in rng.permutation(len(buffer)))
