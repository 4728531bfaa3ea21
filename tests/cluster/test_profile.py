"""The shipped profiles: that of SLURM knows every rule that asks for a GPU."""

import re
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]
PROFILE = yaml.safe_load((ROOT / "profiles/slurm/profile.yaml").read_text())


def gpu_rules() -> set[str]:
    """Rules that always ask for a GPU; caption does with a local model only."""
    texts = "".join(p.read_text() for p in (ROOT / "workflow/rules").glob("*.smk"))
    bodies = re.split(r"^rule (\w+):", texts, flags=re.M)[1:]
    return {name for name, body in zip(bodies[::2], bodies[1::2], strict=True) if "gpu=dag.gpus(" in body} - {
        "caption"
    }


def test_rules_with_a_gpu_go_to_its_partition() -> None:
    assert {"base", "label_table"} <= gpu_rules()
    gpu = {rule for rule, asked in PROFILE["set-resources"].items() if asked.get("slurm_partition") == "gpu"}
    assert gpu == gpu_rules()


def test_the_manual_lists_them() -> None:
    text = (ROOT / "docs/cluster.md").read_text()
    listed = re.search(r"GPU stages are ([\w,\s]+), and\s+caption", text)
    assert listed is not None
    assert set(re.split(r",\s+", listed[1])) == gpu_rules()


def test_the_workstation_profile_leaves_gpus_to_the_workflow() -> None:
    """It counts those of the machine; a number in the profile would be another machine's."""
    profile = yaml.safe_load((ROOT / "profiles/workstation/profile.yaml").read_text())
    assert profile["cores"] == "all"
    assert "gpu" not in str(profile)
