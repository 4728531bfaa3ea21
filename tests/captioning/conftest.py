"""Scenes for the captioning tests."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from landloom.config.base import BaseConfig
from landloom.config.caption import CaptionConfig
from tests import bases, shards

ENDPOINT = {"model": "tiny", "backoff": 0.01, "timeout": 5, "concurrency": 3}


@dataclass
class Scene:
    """A scene of train tiles, and how to caption it."""

    folder: Path
    tiles: Path = field(init=False)

    def __post_init__(self) -> None:
        self.folder.mkdir(exist_ok=True)
        self.statistics = shards.statistics(self.folder)

    def make(self, train: int = 5, test: int = 0) -> "Scene":
        self.tiles = shards.tiles(self.folder, train=train, test=0)[0]
        if test:
            rows = [*shards.samples.read([self.tiles]), *shards.samples.read(shards.tiles(self.folder)[2])]
            shards.samples.write(self.folder / "both.parquet", rows)
            self.tiles = self.folder / "both.parquet"
        return self

    def job(self, config: CaptionConfig, base: BaseConfig | None = None) -> dict[str, Any]:
        values = {
            "config": config,
            "statistics": self.statistics,
            "tiles": self.tiles,
            "state": self.folder / "state",
        }
        outputs = {"out": self.folder / "captions.parquet", "summary": self.folder / "captions.json"}
        return values | outputs | ({"base": base} if base else {})

    def caption(self, config: CaptionConfig, base: BaseConfig | None = None) -> pd.DataFrame:
        bases.execute("caption", **self.job(config, base))
        return pd.read_parquet(self.folder / "captions.parquet")

    @property
    def store(self) -> Path:
        return self.folder / "state/caption" / f"{self.tiles.stem}.jsonl"


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path / "scene").make()


def settings(url: str, **changes: Any) -> CaptionConfig:
    """A config of a server; ``endpoint`` changes are merged."""
    endpoint = ENDPOINT | {"url": url} | changes.pop("endpoint", {})
    return CaptionConfig.model_validate({"backend": "openai", "endpoint": endpoint} | changes)
