"""A Qwen2-VL small enough for a test, built offline and saved as its makers save theirs."""

import json
from pathlib import Path

import numpy as np
import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import (
    Qwen2Tokenizer,
    Qwen2VLConfig,
    Qwen2VLForConditionalGeneration,
    Qwen2VLImageProcessor,
    Qwen2VLProcessor,
    Qwen2VLVideoProcessor,
)

SPECIAL = [
    "<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|vision_start|>", "<|vision_end|>", "<|vision_pad|>",
    "<|image_pad|>", "<|video_pad|>",
]  # fmt: skip
CHAT = (
    "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{% for c in m['content'] %}"
    "{% if c['type'] == 'image' %}<|vision_start|><|image_pad|><|vision_end|>"
    "{% else %}{{ c['text'] }}{% endif %}"
    "{% endfor %}<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
TEXTS = ["a river beside a forest and some fields", "Write one short English caption of this image"] * 3


def tokenizer() -> Qwen2Tokenizer:
    """Byte pairs of a few sentences, with Qwen's special tokens."""
    model = Tokenizer(models.BPE())
    model.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    model.decoder = decoders.ByteLevel()
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    trainer = trainers.BpeTrainer(
        vocab_size=320, special_tokens=SPECIAL, initial_alphabet=alphabet, show_progress=False
    )
    model.train_from_iterator(TEXTS, trainer)
    body = json.loads(model.to_str())["model"]
    found = Qwen2Tokenizer(
        vocab=body["vocab"], merges=[tuple(m) for m in body["merges"]],
        eos_token="<|im_end|>", pad_token="<|endoftext|>",
    )  # fmt: skip
    found.add_special_tokens({"additional_special_tokens": SPECIAL[1:]})
    return found


def save(folder: Path, says: str = "", seed: int = 0, side: int = 28) -> Path:
    """Write model and processor.

    One that ``says`` something is taught to say it to every question about pictures of ``side`` px; larger
    ones than 56 px are shrunk to that.
    """
    words = tokenizer()
    ids = {t: words.convert_tokens_to_ids(t) for t in SPECIAL}
    torch.manual_seed(seed)
    text = {
        "vocab_size": len(words), "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2,
        "num_attention_heads": 4, "num_key_value_heads": 2, "max_position_embeddings": 2048,
        "bos_token_id": ids["<|im_start|>"], "eos_token_id": ids["<|im_end|>"],
        "pad_token_id": ids["<|endoftext|>"],
        "rope_parameters": {"rope_type": "default", "rope_theta": 10000.0, "mrope_section": [1, 1, 2]},
    }  # fmt: skip
    vision = {
        "depth": 1, "embed_dim": 32, "num_heads": 4, "hidden_size": 32, "mlp_ratio": 2, "patch_size": 14,
        "spatial_merge_size": 2, "temporal_patch_size": 2, "in_channels": 3,
    }  # fmt: skip
    config = Qwen2VLConfig(
        text_config=text, vision_config=vision, image_token_id=ids["<|image_pad|>"],
        video_token_id=ids["<|video_pad|>"], vision_start_token_id=ids["<|vision_start|>"],
        vision_end_token_id=ids["<|vision_end|>"], tie_word_embeddings=False,
    )  # fmt: skip
    model = Qwen2VLForConditionalGeneration(config)
    processor = Qwen2VLProcessor(
        image_processor=Qwen2VLImageProcessor(min_pixels=28 * 28, max_pixels=56 * 56), tokenizer=words,
        video_processor=Qwen2VLVideoProcessor(), chat_template=CHAT,
    )  # fmt: skip
    if says:
        teach(model, processor, says, side)
    model.save_pretrained(folder)
    processor.save_pretrained(folder)
    return folder


def teach(model: Qwen2VLForConditionalGeneration, processor: Qwen2VLProcessor, says: str, side: int) -> None:
    """Train until the model says a sentence and stops, whatever it is shown."""
    rng = np.random.default_rng(0)
    pictures = list(rng.integers(0, 256, (4, side, side, 3), np.uint8))
    content = [{"type": "image"}, {"type": "text", "text": "Describe."}]
    messages = [{"role": "user", "content": content}]
    asked = processor.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
    inputs = processor(text=[f"{asked}{says}<|im_end|>"] * 4, images=pictures, return_tensors="pt")
    labels = inputs["input_ids"].clone()
    labels[:, : -len(processor.tokenizer(says).input_ids) - 1] = -100
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    for _ in range(120):
        model(**inputs, labels=labels).loss.backward()
        optimizer.step()
        optimizer.zero_grad()
