from pathlib import Path

import pytest
import torch
from torch import nn

from landloom.config.run import RunConfig
from landloom.config.training import Training
from landloom.diffusion.objective import DenoisingObjective
from landloom.errors import InputError
from landloom.training import checkpoint, loop, optimizers
from tests import bases

EIGHT = Training(optimizer="adamw_8bit", lr=0.01)


def kept_bytes(optimizer: torch.optim.Optimizer) -> int:
    """Bytes of all tensors that an optimiser keeps for its weights."""
    kept = {
        t.data_ptr(): t.numel() * t.element_size()
        for state in optimizer.state.values()
        for t in state.values()
        if isinstance(t, torch.Tensor) and t.numel() > 256  # maps of the quantisation are shared
    }
    return sum(kept.values())


def test_moments_of_8_bits_learn_and_come_back_from_a_checkpoint(tmp_path: Path) -> None:
    pytest.importorskip("bitsandbytes", reason="pip install 'landloom[8bit]'")
    torch.manual_seed(0)
    module, x = nn.Linear(256, 256), torch.randn(64, 256)
    plain = torch.optim.AdamW(nn.Linear(256, 256).parameters())
    made = optimizers.build(EIGHT, [*module.parameters()], (0.9, 0.999))

    def step() -> float:
        loss = (module(x) - x).square().mean()
        loss.backward()
        made.step()
        made.zero_grad()
        return loss.item()

    losses = [step() for _ in range(30)]
    assert losses[-1] < 0.5 * losses[0]
    for weight in plain.param_groups[0]["params"]:
        weight.grad = torch.ones_like(weight)
    plain.step()
    assert kept_bytes(made) < 0.35 * kept_bytes(plain)
    checkpoint.save(tmp_path, 30, module, made, [])
    found = [step() for _ in range(3)]
    checkpoint.load(tmp_path, module, made, [])
    assert [step() for _ in range(3)] == found


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "bitsandbytes.optim", None)
    with pytest.raises(InputError, match=r"adamw_8bit needs bitsandbytes.*pip install 'landloom\[8bit\]'"):
        optimizers.build(EIGHT, [*nn.Linear(2, 2).parameters()], (0.9, 0.999))


def test_checkpointed_gradients_keep_less_and_give_the_same_weights(tmp_path: Path) -> None:
    found = {}
    for on in (False, True):
        torch.manual_seed(0)
        model, cache, kept = bases.bundle(), bases.cache(8), [0]
        model.unet.requires_grad_(True)
        told = bases.denoiser(model, words=cache.text)
        objective = DenoisingObjective(told, model.scheduler, cache.images, cache.columns, 5.0)

        def pack(tensor: torch.Tensor, kept: list[int] = kept) -> torch.Tensor:
            kept[0] += tensor.numel() * tensor.element_size()
            return tensor

        how = RunConfig(log=0, checkpoint=100, gradient_checkpointing=on)
        with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
            loop.train(objective, Training(steps=1, batch=4), how, 0, tmp_path / str(on), "test")
        found[on] = kept[0], model.unet.state_dict()
    assert found[True][0] < 0.6 * found[False][0]
    for name, weight in found[False][1].items():
        assert torch.equal(found[True][1][name], weight), name
