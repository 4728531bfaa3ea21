"""Captions from a vision-language model on this machine: Qwen2-VL and what transformers loads like it."""

from collections.abc import Sequence
from typing import Any

import torch
from PIL import Image
from transformers import AutoModelForImageTextToText, AutoProcessor

from landloom.captioning.backend import Answer, Question, Save, Stopped
from landloom.config.caption import CaptionConfig
from landloom.errors import Interrupted
from landloom.models.hub import locate
from landloom.provenance import records
from landloom.runtime.reading import reading
from landloom.training.loop import device

SECTION = "caption.qwen_vl"
LIKELIEST: dict[str, Any] = {"do_sample": False, "temperature": None, "top_p": None, "top_k": None}
"""The likeliest word each time; draws that the folder's own settings ask for are set aside."""


class QwenVl:
    """The model, loaded from a local folder and safetensors only."""

    def __init__(self, config: CaptionConfig) -> None:
        self.config, settings = config, config.qwen_vl
        folder = locate(settings, SECTION)
        dtype = torch.bfloat16 if settings.precision == "bf16" else torch.float32
        with reading(f"{SECTION}.source: {folder}", "cannot be loaded", "Give a complete model folder"):
            self.processor = AutoProcessor.from_pretrained(folder, local_files_only=True)
            self.model = AutoModelForImageTextToText.from_pretrained(
                folder, local_files_only=True, use_safetensors=True, dtype=dtype
            )
        self.model.to(device()).eval()
        self.processor.tokenizer.padding_side = "left"  # answers begin where prompts end
        weights = settings.sha256 or settings.revision or records.digest(folder)
        self.identity = f"qwen_vl {weights} {settings.precision} {config.answer}"

    def ask(self, questions: Sequence[Question], save: Save, stopped: Stopped) -> None:
        """See ``Captioner``; stops between two batches."""
        size = self.config.qwen_vl.batch
        for start in range(0, len(questions), size):
            if stopped():
                raise Interrupted
            for i, answer in enumerate(self._batch(questions[start : start + size])):
                save(start + i, answer)

    def close(self) -> None:
        """See ``Captioner``; the model goes with the job."""

    @torch.inference_mode()
    def _batch(self, questions: Sequence[Question]) -> list[Answer]:
        pictures = [[Image.fromarray(q.picture)] for q in questions]
        inputs = self.processor(
            text=[self._chat(q.prompt) for q in questions], images=pictures, padding=True, return_tensors="pt"
        ).to(self.model.device, self.model.dtype)
        made = self.model.generate(**inputs, max_new_tokens=self.config.answer, **LIKELIEST)
        new = made[:, inputs["input_ids"].shape[1] :].cpu()
        texts = self.processor.batch_decode(new, skip_special_tokens=True)
        ends = self._ends()
        read = inputs["attention_mask"].sum(1).tolist()
        return [
            Answer(text, count, *_written(ids.tolist(), ends))
            for text, count, ids in zip(texts, read, new, strict=True)
        ]

    def _chat(self, prompt: str) -> str:
        content = [{"type": "image"}, {"type": "text", "text": prompt}]
        messages = [{"role": "user", "content": content}]
        return str(self.processor.apply_chat_template(messages, tokenize=False, add_generation_prompt=True))

    def _ends(self) -> set[int]:
        found = self.model.generation_config.eos_token_id
        ids = found if isinstance(found, list) else [found]
        return {i for i in (*ids, self.processor.tokenizer.eos_token_id) if i is not None}


def _written(ids: list[int], ends: set[int]) -> tuple[int, bool]:
    """Tokens up to the first end, and whether there is one."""
    stop = next((i for i, token in enumerate(ids) if token in ends), None)
    return (len(ids), False) if stop is None else (stop + 1, True)
