"""``image_train``: mask and caption to image, by ControlNet on a frozen base."""

from pydantic import Field

from landloom.config.training import Training


class ImageTrainConfig(Training):
    """Settings of the image generator's training."""

    caption_dropout: float = Field(default=0.1, ge=0, lt=1)
    """Share of captions replaced by the empty one."""
    min_snr: float = Field(default=5.0, ge=0)
    """Gamma of min-SNR loss weights; 0 is off."""
    channels: tuple[int, ...] | None = None
    """Channels of the mask's stem; fitted to the VAE's down-scaling when absent."""
