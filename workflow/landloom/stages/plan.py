"""Which class mixes are asked for: one row a request, the same for the same seed."""

import sys

import numpy as np
import pandas as pd

from landloom.captioning.bank import CaptionBank
from landloom.conditions.words import image_caption, mask_prompt
from landloom.config.caption import Words
from landloom.config.plan import PlanConfig
from landloom.data import stored_tables
from landloom.data.statistics import Statistics
from landloom.errors import InputError
from landloom.planning import goals, prior
from landloom.runtime.command_line import In, Ins, Out

VERSION = 4


def run(
    config: PlanConfig, caption: Words, seed: int, statistics: In, ratios: In, out: Out,
    captions: Ins | None = None, tables: Ins | None = None, split: str = "train",
) -> None:  # fmt: skip
    """Write the plan: what is asked for, what is expected with it, words, seed, and whether data supports it.

    Args:
        config: goals and their shares.
        caption: templates of the words.
        seed: seed of everything drawn.
        statistics: the dataset statistics.
        ratios: class ratios of all real tiles.
        out: the plan.
        captions: captions of train tiles; with them images get the words of tiles with a similar class mix.
        tables: files that the goals name, so that they are on record.
        split: tiles that goals start from; anything but train is for measuring only.
    """
    if config.captions == "bank" and not captions:
        raise InputError("plan.captions", "'bank' without captions", "Give --captions, or take 'template'")
    dataset = Statistics.load(statistics)
    table = stored_tables.read(ratios).to_pandas()
    parts = {s: t[["id", *dataset.names]] for s, t in table.groupby("split")}
    if split not in parts:
        raise InputError("split", f"no tile is in {split}", "Change data.split")
    train, start = (parts[s][dataset.names].to_numpy(np.float64) for s in ("train", split))
    rng = np.random.default_rng(seed)
    seeds = rng.integers(0, 2**31, config.count)
    asked, mixes = ask(config, start, train.sum(0), dataset, rng)
    rows = requests(asked, train)
    rows["mix"], rows["seed"] = mixes, seeds
    rows["id"] = [f"s{i:06d}" for i in range(len(rows))]
    rows["shard"] = np.arange(len(rows)) % config.shards
    expected = [np.asarray(r, np.float64) for r in rows["expected_ratios"]]
    rows["prompt"] = [mask_prompt(r.tolist(), dataset.names, caption) for r in expected]
    rows["caption"] = [image_caption(r.tolist(), dataset.names, caption) for r in expected]
    if captions:
        bank = CaptionBank(captions, parts["train"]["id"].tolist(), train)
        rows["caption"] = [bank.draw(t, int(s)) for t, s in zip(asked, seeds, strict=True)]
    if unsupported := int((~rows["supported"]).sum()):
        print(
            f"warning: {unsupported} of {len(rows)} class mixes are not supported by train tiles",
            file=sys.stderr,
        )
    rows.to_parquet(out, index=False)


def ask(
    config: PlanConfig,
    start: goals.Shares,
    total: goals.Shares,
    dataset: Statistics,
    rng: np.random.Generator,
) -> tuple[goals.Shares, list[str]]:
    """Targets (N, K) of all groups of requests, and the group of each."""
    parts, mixes = [], []
    for mix, count in group_sizes(config).items():
        goal = config.mixes[mix]
        rows = goals.targets(goal, count, start, total, dataset.names, dataset.size, rng)
        if goal.goal == "deficit" and (reached := goals.shortfall(goal, total, rows, dataset.names)):
            found = f"{count} samples cannot bring all tiles to the mix, only to {reached}"
            print(f"warning: plan.mixes.{mix}: {found}", file=sys.stderr)
        parts.append(rows)
        mixes += [mix] * count
    return np.concatenate(parts), mixes


def group_sizes(config: PlanConfig) -> dict[str, int]:
    """Requests per mix; they sum to the count (largest remainders get the rest)."""
    total = sum(m.share for m in config.mixes.values())
    exact = {name: config.count * m.share / total for name, m in config.mixes.items()}
    counts = {name: int(x) for name, x in exact.items()}
    by_rest = sorted(exact, key=lambda n: counts[n] - exact[n])
    for name in by_rest[: config.count - sum(counts.values())]:
        counts[name] += 1
    return counts


def requests(asked: goals.Shares, train: goals.Shares) -> pd.DataFrame:
    """Columns target_ratios (NaN where open), expected_ratios (complete), novelty and supported."""
    some = prior.thinned(train)
    expected = [prior.filled(t, some) for t in asked]
    novelty = prior.novelty(asked, some)
    return pd.DataFrame(
        {
            "target_ratios": list(asked.astype(np.float32)),
            "expected_ratios": list(np.array(expected, np.float32)),
            "novelty": novelty.astype(np.float32),
            "supported": (novelty <= 1) & prior.reachable(asked, train),
        }
    )
