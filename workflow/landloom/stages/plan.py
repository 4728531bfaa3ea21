"""Which class mixes are asked for: one row a request, the same for the same seed."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from landloom.captioning.bank import CaptionBank
from landloom.conditions.text import image_caption, mask_prompt
from landloom.config.caption import Words
from landloom.config.plan import MixGoal, PlanConfig
from landloom.dataset import Dataset
from landloom.errors import InputError
from landloom.stage import In, Ins, Out

VERSION = 1


def run(
    config: PlanConfig, caption: Words, seed: int, card: In, ratios: In, out: Out, captions: Ins | None = None
) -> None:
    """Write the plan: id, shard, mix, target_ratios, prompt, caption, seed.

    With ``captions`` the words for the images are those of train tiles with a similar class mix.
    """
    if config.captions == "bank" and not captions:
        raise InputError("plan.captions", "'bank' without captions", "Give --captions, or take 'template'")
    dataset = Dataset.load(card)
    table = pd.read_parquet(ratios)
    train = table[table["split"] == "train"]
    real = train[dataset.names].to_numpy(np.float64)
    bank = CaptionBank(captions, train["id"].tolist(), real, config.nearest) if captions else None
    rng = np.random.default_rng(seed)
    seeds = rng.integers(0, 2**31, config.count)
    rows: list[dict[str, object]] = []
    for mix, count in shares(config).items():
        for target in targets(config.mixes[mix], count, real, dataset.names, rng):
            i = len(rows)
            rows.append(
                {
                    "id": f"s{i:06d}",
                    "shard": i % config.shards,
                    "mix": mix,
                    "target_ratios": target.astype(np.float32),
                    "prompt": mask_prompt(target.tolist(), dataset.names, caption),
                    "caption": bank.draw(target, int(seeds[i]))
                    if bank
                    else image_caption(target.tolist(), dataset.names, caption),
                    "seed": int(seeds[i]),
                }
            )
    pd.DataFrame(rows).to_parquet(out, index=False)


def shares(config: PlanConfig) -> dict[str, int]:
    """Requests per mix; they sum to the count (largest remainders get the rest)."""
    total = sum(m.share for m in config.mixes.values())
    exact = {name: config.count * m.share / total for name, m in config.mixes.items()}
    counts = {name: int(x) for name, x in exact.items()}
    by_rest = sorted(exact, key=lambda n: counts[n] - exact[n])
    for name in by_rest[: config.count - sum(counts.values())]:
        counts[name] += 1
    return counts


def targets(
    goal: MixGoal, count: int, real: NDArray[np.float64], names: list[str], rng: np.random.Generator
) -> NDArray[np.float64]:
    """Target ratios (count, K) of one mix; each row sums to one.

    'boost' starts from real tiles that hold a boosted class, so that there is something to multiply.
    """
    if goal.goal == "table":
        rows = np.array([[row.get(n, 0.0) for n in names] for row in goal.table])
        return np.resize(rows / rows.sum(1, keepdims=True), (count, len(names)))
    factor = np.ones(len(names))
    pool = real
    if goal.goal == "boost":
        factor = np.array([goal.boost.get(n, 1.0) for n in names])
        pool = real[(real[:, [n in goal.boost for n in names]] > 0).any(1)]
        if not len(pool):
            raise InputError(
                "plan.mixes", f"no train tile holds {', '.join(goal.boost)}", "Boost classes that exist"
            )
    drawn = pool[rng.integers(0, len(pool), count)] * factor
    return np.asarray(drawn / drawn.sum(1, keepdims=True))
