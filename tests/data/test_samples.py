import datetime
from pathlib import Path

import datasets  # type: ignore[import-untyped]
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from landloom.data import samples
from landloom.data.layers import Layer
from landloom.data.objects import Object
from landloom.data.quality import Quality, Scores
from landloom.data.samples import Sample
from landloom.errors import InputError
from landloom.raster import codec
from landloom.raster.labels import IGNORE
from tests import rasters


def sample(name: str = "a_0_0", **more: object) -> Sample:
    mask = rasters.halves(4, 4)
    mask[0, 0] = IGNORE
    image = codec.encode(rasters.noise(4, 4))
    return Sample(id=name, mask=codec.encode(mask), image=image, ratios=[0, 7 / 15, 8 / 15], **more)  # type: ignore[arg-type]


def test_a_shard_returns_what_was_written(tmp_path: Path) -> None:
    given_sample = sample(
        crs="EPSG:32652", transform=[1, 0, 0, 0, -1, 0], parents=["x"], target_ratios=[1, 0, 0]
    )
    samples.write(tmp_path / "a.parquet", [given_sample], {"bands": 3})
    (found,) = samples.read(tmp_path / "a.parquet")
    assert found.ratios == pytest.approx(given_sample.ratios)
    found.ratios = given_sample.ratios  # stored as 32-bit floats
    assert found == given_sample
    assert samples.metadata(tmp_path / "a.parquet") == {"bands": 3}


def test_pandas_reads_a_shard(tmp_path: Path) -> None:
    samples.write(tmp_path / "a.parquet", [sample(split="val"), sample("b", caption="hello")])
    table = pd.read_parquet(tmp_path / "a.parquet")
    assert table["id"].tolist() == ["a_0_0", "b"]
    assert table["split"].tolist() == ["val", "train"]
    assert codec.decode(table["mask"][0])[0, 0, 0] == IGNORE


def test_order_and_split_over_groups_and_shards(tmp_path: Path) -> None:
    many = [sample(f"s{i}", split="test" if i % 2 else "train") for i in range(600)]
    samples.write(tmp_path / "a.parquet", many[:400])
    samples.write(tmp_path / "b.parquet", many[400:])
    found = samples.read([tmp_path / "a.parquet", tmp_path / "b.parquet"], "test")
    assert [s.id for s in found] == [f"s{i}" for i in range(1, 600, 2)]


def test_an_empty_shard_is_fine(tmp_path: Path) -> None:
    samples.write(tmp_path / "a.parquet", [], {"dtype": "uint8"})
    assert list(samples.read(tmp_path / "a.parquet")) == []
    assert samples.columns([tmp_path / "a.parquet"], ["id"]) == {"id": []}


def test_same_samples_same_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        samples.write(tmp_path / name, [sample()])
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_arrays() -> None:
    found = sample()
    assert found.mask_array().tolist()[0] == [IGNORE, 1, 2, 2]
    assert found.image_array().shape == (3, 4, 4)
    assert (found.trust_array() == 255).all()
    with pytest.raises(InputError, match="sample m: has no image"):
        Sample(id="m", mask=found.mask).image_array()


def test_ratios_leave_ignored_pixels_out() -> None:
    mask = np.array([[0, 0, 0, 2], [IGNORE] * 4], np.uint8)
    assert samples.class_ratios(mask, 3) == [0.75, 0, 0.25]
    assert samples.class_ratios(mask[1:], 3) == [0, 0, 0]


@given(arrays(np.uint8, (6, 6), elements=st.sampled_from([0, 1, 2, IGNORE])))
def test_ratios_sum_to_one_where_anything_is_labelled(mask: NDArray[np.uint8]) -> None:
    expected = 1 if (mask != IGNORE).any() else 0
    assert sum(samples.class_ratios(mask, 3)) == pytest.approx(expected)


def test_what_is_no_shard_is_an_input_error(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("text")
    pd.DataFrame({"id": ["x"]}).to_parquet(tmp_path / "b")
    with pytest.raises(InputError, match=r"a: not a readable Parquet file.*Delete it"):
        list(samples.read(tmp_path / "a"))
    with pytest.raises(InputError, match=r"b: columns are missing: col, crs.*another edition"):
        samples.metadata(tmp_path / "b")


def test_rows_count_over_shards_and_are_picked_in_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(samples, "GROUP_ROWS", 2)
    paths = [tmp_path / f"{i}.parquet" for i in range(2)]
    for i, path in enumerate(paths):
        splits = ("train", "val", "train", "train", "test")
        samples.write(path, [Sample(f"{i}{j}", b"", split=s) for j, s in enumerate(splits)])
    assert samples.rows(paths, "train") == [0, 2, 3, 5, 7, 8]
    assert [s.id for s in samples.pick(paths, [8, 0, 3, 5, 3])] == ["00", "03", "10", "13"]


def test_structs_come_back_as_they_were(tmp_path: Path) -> None:
    made = sample(
        request=samples.Requested("rare", 2, 7),
        quality=Quality(False, ["agreement"], ["agreement 0.1 < 0.3"], "t1", Scores(agreement=0.1)),
        meta=samples.Meta(lon=127.5, acquired=datetime.date(2020, 2, 29)),
        place="here",
    )
    made.ratios = [0.5, 0.5]
    samples.write(tmp_path / "a.parquet", [made])
    assert list(samples.read(tmp_path / "a.parquet")) == [made]
    assert samples.columns([tmp_path / "a.parquet"], ["quality"]) == {"quality": [made.quality]}


def test_layers_and_objects_come_back_and_other_readers_see_them(tmp_path: Path) -> None:
    """A coarse image of two bands and other type, a second date, and boxes; none is not 'not labelled'."""
    coarse = np.arange(2 * 2 * 2, dtype=np.float32).reshape(2, 2, 2)
    day, grid = datetime.date(2020, 2, 29), [8.0, 0.0, 500.0, 0.0, -8.0, 900.0]
    path = tmp_path / "a.parquet"
    layers = [
        Layer("coarse", codec.encode(coarse), grid),
        Layer("dates", codec.encode(rasters.noise(4, 4)), None, day),
        Layer("dates", codec.encode(rasters.noise(4, 4))),
    ]
    boxes = [Object(2, [0, 0, 2, 0, 2, 1, 0, 1], True), Object(0, [1, 1, 2, 2, 1, 3, 0, 2])]
    made = [sample(layers=layers, objects=boxes), sample("b", objects=[]), sample("c")]
    samples.write(path, made)
    found = list(samples.read(path))
    assert [(s.layers, s.objects) for s in found] == [(s.layers, s.objects) for s in made]
    np.testing.assert_array_equal(found[0].layer("coarse")[0].array(), coarse)
    assert [layer.acquired for layer in found[0].layer("dates")] == [day, None]
    assert found[0].layer("map") == []
    assert found[0].objects[0].quad().tolist() == [[0, 0], [2, 0], [2, 1], [0, 1]]
    assert samples.columns([path], ["objects"])["objects"] == [s.objects for s in made]
    table = pd.read_parquet(path)
    assert [len(boxes) if boxes is not None else None for boxes in table["objects"]] == [2, 0, None]
    assert table["layers"][0][0]["transform"].tolist() == grid
    read = datasets.Dataset.from_parquet(str(path), cache_dir=str(tmp_path / "cache"))
    assert read[0]["objects"][1]["corners"] == [1, 1, 2, 2, 1, 3, 0, 2]
    older = pq.read_table(path).drop_columns(["layers", "objects"])
    pq.write_table(older, path)
    assert [(s.layers, s.objects) for s in samples.read(path)] == [([], None)] * 3


def test_an_object_has_four_corners() -> None:
    with pytest.raises(ValueError, match="four corners, not 4 numbers"):
        Object(0, [0, 0, 5, 5])


def test_a_shard_may_lack_optional_columns_and_fields_of_structs(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    samples.write(path, [sample()])
    table = pq.read_table(path).drop_columns(["meta", "parents", "mask"])
    older = pa.array([{"accepted": False}], pa.struct([("accepted", pa.bool_())]))
    table = table.set_column(table.column_names.index("quality"), "quality", older)
    pq.write_table(table.append_column("later", pa.array([1])), path)
    (found,) = samples.read(path)
    assert (found.meta, found.parents, found.mask) == (None, [], None)
    assert found.quality == Quality(accepted=False)
    assert samples.columns([path], ["meta", "id"]) == {"meta": [None], "id": ["a_0_0"]}
    with pytest.raises(InputError, match="has no mask"):
        found.mask_array()


def test_a_column_of_another_type_is_an_input_error(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    samples.write(path, [sample()])
    table = pq.read_table(path)
    pq.write_table(table.set_column(0, "id", pa.array([7])), path)
    with pytest.raises(InputError, match=r"a.parquet: column 'id' is int64, not string.*another edition"):
        list(samples.read(path))


def test_row_groups_are_small_in_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(samples, "GROUP_BYTES", 250)
    path = tmp_path / "a.parquet"
    samples.write(path, [Sample(str(i), image=bytes(100)) for i in range(7)])
    found = pq.read_metadata(path)
    assert [found.row_group(i).num_rows for i in range(found.num_row_groups)] == [3, 3, 1]
    assert [s.id for s in samples.named(path, ["5", "2"])] == ["2", "5"]


def test_rasters_are_stored_as_they_are_and_the_rest_is_compressed(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    samples.write(path, [sample(trust=b"t", layers=[Layer("map", b"r")])])
    group = pq.read_metadata(path).row_group(0)
    leaves = [group.column(i) for i in range(group.num_columns)]
    plain = {c.path_in_schema for c in leaves if c.compression == "UNCOMPRESSED"}
    assert plain == {"image", "mask", "trust", "layers.list.element.raster"}
    assert {c.compression for c in leaves if c.path_in_schema not in plain} == {"ZSTD"}
    assert not any("DICT" in e for c in leaves if c.path_in_schema in plain for e in c.encodings)


def test_totals_are_what_is_known_at_the_end(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    with samples.ShardWriter(path, {"bands": 3}) as writer:
        writer.add(sample())
        writer.totals["pixels"] = 16
    assert (samples.metadata(path), samples.totals(path)) == ({"bands": 3}, {"pixels": 16})
    samples.write(path, [sample()])
    assert samples.totals(path) == {}


def test_a_table_holds_the_columns_of_all_shards(tmp_path: Path) -> None:
    paths = [tmp_path / f"{i}.parquet" for i in range(3)]
    for path, names in zip(paths, ("ab", "", "c"), strict=True):
        samples.write(path, [sample(name) for name in names], {"file": path.name})
    found, expected = samples.table(paths, ["ratios", "id"]), samples.columns(paths, ["ratios", "id"])
    assert found.column_names == ["ratios", "id"]
    assert found.to_pydict() == expected
