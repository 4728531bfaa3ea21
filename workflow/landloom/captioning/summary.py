"""What there is to know about the captions of a scene: who wrote them, their length, repeats and tokens."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from landloom.captioning.backend import Answer
from landloom.captioning.tokens import Count
from landloom.captioning.writing import Caption
from landloom.config.caption import CaptionConfig


def summarise(
    captions: Sequence[Caption], answers: Mapping[str, Answer], config: CaptionConfig, model: str,
    count: Count, counter: str,
) -> dict[str, Any]:  # fmt: skip
    """The summary, as JSON; the same for the same captions, however often the job was started.

    Args:
        captions: the captions of a scene.
        answers: what the model said, by key.
        config: the settings.
        model: name of the model; empty for the template.
        count: counts tokens.
        counter: name of what it counts with.
    """
    tokens = {c.id: count(c.text) for c in captions}
    by = Counter(c.by for c in captions)
    return {
        "backend": config.backend,
        "model": model,
        "language": config.language,
        "counter": counter,
        "limit": config.limit,
        "captions": len(captions),
        "distinct": len({c.text for c in captions}),
        "by_model": by["model"],
        "by_template": by["template"],
        "fallback": by["fallback"],
        "asked_again": sum(len(c.answers) > 1 for c in captions),
        "over_limit": sum(t > config.limit for t in tokens.values()),
        "usage": usage(captions, answers),
        "tiles": {c.id: {"by": c.by, "tokens": tokens[c.id]} for c in captions},
    }


def usage(captions: Sequence[Caption], answers: Mapping[str, Answer]) -> dict[str, int]:
    """Tokens of all answers behind the captions, each counted once, whenever it was paid."""
    used = [answers[k] for k in dict.fromkeys(k for c in captions for k in c.answers)]
    read, written = sum(a.input_tokens for a in used), sum(a.output_tokens for a in used)
    return {"answers": len(used), "input_tokens": read, "output_tokens": written}


def line(summary: Mapping[str, Any], new: int) -> str:
    """One line for the log."""
    used = summary["usage"]
    parts = [f"{summary['captions']} captions, {summary['distinct']} distinct"]
    if summary["model"]:
        parts.append(f"{used['answers']} answers, {new} of them asked for now")
        parts.append(f"{summary['asked_again']} asked again, {summary['fallback']} took the template")
        parts.append(f"{used['input_tokens']} tokens read, {used['output_tokens']} written")
    if summary["over_limit"]:
        parts.append(
            f"{summary['over_limit']} have more than {summary['limit']} tokens ({summary['counter']}): "
            "the text encoder drops the rest"
        )
    return "; ".join(parts)
