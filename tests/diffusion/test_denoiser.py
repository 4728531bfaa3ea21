import torch
from torch import nn

from landloom.conditions.embedding import Embedding
from landloom.conditions.grid_features import GridFeatures
from landloom.conditions.mask import Mask, one_hot
from landloom.conditions.ratios import Ratios, VectorTokens, encode
from landloom.config.image_train import ImageTrainConfig
from landloom.diffusion import controlnet
from landloom.diffusion.denoiser import attended
from landloom.diffusion.sampling import sample
from tests import bases

X, T = torch.randn(2, 4, 16, 16), torch.tensor([3, 700])


def test_nothing_told_is_the_text_alone() -> None:
    model, tokens = bases.bundle(), VectorTokens(3, 2, 32)
    made = bases.denoiser(model, Ratios(tokens, 3, 0.1))
    nn.init.normal_(tokens.layers[2].weight)
    text = torch.randn(2, 7, 32)
    alone = model.unet(X, T, text, return_dict=False)[0]
    told = encode(torch.tensor([[0.5, 0.2, 0.3]] * 2), torch.tensor([[False] * 3, [True] * 3]))
    found = made(X, T, {"text": text, "ratios": told})
    assert torch.allclose(found[0], alone[0], atol=1e-5)
    assert not torch.allclose(found[1], alone[1], atol=1e-3)


def test_tokens_of_nothing_told_are_not_attended_to() -> None:
    made, told = VectorTokens(3, 2, 8), torch.zeros(2, 9)
    told[1, 6] = 1  # a share of zero that was told
    found = attended(torch.cat([torch.randn(2, 7, 8), made(told)], 1))
    assert found.sum(1).tolist() == [7, 9]


def test_residuals_of_the_controlnet_are_added_at_their_strength() -> None:
    torch.manual_seed(0)
    model = bases.bundle()
    made = bases.denoiser(
        model, Mask(3), controlnet=controlnet.build(ImageTrainConfig(init="small"), model, 3)
    )  # fmt: skip
    given = {"text": torch.randn(2, 7, 32), "mask": torch.randint(0, 3, (2, 32, 32), dtype=torch.uint8)}
    alone = model.unet(X, T, given["text"], return_dict=False)[0]
    told = made(X, T, given)
    made.strength = 0.0
    assert torch.allclose(made(X, T, given), alone, atol=1e-5)
    assert not torch.allclose(told, alone, atol=1e-3)


def test_a_hint_goes_through_its_stem_once_for_all_steps_of_a_sample() -> None:
    torch.manual_seed(0)
    model = bases.bundle()
    control = controlnet.build(ImageTrainConfig(init="small"), model, 3)
    made = bases.denoiser(model, Mask(3), controlnet=control)
    given = {"text": torch.randn(2, 7, 32), "mask": torch.randint(0, 3, (2, 32, 32), dtype=torch.uint8)}
    calls: list[None] = []
    control.controlnet_cond_embedding.conv_in.register_forward_hook(lambda *_: calls.append(None))
    with torch.no_grad():
        sample(made, model.scheduler, given, [1, 2], 4, 16)
        assert len(calls) == 1
        told, hint = made.enter(given, X.dtype), one_hot(given["mask"], 3)
        # As diffusers' own ControlNet does it, stem and all, to the bit.
        down, middle = control(X, T, given["text"], controlnet_cond=hint, return_dict=False)
        kept = made.model.residuals(control, X, T, told.heard, told.pooled, told.hint, 1.0)
    assert torch.equal(kept["mid_block_additional_residual"], middle)
    assert all(map(torch.equal, kept["down_block_additional_residuals"], down))


def embedding() -> Embedding:
    """One whose extractor is never asked."""
    return Embedding(GridFeatures("none", 2, 8, [0], [1], [0]), 32, 32, 0.1, "")


def test_a_controlnet_is_told_all_tokens_that_never_vanish() -> None:
    """It has no mask for tokens, so those of ratios, which are zeros where nothing is told, stay outside."""
    torch.manual_seed(0)
    model = bases.bundle()
    control = controlnet.build(ImageTrainConfig(init="small"), model, 3)
    told = Mask(3, 0.1), Ratios(VectorTokens(3, 2, 32), 3, 0.1), embedding()
    made = bases.denoiser(model, *told, controlnet=control)
    given = {
        "text": torch.randn(2, 7, 32), "mask": torch.randint(0, 3, (2, 32, 32), dtype=torch.uint8),
        "ratios": torch.zeros(2, 9), "embedding": torch.randn(2, 8, 2, 2),
    }  # fmt: skip
    entered = made.enter(given, X.dtype)
    assert torch.equal(entered.heard[:, :7], given["text"])
    assert torch.equal(entered.heard[:, 7:], made.parts["embedding"](given["embedding"]))
    assert entered.mask is not None
    assert entered.mask[0].tolist() == [True] * 7 + [False] * 2 + [True] * 4


def test_a_controlnet_answers_otherwise_to_other_tokens() -> None:
    torch.manual_seed(0)
    model = bases.bundle()
    made = bases.denoiser(
        model, Mask(3), embedding(), controlnet=controlnet.build(ImageTrainConfig(init="small"), model, 3)
    )
    given = {"text": torch.randn(2, 7, 32), "mask": torch.randint(0, 3, (2, 32, 32), dtype=torch.uint8)}
    with torch.no_grad():
        entered = [made.enter(given | {"embedding": torch.randn(2, 8, 2, 2)}, X.dtype) for _ in range(2)]
        one, other = (made._residuals(X, T, e, e.hint) for e in entered if e.hint is not None)
    key = "mid_block_additional_residual"
    assert not torch.allclose(one[key], other[key], atol=1e-4)


def test_tokens_that_never_vanish_need_no_mask() -> None:
    made = bases.denoiser(bases.bundle(), embedding())
    given = {"text": torch.randn(2, 7, 32), "embedding": torch.zeros(2, 8, 2, 2)}
    assert made.enter(given, X.dtype).mask is None
