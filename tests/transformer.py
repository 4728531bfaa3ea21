"""A vision transformer small enough for a test, saved as transformers saves one."""

import json
from pathlib import Path

import torch
from torch import nn
from transformers import ViTConfig, ViTModel

WIDTH, PATCH = 8, 8


def save(folder: Path, side: int, layers: int = 0, seed: int = 0) -> Path:
    """One that takes pictures of ``side`` pixels; its features turn with a picture if it has no layers.

    Its patches are then seen by their mean colour alone, and do not know where they are.
    """
    torch.manual_seed(seed)
    config = ViTConfig(
        hidden_size=WIDTH, num_hidden_layers=layers, num_attention_heads=2, intermediate_size=16,
        image_size=side, patch_size=PATCH,
    )  # fmt: skip
    made = ViTModel(config, add_pooling_layer=False)
    patches = made.embeddings.patch_embeddings.projection
    if not layers:
        nn.init.zeros_(made.embeddings.position_embeddings)
        mean = torch.randn(WIDTH, 3, 1, 1).expand(-1, -1, PATCH, PATCH) / PATCH**2
        patches.weight.data.copy_(mean)
        nn.init.normal_(patches.bias)
    made.save_pretrained(folder)
    scaling = {"image_mean": [0.5] * 3, "image_std": [0.25] * 3}
    (folder / "preprocessor_config.json").write_text(json.dumps(scaling))
    return folder
