"""``image_train``: mask and caption to image, by ControlNet on a frozen base."""

from landloom.config.training import Denoising, Parallel


class ImageTrainConfig(Denoising, Parallel):
    """Settings of the image generator's training."""

    channels: tuple[int, ...] | None = None
    """Channels of the mask's stem; fitted to the VAE's down-scaling when absent."""
