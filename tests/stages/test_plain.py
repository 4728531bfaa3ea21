"""What the pipeline writes is read without it: the script below runs in a process of its own."""

import os
import subprocess
import sys
from pathlib import Path

SCRIPT = """
import sys
import datasets, pandas, torch
from diffusers import ControlNetModel, StableDiffusionPipeline

base, lora, controlnet, masks, pairs, cache = sys.argv[1:]
pipe = StableDiffusionPipeline.from_pretrained(base)
words = pipe.encode_prompt("60% forest", torch.device("cpu"), 1, do_classifier_free_guidance=False)[0]
latents, step = torch.randn(1, 4, 16, 16), torch.tensor([500])

with torch.no_grad():
    plain = pipe.unet(latents, step, words).sample
    pipe.load_lora_weights(lora)
    adapted = pipe.unet(latents, step, words).sample
    assert not torch.allclose(plain, adapted, atol=1e-4)
    made = pipe("60% forest", num_inference_steps=2, height=32, width=32, output_type="latent").images
    assert made.shape == latents.shape and made.isfinite().all()
    image = pipe.vae.decode(made / pipe.vae.config.scaling_factor).sample
    assert image.shape == (1, 4, 32, 32) and image.isfinite().all()
    pipe.unload_lora_weights()

    control = ControlNetModel.from_pretrained(controlnet)
    hint = torch.zeros(1, 3, 32, 32)
    hint[:, 1] = 1
    down, middle = control(latents, step, words, controlnet_cond=hint, return_dict=False)
    given = {"down_block_additional_residuals": down, "mid_block_additional_residual": middle}
    steered = pipe.unet(latents, step, words, **given).sample
    assert steered.shape == plain.shape and not torch.allclose(plain, steered, atol=1e-4)

for shard in (masks, pairs):
    table = pandas.read_parquet(shard)
    found = datasets.load_dataset("parquet", data_files=shard, cache_dir=cache, split="train")
    assert len(table) == len(found) == 3
    assert found["id"][0] == table["id"][0] and bytes(found[0]["mask"]).startswith(b"\\x89PNG")
    assert abs(sum(table["ratios"][0]) - 1) < 1e-5
assert found[0]["image"][:2] == b"II"  # a GeoTIFF, for four bands

assert "landloom" not in sys.modules
"""


def test_models_and_shards_need_no_landloom(
    base: Path, lora: Path, controlnet: Path, masks: Path, pairs: Path, tmp_path: Path
) -> None:
    paths = [str(p) for p in (base, lora, controlnet, masks, pairs, tmp_path)]
    offline = {"HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", SCRIPT, *paths], env=os.environ | offline, cwd=tmp_path)
    assert done.returncode == 0
