"""Real train tiles and accepted synthetic pairs in one training set."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from landloom.config.mix import MixConfig
from landloom.data import sample_index, samples
from landloom.data.quality import accepted
from landloom.data.sample_index import Place
from landloom.errors import InputError
from landloom.runtime.command_line import Ins, Out
from landloom.scenes.splits import LEARNED

VERSION = 3


def run(config: MixConfig, ratio: float, seed: int, tiles: Ins, curated: Ins, out: Out) -> None:
    """Write an index of all real train tiles and ``ratio`` times as many accepted pairs, in random order.

    A smaller ratio takes a subset of the pairs that a larger one takes. With ``of: alone`` the real tiles are
    left out, unless the ratio is 0. Pixels stay where they are.

    Raises:
        InputError: too few pairs were accepted, or one was made from a val or test tile.
    """
    rng = np.random.default_rng(seed)
    train = samples.rows(tiles, "train")
    wanted = needed(config, ratio, len(train))
    kept = [] if config.of == "alone" and ratio else train
    chosen = choose(curated, wanted, rng)
    forbid_leaks(tiles, curated, chosen)
    places = pick(tiles, kept) + pick(curated, sorted(chosen))
    generators = sorted({str(samples.metadata(p).get("generator")) for p in curated})
    about = {"ratio": ratio, "of": config.of, "seed": seed, "n_real": len(kept), "n_synthetic": wanted}
    mixed = [places[i] for i in rng.permutation(len(places))]
    sample_index.write(out, mixed, about | {"generators": generators})


def pick(paths: Sequence[Path], rows: Sequence[int]) -> list[Place]:
    """Places of some rows, counted over all shards."""
    found = sample_index.located(paths) if rows else []
    return [found[i] for i in rows]


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
    held = {i for i, split in zip(table["id"], table["split"], strict=True) if split not in LEARNED}
    made = samples.columns(curated, ["id", "parents"]) if chosen else {"id": [], "parents": []}
    for row in sorted(chosen):
        if leaked := held.intersection([made["id"][row], *(made["parents"][row] or [])]):
            raise InputError(
                made["id"][row],
                f"was made from held-out tile {min(leaked)}",
                "Generate from train tiles only",
            )
