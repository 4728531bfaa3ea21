"""Settings that cannot be meant together, and those that bind nothing."""

from typing import Any

import pytest

from landloom.config import load
from landloom.errors import InputError
from tests.config.test_config import raw

CATEGORICAL = {"label_train": {"backend": "categorical"}}
PIX2PIX = {"image_train": {"backend": "pix2pix"}}
ONE_STEP = {"image_train": {"objective": "one_step"}}
ONCE = {"image_sample": {"steps": 1, "guidance": 1}}
REAL = {"label_sample": {"source": "real"}, "image_sample": {"source": "real"}}
REPAINT = {
    "label_sample": {"source": "repaint"}, "image_train": {"known_pixels": {}}, "encode": {"known_pixels": {}}
}  # fmt: skip
NO_PROBE = {"proportion": {"weight": 0, "probe_steps": 0}}
LATENT = {"control": {"latent": 0.1}}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"generators": {"g": CATEGORICAL}, "tile": {"size": 72}},
            r"tile\.size: 72 is no multiple of 16, which the masks of 'g'",
        ),
        (
            {"label_table": {"generators": {"v": CATEGORICAL}}, "tile": {"size": 72}},
            r"multiple of 16, which the masks of 'label_table/v'",
        ),
        ({"report": {"label_table": True}, "tile": {"size": 72}}, "masks of 'label_table/categorical'"),
        ({"generators": {"g": PIX2PIX}, "tile": {"size": 48}}, "48 cannot be halved 5 times"),
        (
            {
                "generators": {"g": PIX2PIX},
                "image_train": {"pix2pix": {"levels": 2}},
                "tile": {"size": 16},
            },
            r"16 is too small for pix2pix \('g'\), whose discriminator needs 24",
        ),
        (
            {"label_train": NO_PROBE, "label_sample": LATENT},
            r"latent: 0\.1 for 'landloom' needs the latent probe",
        ),
        (
            {
                "label_table": {"generators": {"b": {"label_train": NO_PROBE, "label_sample": LATENT}}},
            },
            "'label_table/b' needs the latent probe",
        ),
        (
            {"label_table": {"generators": {"a": {"image_train": {"steps": 3}}}}},
            r"label_table\.generators\.a: image_train cannot differ .* only label_train, label_sample can",
        ),
        (
            {"label_table": {"generators": {"a": {"label_sample": {"source": "real"}}}}},
            r"label_table\.generators\.a\.label_sample\.source: the table compares",
        ),
        (
            {
                "plan": {
                    "mixes": {"m": {"goal": "table", "partial": True, "table": [{"water": 0, "forest": 0.5}]}}
                }
            },
            r"plan\.mixes\.m: ratios of all classes must sum to one, these sum to 0\.5",
        ),
        ({"plan": {"mixes": {"very rare": {}}}}, "mixes: the name 'very rare' may hold letters"),
        (
            {"generators": {"g": PIX2PIX}, "image_sample": {"feedback": {"weight": 0.1}}},
            r"feedback\.weight: 0\.1 for 'g', but feedback is for ControlNets and its images come from pix2",
        ),
        (
            {"generators": {"g": PIX2PIX}, "image_sample": {"collage": {"strength": 0.5}}},
            r"strength: 0\.5 for 'g', but only a ControlNet can start .* its images come from pix2pix",
        ),
        (
            {"generators": {"g": ONE_STEP | {"image_sample": {"steps": 1, "collage": {"strength": 0.5}}}}},
            r"strength: 0\.5 for 'g', whose only step is practised at image_train\.one_step\.strength 1;",
        ),
        (
            {"image_sample": {"steps": 4, "collage": {"strength": 0.1}}},
            r"steps: 4 for 'landloom' are too few for a collage\.strength of 0\.1; take 10 or more, or 1",
        ),
        (
            {"image_sample": {"collage": {"source": "own", "strength": 0.1}}},
            r"collage\.source: 'own' for 'landloom', whose masks come from a model and bring no image",
        ),
        (
            {"image_sample": {"source": "real"}},
            r"generators\.landloom: image_sample\.source 'real' needs masks that bring an image",
        ),
        (
            {"generators": {"g": ONE_STEP}},
            r"steps: 20 and guidance: 3 for 'g', whose image_train\.objective is 'one_step'; set steps and",
        ),
        (
            {"generators": {"g": ONE_STEP | {"image_sample": {"steps": 1}}}},
            r"image_sample\.guidance: 3 for 'g', whose image_train\.objective",
        ),
        (
            {"generators": {"g": ONE_STEP | ONCE}, "tile": {"size": 32}},
            r"32 is too small for 'one_step' of 'g', whose discriminator of 2 layers needs 48",
        ),
        ({"tile": {"size": 24}, "base": {"vae": {"channels": [8] * 5}}}, "24 cannot be halved 4 times"),
        (
            {"image_train": {"channels": [16, 32, 96, 256]}},
            r"image_train\.channels: 4 for 'landloom' halve a mask 3 times, but .* 2 times; give 3,",
        ),
        (
            {"label_train": {"caption_dropout": 0}},
            r"label_sample\.guidance: 3 for 'landloom' .* label_train\.caption_dropout is 0",
        ),
        (
            {"label_sample": {"vector_guidance": 2}},
            r"vector_guidance: 2 for 'landloom' .* label_train\.vector\.tokens is 0",
        ),
        (
            {
                "label_sample": {"vector_guidance": 2},
                "label_train": {"backend": "categorical", "vector": {"dropout": 0}},
            },
            r"vector_guidance: 2 for 'landloom' .* label_train\.vector\.dropout is 0",
        ),
        (
            {"image_train": {"caption_dropout": 0}},
            r"image_sample\.guidance: 3 for 'landloom' .* image_train\.caption_dropout is 0",
        ),
        (
            {"image_sample": {"guidance": {"text": 2, "metadata": 1.5}}},
            r"guidance: 1\.5 for 'landloom' .* but image_train\.metadata\.dropout is not there; add that",
        ),
        (
            {"image_sample": {"guidance": {"metadata": 1.5}}, "image_train": {"metadata": {"dropout": 0}}},
            r"guidance: 1\.5 for 'landloom' .* image_train\.metadata\.dropout is 0; raise that",
        ),
        (
            {"image_train": {"low_resolution": {}}},
            r"image_train\.low_resolution: factor 8 for 'landloom', but encode\.low_resolution is off",
        ),
        (
            {"image_train": {"low_resolution": {}}, "encode": {"low_resolution": {"factor": 4}}},
            r"low_resolution: factor 8 .* encode\.low_resolution has factor 4; give encode\.low_resolution",
        ),
        (
            {
                "image_train": {"low_resolution": {"factor": 5}},
                "encode": {"low_resolution": {"factor": 5}},
            },
            r"low_resolution\.factor: 5 for 'landloom' does not divide tile\.size, 512",
        ),
        (
            {"image_train": {"embedding": {"grid": 2}}, "encode": {"embedding": {}}},
            r"embedding: extractor efficientnet_lite0, grid 2 for 'landloom', but encode\.embedding has .*4",
        ),
        (
            {"image_train": {"known_pixels": {}}},
            r"image_train\.known_pixels: on for 'landloom', but encode\.known_pixels is off; give encode\.kn",
        ),
        (
            {"image_train": {"known_pixels": {"least": 0.8}}, "encode": {"known_pixels": {}}},
            r"known_pixels: .*least, 0\.8, is above most, 0\.7",
        ),
        (
            {"image_sample": {"consistency": 0.5}},
            r"image_sample\.consistency: 0\.5 for 'landloom' needs a ControlNet that has learned coarse",
        ),
        (
            {"label_sample": {"source": "repaint"}},
            r"source: 'repaint' for 'landloom' needs an image generator that has learned known .* add image",
        ),
        (
            {"label_sample": {"source": "repaint"}, "image_train": {"backend": "pix2pix"}},
            r"'repaint' for 'landloom' needs a ControlNet, but image_train\.backend is 'pix2pix'",
        ),
        (
            {"label_sample": {"source": "repaint"}, "image_sample": {"source": "real"}},
            r"image_sample\.source 'real' needs masks that bring an image",
        ),
        (
            REPAINT | {"image_sample": {"collage": {"source": "own", "strength": 0.5}}},
            r"collage\.source: 'own' for 'landloom' would start from what is to be painted over",
        ),
        ({"label_sample": {"metadata": {"lon": 5}}}, "lon and lat belong together"),
        ({"label_sample": {"metadata": {"lon": [5, 6], "lat": 1}}}, "2 values of lon, but 1 of lat"),
        ({"label_sample": {"metadata": {"cloud": [0.1, 40]}}}, "cloud 40 is not within 0 to 1"),
        ({"label_sample": {"metadata": {"gsd": []}}}, "gsd is an empty list"),
        ({"data": {"day_in_name": "%y%m%d"}}, "'%y%m%d' holds no day; write it like '%Y%m%d'"),
        ({"base": {"vae": {"crop": 50}}}, r"base\.vae\.crop: 50 is no multiple of 4"),
        (
            {"generators": {"g": PIX2PIX}, "base": {"vae": {"crop": 50}}, "label_train": {"backend": "lora"}},
            "crop: 50",
        ),
    ],
)
def test_what_cannot_be_meant_together_is_named(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        load(raw(**changes))


@pytest.mark.parametrize(
    "changes",
    [
        {"tile": {"size": 72}},
        {"tile": {"size": 72}, "generators": {"g": CATEGORICAL | PIX2PIX | REAL}},
        {"label_train": NO_PROBE | CATEGORICAL["label_train"], "label_sample": LATENT},
        {"label_train": NO_PROBE},
        {"image_train": {"channels": [16, 32, 96]}},
        {"image_train": {"channels": [16, 32]}, "generators": {"g": PIX2PIX | CATEGORICAL}},
        {"generators": {"g": ONE_STEP | REAL, "h": ONE_STEP | ONCE}},
        {"generators": {"g": CATEGORICAL | PIX2PIX}, "base": {"vae": {"crop": 50}}},
        {"base": {"vae": {"crop": 99}}, "tile": {"size": 64}},
        {"base": {"source": "model", "vae": {"crop": 50}}},
        {"image_sample": {"consistency": 1, "source": "collage"}},
        REPAINT,
        REPAINT | {"image_sample": {"collage": {"strength": 0.5}}},
        {"label_sample": {"source": "repaint"}, "image_sample": {"source": "collage"}},
        {"generators": {"g": ONE_STEP | ONCE}, "tile": {"size": 32}, "base": {"source": "model"}},
    ],
)
def test_what_is_not_used_binds_nothing(changes: dict[str, Any]) -> None:
    assert load(raw(**changes))
