"""The workflow as a user runs it: a tiny data set from rasters to report, then partial reruns."""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import rasterio
import yaml

from tests.chat import GOOD, ChatServer
from tests.tiny import CONFIG, ROOT, environment, rerun, scenes, snakemake


def shim(folder: Path, words: str, instead: str) -> None:
    """Put a `python` into a folder that does something else where its command holds some words."""
    folder.mkdir()
    text = f'#!/bin/sh\ncase "$*" in *"{words}"*) {instead};; esac\nexec {sys.executable} "$@"\n'
    (folder / "python").write_text(text)
    (folder / "python").chmod(0o755)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with a finished run."""
    folder = tmp_path_factory.mktemp("run")
    scenes(folder)
    snakemake(folder, config=CONFIG)
    yield folder
    shutil.rmtree(folder)


def test_everything_is_made_and_a_second_run_does_nothing(run: Path) -> None:
    assert "Nothing to be done" in snakemake(run, "-n", config=CONFIG)
    root = run / "results/tiny"
    page = (root / "report/index.html").read_text()
    assert "landloom" in page
    assert "oversampling" in page
    table = pd.read_csv(root / "evaluation/segmentation.csv")
    assert set(table["generator"]) == {"real", "landloom", "oversampling"}
    keys = ["generator", "ratio", "network", "synthetic_share", "seed", "class"]
    assert list(table.columns) == [*keys, "iou", "f1"]


def test_the_audit_finds_nothing_wrong(run: Path) -> None:
    audit = json.loads((run / "results/tiny/audit.json").read_text())
    counts = audit["summary"]
    assert counts["ok"] > 20
    assert {k: v for k, v in counts.items() if k != "ok" and isinstance(v, int) and v} == {}


def landloom(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command of the package in a folder."""
    command = [sys.executable, "-m", "landloom", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def test_generate_makes_other_pairs_without_the_workflow(run: Path) -> None:
    """Three pairs at a mix; the same call gives the same bytes, and ids of the run are not used again."""
    before = {p for p in (run / "results").rglob("*") if p.suffix == ".parquet"}
    words = ["--configfile", "config.yaml", "--count", "3", "--ratios", "field=0.5"]
    for out in ("new", "again"):
        done = landloom(run, "generate", *words, "--formats", "imagefolder", "--out", out)
        assert done.returncode == 0, done.stderr
        assert f"{out}: 3 pairs of landloom" in done.stdout
    lines = (run / "new/imagefolder/train/metadata.jsonl").read_text().splitlines()
    made = [json.loads(line) for line in lines]
    assert [m["source"] for m in made] == ["landloom-1"] * 3
    files = sorted(p.relative_to(run / "new") for p in (run / "new").rglob("*.png"))
    assert len(files) == 6
    assert all((run / "new" / f).read_bytes() == (run / "again" / f).read_bytes() for f in files)
    assert before == {p for p in (run / "results").rglob("*") if p.suffix == ".parquet"}


def test_scene_makes_parts_of_one_world_that_agree_where_they_overlap(run: Path) -> None:
    """Mask and image, byte for byte, and on the map where they were asked for."""
    words = ["--configfile", "config.yaml", "--crs", "EPSG:32652", "--gsd", "2", "--averagings", "2"]
    parts = {"one": (-20, 300, 120, 400), "other": (60, 260, 200, 380)}
    for out, bounds in parts.items():
        done = landloom(run, "scene", *words, "--bounds", *map(str, bounds), "--out", out)
        assert done.returncode == 0, done.stderr
        with rasterio.open(run / out / "image.tif") as file:
            assert tuple(file.bounds) == bounds
            assert (file.crs, file.tags()["synthetic"]) == ("EPSG:32652", "true")
    for kind in ("image", "mask"):
        shared = []
        for out in parts:
            with rasterio.open(run / out / f"{kind}.tif") as file:
                shared.append(file.read(window=file.window(60, 300, 120, 380)))
        assert shared[0].shape[1:] == (40, 30)
        np.testing.assert_array_equal(*shared)


@pytest.mark.parametrize("code", [1, 75])
def test_a_failed_stage_fails_with_its_own_code_and_words(run: Path, tmp_path: Path, code: int) -> None:
    """Behind `| tee`, and at once: no waiting for files that will never come."""
    for kind in ("images", "masks"):
        shutil.copytree(run / kind, tmp_path / kind)
    shim(tmp_path / "bin", "landloom tile ", f'echo "error: the disk is gone" >&2; exit {code}')
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(CONFIG))
    done = subprocess.run(
        [sys.executable, "-m", "snakemake", "--snakefile", str(ROOT / "Snakefile"), "--cores", "1",
         "--workflow-profile", str(ROOT / "profiles/default"), "--configfile", "config.yaml",
         "--", "results/tiny/tiles/a.parquet"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
        env=environment(tmp_path / "bin"),
    )  # fmt: skip
    output = done.stdout + done.stderr
    assert done.returncode == 1, output
    assert f"returned non-zero exit status {code}" in output
    assert "error: the disk is gone" in output
    assert "completed successfully" not in output
    assert "latency" not in output


HOLDS = """
import sys, time
from pathlib import Path
from landloom.runtime import gpus
with gpus.hold(1) as devices, open("held.txt", "a") as log:
    print("take", *devices, file=log, flush=True)
    time.sleep(0.3)
    print("give", *devices, file=log, flush=True)
Path(sys.argv[sys.argv.index("--out") + 1]).touch()
"""


def test_each_of_two_gpus_works_for_one_job_at_a_time(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Five GPU jobs are ready, eight cores are free, the devices are faked."""
    folder = tmp_path / "run"
    shutil.copytree(run, folder)
    (folder / "holds.py").write_text(HOLDS)
    shim(tmp_path / "bin", "landloom encode ", f'exec {sys.executable} holds.py "$@"')
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1")
    words = ["--cores", "8", "--forcerun", "encode", "--until", "encode"]
    snakemake(folder, *words, config=CONFIG, before=[tmp_path / "bin"])
    held: set[str] = set()
    lines = (folder / "held.txt").read_text().split("\n")[:-1]
    assert len(lines) == 10
    most = 0
    for what, device in map(str.split, lines):
        assert (device in held) == (what == "give")
        held = held | {device} if what == "take" else held - {device}
        most = max(most, len(held))
    assert most == 2


def test_verify_compares_results_with_a_config(run: Path) -> None:
    snakemake(run, "-n", config=CONFIG)
    same = landloom(run, "verify", "--configfile", "config.yaml")
    assert same.returncode == 0, same.stdout + same.stderr
    changed = CONFIG | {"image_train": {"steps": 4, "batch": 4}}
    (run / "other.yaml").write_text(yaml.safe_dump(changed))
    other = landloom(run, "verify", "--configfile", "other.yaml")
    assert other.returncode == 1
    assert "image_train.steps was 3 and is 4" in other.stdout
    assert "label_train." not in other.stdout


def test_a_sample_is_traced_to_its_scenes(run: Path) -> None:
    shard = run / "results/tiny/landloom/curated/0.parquet"
    sample = pd.read_parquet(shard)["id"][0]
    done = landloom(run, "trace", sample)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["sample"]["id"] == sample
    stages = {j["stage"] for j in found["jobs"]}
    assert {"curate", "image_sample", "label_sample", "plan", "base", "tile", "label_train"} <= stages
    assert {"images/a.tif", "masks/a.tif"} <= {s["path"] for s in found["sources"]}
    assert "no synthetic sample of this id" in landloom(run, "trace", "nobody").stderr


def test_touched_inputs_bring_results_back_without_computing(run: Path) -> None:
    record = run / "results/tiny/tiles/a.parquet.prov.json"
    before = record.read_text()
    snakemake(run, "--forcerun", "tile_scenes", "--until", "tile_scenes", config=CONFIG)
    assert record.read_text() == before
    assert "the very same job was done before" in (run / "logs/tiny/tile/a.log").read_text()
    snakemake(run, "--touch", config=CONFIG)
    assert "Nothing to be done" in snakemake(run, "-n", config=CONFIG)


def test_tiles_are_shared_between_folders(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SNAKEMAKE_OUTPUT_CACHE", str(tmp_path / "cache"))
    (tmp_path / "cache").mkdir()
    shards = []
    for name in "ab":
        folder = tmp_path / name
        for kind in ("images", "masks"):
            shutil.copytree(run / kind, folder / kind)
        words = ["--cache", "tile_scenes", "caption", "--", "results/tiny/captions/a.parquet"]
        told = snakemake(folder, *words, config=CONFIG)
        shards.append((folder / "results/tiny/captions/a.parquet").read_bytes())
        assert (folder / "results/tiny/tiles/a.parquet.prov.json").exists()
    assert shards[0] == shards[1]
    assert "from cache" in told


def test_the_check_runs_alone(run: Path) -> None:
    """The first thing that the README asks of who brings their own data."""
    told = snakemake(run, "--forcerun", "check", "--", "results/tiny/check.json", config=CONFIG)
    assert "1 of 1 steps (100%) done" in told


def test_too_small_a_plan_is_told_before_the_first_job(run: Path, tmp_path: Path) -> None:
    for kind in ("images", "masks"):
        shutil.copytree(run / kind, tmp_path / kind)
    config = CONFIG | {"mix": {"ratios": [90]}}
    for target in ("results/tiny/check.json", "results/tiny/ratios.parquet"):
        with pytest.raises(
            AssertionError, match=r"plan\.count: 'landloom' plans 12 pairs, and mix\.ratios 90"
        ):
            snakemake(tmp_path, "--", target, config=config)
    assert not (tmp_path / "results/tiny/tiles").exists()


def test_tiles_too_small_for_a_given_base_are_refused_before_the_first_job(run: Path, tmp_path: Path) -> None:
    for kind in ("images", "masks"):
        shutil.copytree(run / kind, tmp_path / kind)
    layers = {"objective": "one_step", "one_step": {"layers": 4}}
    given = {"base": {"source": str(run / "results/tiny/base")}, "image_train": layers}
    config = CONFIG | given | {"image_sample": {"steps": 1, "guidance": 1}}
    with pytest.raises(AssertionError, match=r"tile\.size: 32 is too small for 'one_step' .* needs 96"):
        snakemake(tmp_path, "--", "results/tiny/ratios.parquet", config=config)
    assert not (tmp_path / "results/tiny/tiles").exists()


def test_stages_have_targets(run: Path) -> None:
    for target in ("tile", "label", "image", "tables"):
        assert "Nothing to be done" in snakemake(run, "-n", target, config=CONFIG)


@pytest.mark.parametrize(
    ("change", "stages"),
    [
        ({"report": {"examples": 3}}, {"report", "audit"}),
        ({"run": {"log": 1, "checkpoint": 5}}, set()),
        ({"segment": CONFIG["segment"] | {"seeds": [0, 1]}}, {"segment", "evaluate", "report", "audit"}),
        (
            {"image_train": {"steps": 4, "batch": 4}},
            {"image_train", "image_sample", "curate", "mix", "segment", "evaluate", "report", "audit"}
            | {"export"},
        ),
    ],
)
def test_one_number_reruns_what_depends_on_it(run: Path, change: dict[str, Any], stages: set[str]) -> None:
    output = snakemake(run, "-n", config=CONFIG | change)
    assert rerun(output) == stages


def test_a_new_seed_leaves_finished_trainings_alone(run: Path) -> None:
    changed = CONFIG | {"segment": CONFIG["segment"] | {"seeds": [0, 1]}}
    output = snakemake(run, "-n", "--printshellcmds", config=changed)
    assert "unet/1.log" in output
    assert "unet/0.log" not in output


def test_a_misspelt_key_is_named(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(CONFIG | {"labeltrain": {}}))
    done = subprocess.run(
        [sys.executable, "-m", "snakemake", "--snakefile", str(ROOT / "Snakefile"), "-n",
         "--workflow-profile", "none", "--configfile", "config.yaml"],
        cwd=tmp_path, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode != 0
    assert "labeltrain: no such key" in done.stdout + done.stderr


def test_a_failed_check_stops_the_run_before_its_first_job(run: Path, tmp_path: Path) -> None:
    shutil.copytree(run / "images", tmp_path / "images")
    shutil.copytree(run / "masks", tmp_path / "masks")
    wrong = {"segment": {"networks": {"n": {"encoder": "resnet19"}}}}
    with pytest.raises(AssertionError, match="'resnet19' is unknown"):
        snakemake(tmp_path, config=CONFIG | wrong)
    assert not (tmp_path / "results/tiny/tiles").exists()


def test_a_missing_mask_is_named(run: Path, tmp_path: Path) -> None:
    shutil.copytree(run / "images", tmp_path / "images")
    shutil.copytree(run / "masks", tmp_path / "masks")
    (tmp_path / "masks/c.tif").unlink()
    with pytest.raises(AssertionError, match=r"masks/c\.tif: the mask of scene 'c' does not exist"):
        snakemake(tmp_path, "-n", config=CONFIG)


def test_parsing_the_snakefile_imports_nothing_heavy(run: Path, tmp_path: Path) -> None:
    shutil.copytree(run / "images", tmp_path / "images")
    shutil.copytree(run / "masks", tmp_path / "masks")
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(CONFIG))
    code = (
        "import sys\nfrom snakemake.cli import main\n"
        "from snakemake_interface_executor_plugins.registry import ExecutorPluginRegistry\n"
        "ExecutorPluginRegistry(); before = set(sys.modules)\n"  # plugins import what they like
        f"try: main(['-n', '-s', {str(ROOT / 'Snakefile')!r}, '--configfile', 'config.yaml',"
        " '--workflow-profile', 'none'])\nexcept SystemExit as error: assert not error.code\n"
        "new = set(sys.modules) - before\n"
        "heavy = {'torch', 'rasterio', 'pandas', 'diffusers', 'transformers', 'pyarrow'} & new\n"
        "sys.exit(f'imported: {heavy}' if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_captions_of_a_server_reach_the_plan(run: Path, tmp_path: Path) -> None:
    shutil.copytree(run / "images", tmp_path / "images")
    shutil.copytree(run / "masks", tmp_path / "masks")
    endpoint = {"url": "server.txt", "model": "tiny", "attempts": 2, "backoff": 0.01}
    config = CONFIG | {"caption": {"backend": "openai", "endpoint": endpoint}}
    plan = "results/tiny/landloom/plan.parquet"
    with pytest.raises(AssertionError, match=r"endpoint\.url: 'server\.txt' is neither a URL nor a file"):
        snakemake(tmp_path, "--cores", "2", plan, config=config)
    with ChatServer() as server:
        (tmp_path / "server.txt").write_text(server.url)
        snakemake(tmp_path, "--cores", "2", plan, config=config)
    assert set(pd.read_parquet(tmp_path / plan)["caption"]) == {GOOD}
    train = pd.concat(pd.read_parquet(p) for p in tmp_path.glob("results/tiny/tiles/[abc].parquet"))
    paid = [s for s in server.paid if s.side != (56, 56, 3)]  # the check shows one picture of its own
    assert len(paid) == len(server.paid) - 1
    assert len(paid) == len({s.image for s in paid}) == len(train)
    # The server has gone, and its address has changed: what is done stays done.
    (tmp_path / "server.txt").write_text("http://127.0.0.1:9/v1")
    assert "Nothing to be done" in snakemake(tmp_path, "-n", "--cores", "2", plan, config=config)


def test_the_shim_runs_the_same_workflow(run: Path) -> None:
    shim = str(ROOT / "workflow/Snakefile")
    assert "Nothing to be done" in snakemake(run, "-n", "--snakefile", shim, config=CONFIG)


@pytest.mark.parametrize(("where", "threads"), [([], 4), (["--executor", "slurm", "--jobs", "2"], 1)])
def test_on_a_cluster_tile_asks_for_what_its_job_finds(
    run: Path, tmp_path: Path, where: list[str], threads: int
) -> None:
    """A job of a cluster reads the workflow again, with all cores of its node; srun refuses more threads."""
    shim = tmp_path / "Snakefile"
    asked = 'workflow.get_rule("tile_scenes").resources["_cores"].value'
    shim.write_text(f'include: "{ROOT}/Snakefile"\nprint("THREADS", {asked})\n')
    wide = ["--cores", "64", "--max-threads", "8"]
    said = snakemake(run, "-n", "--snakefile", str(shim), *wide, *where, config=CONFIG)
    assert f"THREADS {threads}" in said


def test_few_labels_many_images_and_pseudo_labels_are_planned(tmp_path: Path) -> None:
    scenes(tmp_path)
    more = tmp_path / "more"
    more.mkdir()
    shutil.copy(tmp_path / "images/a.tif", more / "x.tif")
    guessed = {"label_sample": {"source": "predicted"}, "image_sample": {"source": "real"}}
    data = CONFIG["data"] | {
        "unlabelled": "more/{scene}.tif",
        "split": CONFIG["data"]["split"] | {"labelled": 0.5},
    }
    config = CONFIG | {"data": data, "generators": {"landloom": {}, "guessed": guessed}}
    said = snakemake(tmp_path, "-n", "--printshellcmds", config=config)
    cut = {scene: next(line for line in said.splitlines() if f"--scene {scene} " in line) for scene in "abcx"}
    kinds = {scene: re.search(r"--split (\w+)", line)[1] for scene, line in cut.items()}  # type: ignore[index]
    assert (kinds.pop("x"), sorted(kinds.values())) == ("unlabelled", ["train", "train", "unlabelled"])
    for scene, kind in kinds.items():
        assert (f"--mask masks/{scene}.tif" in cut[scene]) == (kind == "train")
    jobs = [line for line in said.splitlines() if "landloom label_sample" in line and "guessed" in line]
    assert len(jobs) == 2
    assert all("--judge results/tiny/segment/real/0/unet/0" in line for line in jobs)
    assert "export/landloom" in said
    assert "export/guessed" not in said
