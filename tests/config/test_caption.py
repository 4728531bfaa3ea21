"""What a caption section may hold."""

import re
from typing import Any

import pytest

from landloom.config import load
from landloom.config.caption import CaptionConfig
from landloom.errors import InputError
from tests import rasters

SERVER = {"url": "http://127.0.0.1:8000/v1", "model": "m"}


def problem(caption: dict[str, Any]) -> str:
    data = rasters.config("x").model_dump(exclude_unset=True)
    with pytest.raises(InputError) as error:
        load({"dataset": "d", "data": data, "caption": caption})
    return str(error.value)


@pytest.mark.parametrize(
    ("caption", "message"),
    [
        ({"backend": "qwen_vl"}, "backend 'qwen_vl' needs qwen_vl.source"),
        (
            {"backend": "openai", "endpoint": {"url": "http://x"}},
            "endpoint.url or endpoint.serve, and endpoint.model",
        ),
        ({"prompt": "what is {this}?"}, "may hold {classes}, {language}, {ratios}, {words} only, not {this}"),
        ({"prompt": "{ratios.__class__}"}, "only, not {ratios.__class__}"),
        ({"reject": ["(see"]}, "'(see' is not a regular expression"),
        ({"language": "tlh"}, "caption.language"),
        ({"endpoint": SERVER | {"retries": 3}}, "caption.endpoint.retries: no such key"),
    ],
)
def test_errors_name_what_is_wrong(caption: dict[str, Any], message: str) -> None:
    assert message in problem(caption)


@pytest.mark.parametrize("place", ["key", "url"])
def test_a_pasted_secret_is_refused_and_not_repeated(place: str) -> None:
    secret = "sk-4f1c2a-very-secret"
    value = secret if place == "key" else f"https://me:{secret}@server/v1"
    found = problem({"backend": "openai", "endpoint": SERVER | {place: value}})
    assert re.search("never the key itself" if place == "key" else "no user or password", found)
    assert secret not in found
    with pytest.raises(ValueError) as error:  # as on the command line of the stage
        CaptionConfig.model_validate({"endpoint": SERVER | {place: value}})
    assert secret not in str(error.value)


@pytest.mark.parametrize("name", ["key", "api_key", "access_token", "sig"])
def test_an_address_with_a_key_is_refused_and_not_repeated(name: str) -> None:
    found = problem({"backend": "openai", "endpoint": SERVER | {"url": f"https://server/v1?{name}=q9Zt77"}})
    assert "url may hold no user or password, no key and no token" in found
    assert "q9Zt77" not in found
    plain = SERVER | {"url": "https://server/v1?version=2"}
    assert CaptionConfig.model_validate({"backend": "openai", "endpoint": plain}).endpoint.url


def test_fields_of_the_request_are_no_place_for_a_key() -> None:
    found = problem({"backend": "openai", "endpoint": SERVER | {"extra": {"api_key": "q9Zt77"}}})
    assert "extra.api_key: the config is copied to logs and records" in found
    assert "q9Zt77" not in found
    plain = SERVER | {"extra": {"max_tokens": None}}
    assert CaptionConfig.model_validate({"backend": "openai", "endpoint": plain}).endpoint.extra
