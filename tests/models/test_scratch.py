import re
from pathlib import Path
from typing import Literal

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from transformers import CLIPTokenizer

from landloom.config.base import UnetConfig, VaeConfig
from landloom.models import scratch
from tests import bases

TOKENS = scratch.tokenizer(bases.TEXTS)
STRANGE = "größe 漢字 🛰 ﬁ x²"


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=30))
def test_any_text_can_be_encoded(text: str) -> None:
    ids = TOKENS(text, add_special_tokens=False).input_ids
    assert all(0 <= i < len(TOKENS) for i in ids)
    if "<|" not in text:  # no byte is unknown, which CLIP would turn into the end of the text
        assert not set(ids) & set(TOKENS.all_special_ids)


def test_unseen_text_comes_back() -> None:
    ids = TOKENS(STRANGE).input_ids
    assert (ids[0], ids[-1]) == (TOKENS.bos_token_id, TOKENS.eos_token_id)
    found = TOKENS.decode(ids, skip_special_tokens=True)
    assert "".join(found.split()) == "".join(STRANGE.split())


def test_words_of_the_captions_are_one_token() -> None:
    assert len(TOKENS("forest water", add_special_tokens=False).input_ids) == 2
    assert len(TOKENS("quagmire", add_special_tokens=False).input_ids) > 2


def test_a_saved_tokenizer_gives_the_same_ids(tmp_path: Path) -> None:
    TOKENS.save_pretrained(tmp_path)
    again = CLIPTokenizer.from_pretrained(tmp_path)
    for text in (*bases.TEXTS, STRANGE, "", "Forest, 99% lava"):
        assert again(text).input_ids == TOKENS(text).input_ids
    assert (again.model_max_length, again.pad_token) == (77, TOKENS.pad_token)


def test_the_same_captions_give_the_same_tokenizer() -> None:
    assert scratch.tokenizer(bases.TEXTS).get_vocab() == TOKENS.get_vocab()


@pytest.mark.parametrize("kind", ["dc", "kl"])
@pytest.mark.parametrize("channels", [(8,), (8, 16), (8, 16, 16), (8, 32, 64)])
def test_the_autoencoder_shrinks_by_its_resolutions(
    channels: tuple[int, ...], kind: Literal["dc", "kl"]
) -> None:
    vae = scratch.vae(VaeConfig(kind=kind, channels=channels, latent=4), 5, 32)
    side = 32 // 2 ** (len(channels) - 1)
    found = vae.encode(torch.zeros(1, 5, 32, 32))
    assert (found.latent if kind == "dc" else found.latent_dist.mean).shape == (1, 4, side, side)
    assert vae.decode(torch.zeros(1, 4, side, side)).sample.shape == (1, 5, 32, 32)


@pytest.mark.parametrize(
    ("channels", "latent", "says"),
    [
        ((16, 32, 48), 16, "[48] of kind 'dc' must be 1, 2 or 4 times"),
        ((16, 128), 16, "[128] of kind 'dc' must be 1, 2 or 4 times"),
        ((32, 16), 16, "[16] of kind 'dc' must be 1, 2 or 4 times"),
        ((16, 32), 12, "32, cannot be divided by latent 12"),
    ],
)
def test_widths_that_the_shortcuts_cannot_carry_are_refused(
    channels: tuple[int, ...], latent: int, says: str
) -> None:
    with pytest.raises(ValidationError, match=re.escape(says)):
        VaeConfig(channels=channels, latent=latent)
    assert VaeConfig(kind="kl", channels=channels, latent=latent)


def test_denoiser_and_text_encoder_fit() -> None:
    config = UnetConfig(channels=(16, 32, 32), groups=8, text_width=32)
    unet, encoder = scratch.unet(config, 3, 16), scratch.text_encoder(config, TOKENS)
    text = encoder(TOKENS(["a", "b"], padding="max_length", return_tensors="pt").input_ids)[0]
    assert text.shape == (2, 77, 32)
    assert unet(torch.zeros(2, 3, 16, 16), torch.tensor([1, 2]), text).sample.shape == (2, 3, 16, 16)


def test_the_end_of_the_text_is_found() -> None:
    """CLIP pools at the end token; a wrong id would pool at the first word for every text."""
    encoder = scratch.text_encoder(bases.UNET, TOKENS).eval()
    ids = TOKENS(bases.TEXTS, padding="max_length", return_tensors="pt").input_ids
    with torch.no_grad():
        found = encoder(ids)
    end = (ids == TOKENS.eos_token_id).int().argmax(1)
    assert torch.allclose(found.pooler_output, found.last_hidden_state[torch.arange(2), end])
