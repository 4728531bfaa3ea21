"""Whether the GPUs of this machine have room for the networks of a run.

How many samples fit beside them is found by the training itself (``training.micro_batches``). Networks alone
are a bound that no division of batches lowers.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from landloom.config.section import Section
from landloom.config.training import Training
from landloom.errors import InputError
from landloom.orchestration.resources import Tiles
from landloom.orchestration.workload import Workload

if TYPE_CHECKING:
    from landloom.orchestration.dag import Dag

WEIGHT, HALF = 4, 2
"""Bytes of a weight in fp32 and in bf16; a training holds fp32, whatever it computes in."""
LEARNED, LEARNED_8BIT = 12, 6
"""Bytes of a learned weight beside itself: its gradient, and two moments of AdamW in 32 or in 8 bits."""
REMEDY = "Use a larger GPU, a smaller network"


def small(dag: "Dag", tiles: Tiles, cards: Sequence[int]) -> list[InputError]:
    """Rules whose networks no GPU of the machine can hold.

    Args:
        dag: the run.
        tiles: the dataset.
        cards: bytes of memory of each GPU; nothing is said where none is known.
    """
    problems, room = [], max(cards, default=0)
    for rule, needed in least(dag, tiles).items() if room else ():
        if needed > room:
            found = f"its networks take {needed / 2**30:.1f} GiB of GPU memory before the first sample, "
            found += f"and the largest GPU here has {room / 2**30:.1f}"
            eight = ", or optimizer: adamw_8bit" if rule in ("label_train", "image_train", "base") else ""
            problems.append(InputError(rule, found, REMEDY + eight))
    return problems


def least(dag: "Dag", tiles: Tiles) -> dict[str, int]:
    """Bytes of GPU memory, at least, of a job of each rule that asks for a GPU."""
    load, found = Workload(dag, tiles), {}
    for rule, loaded in load.loaded.items():
        sections = [dag.config.section(rule, g) for g in (None, *dag.config.generators)]
        if load.jobs.get(rule) and any(s.gpus for s in sections):
            learned = LEARNED_8BIT if all(map(eight_bits, sections)) else LEARNED
            width = HALF if all(getattr(s, "precision", "") == "bf16" for s in sections) else WEIGHT
            saved = load.saved.get(rule, 0)
            found[rule] = loaded * (WEIGHT if saved else width) + saved * learned
    return found


def eight_bits(section: Section) -> bool:
    """Whether all trainings of a section keep their moments in 8 bits."""
    parts = [p for p in (section, *(v for _, v in section)) if isinstance(p, Training)]
    return bool(parts) and all(p.optimizer == "adamw_8bit" for p in parts)
