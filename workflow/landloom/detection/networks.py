"""Centre-point detectors after CenterNet (Zhou et al. 2019, "Objects as Points"): made, saved and loaded."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple, cast

import segmentation_models_pytorch as smp
import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from landloom.config.detect import DetectConfig, Detector
from landloom.config.segment import Network
from landloom.detection.boxes import Kind
from landloom.errors import InputError
from landloom.runtime import phases
from landloom.runtime.reading import network_of, reading
from landloom.segmentation import pretrained
from landloom.segmentation.networks import encoders

STRIDE = 4
"""Pixels in a cell of the heads, along one side."""
COARSEST = 32
"""Pixels in a cell of the encoder's last level."""
RARE = 0.1
"""What the heat map begins with everywhere: most of it is ground."""


class Heads(NamedTuple):
    """What is found at each cell.

    Attributes:
        heat: logits (B, K, h, w) that the centre of an object of each class lies there.
        boxes: (B, 6, h, w), or 4 for level boxes: where in the cell the centre is (x, y), logarithms of both
            sides in cells, and sine and cosine of twice the angle.
    """

    heat: Tensor
    boxes: Tensor


class CentreNetwork(nn.Module):
    """Encoder, feature pyramid (Lin et al. 2017) and two heads.

    Args:
        encoder: of segmentation-models-pytorch; its levels from a quarter of the size on are used.
        about: encoder, width, bands, classes and kind, as they are saved beside the weights.
    """

    def __init__(self, encoder: nn.Module, about: dict[str, Any]) -> None:
        super().__init__()
        self.about, width = about, int(about["width"])
        self.encoder = encoder
        channels = cast(Sequence[int], encoder.out_channels)[2:]
        self.sides = nn.ModuleList([nn.Conv2d(c, width, 1) for c in channels])
        self.smooth = nn.ModuleList([_block(width) for _ in channels])
        self.heat = nn.Sequential(_block(width), nn.Conv2d(width, len(about["classes"]), 1))
        self.boxes = nn.Sequential(_block(width), nn.Conv2d(width, 6 if self.kind == "rotated" else 4, 1))
        nn.init.constant_(cast(Tensor, self.heat[-1].bias), float(torch.logit(torch.tensor(RARE))))

    @property
    def kind(self) -> Kind:
        """Whether its boxes stand at an angle."""
        return cast(Kind, self.about["kind"])

    @property
    def classes(self) -> list[str]:
        """Names of the classes that it finds."""
        return list(self.about["classes"])

    def forward(self, images: Tensor) -> Heads:
        """What is found in images (B, C, H, W) in [-1, 1]; h and w are H / 4 and W / 4, rounded up."""
        levels = self.encoder(images)[2:]
        found: Tensor | None = None
        for side, smooth, level in reversed(list(zip(self.sides, self.smooth, levels, strict=True))):
            own = side(level)
            found = smooth(own if found is None else own + F.interpolate(found, size=own.shape[-2:]))
        assert found is not None
        return Heads(self.heat(found), self.boxes(found))


def _block(width: int) -> nn.Module:
    return nn.Sequential(nn.Conv2d(width, width, 3, padding=1, bias=False), nn.BatchNorm2d(width), nn.ReLU())


def build(network: Detector, bands: int, classes: Sequence[str], kind: Kind) -> CentreNetwork:
    """Make a detector; random weights come from torch's global generator.

    Raises:
        InputError: the encoder is unknown, or its weights are not there.
    """
    if found := lacking(network):
        raise found[0]
    own = pretrained.local(network.weights)
    about = {"encoder": network.encoder, "width": network.width, "bands": bands}
    try:
        encoder = _encoder(network.encoder, bands, None if own else network.weights)
    except (KeyError, ValueError, RuntimeError, OSError) as error:
        where = f"detect.networks ({network.encoder}, weights {network.weights})"
        remedy = "Choose another encoder, or put pretrained weights in the local cache first"
        raise InputError(where, f"the encoder cannot be made: {error}", remedy) from error
    if own:
        pretrained.fill(encoder, str(network.weights), bands)
    return CentreNetwork(encoder, about | {"classes": list(classes), "kind": kind})


def _encoder(name: str, bands: int, weights: str | None) -> nn.Module:
    made: nn.Module = smp.encoders.get_encoder(name, in_channels=bands, depth=5, weights=weights)
    return made


def problems(detect: DetectConfig | None, size: int) -> list[InputError]:
    """What is wrong with the configured detectors for tiles of ``size`` pixels; each is built once."""
    found: list[InputError] = []
    for network in detect.networks.values() if detect else ():
        try:
            check_size(build(network, 3, ["a"], "rotated"), size)
        except InputError as error:
            found.append(error)
    return found


def lacking(network: Detector) -> list[InputError]:
    """What is wrong with a configured detector; nothing is loaded."""
    name = network.encoder
    if name.lower() not in map(str.lower, encoders(name)):
        found, remedy = f"the encoder '{name}' is unknown", "Take one of segmentation-models-pytorch"
        return [InputError("detect.networks", found, remedy)]
    return pretrained.lacking(Network(encoder=name, weights=network.weights), "detect.networks")


def check_size(model: CentreNetwork, size: int) -> None:
    """Raise InputError when a detector cannot take tiles of ``size`` pixels; tried on an empty tile."""
    remedy, where = (
        "Change tile.size or choose another encoder",
        f"detect.networks ({model.about['encoder']})",
    )
    try:
        with torch.no_grad():
            found = model.eval()(torch.zeros(1, int(model.about["bands"]), size, size)).heat.shape[-1]
    except (RuntimeError, AssertionError, ValueError) as error:
        raise InputError(where, f"cannot take tiles of {size} px: {error}", remedy) from error
    if found != cells(size):
        raise InputError(where, f"looks at {found} cells of {size} px, not {cells(size)}", remedy)


def cells(size: int) -> int:
    """Cells along a side of ``size`` pixels."""
    return -(-size // STRIDE)


@phases.during("write")
def save(model: CentreNetwork, folder: Path) -> None:
    """Write weights and what the network is, as safetensors and JSON."""
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps(model.about, indent=1) + "\n")
    state = {k: v.detach().cpu().contiguous() for k, v in model.state_dict().items()}
    save_file(state, folder / "model.safetensors")


@phases.during("load")
def load(folder: Path) -> CentreNetwork:
    """Read a detector written by ``save``, in evaluation mode.

    Raises:
        InputError: the folder holds no detector.
    """
    if not (folder / "model.safetensors").is_file() or not (folder / "config.json").is_file():
        raise InputError(folder, "holds no detector", "Run detect again")
    with reading(folder, "holds no detector", "Run detect again"):
        about = network_of(folder / "config.json", "Run detect again", "holds no detector")
        model = CentreNetwork(_encoder(about["encoder"], about["bands"], None), about)
        model.load_state_dict(load_file(folder / "model.safetensors"))
        return model.eval()
