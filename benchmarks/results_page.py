"""The tables of docs/results.md, from the CSV files of the runs that are there.

python benchmarks/results_page.py --results results

A block says which table it is, and of which run if not of the default one:
`<!-- generated: gains of dubai-evidence -->`. With a block `evidence` the run's table and picture of gains at
each share of labels are copied beside the page, too: docs/evidence/RUN.csv and RUN.png.
"""

import argparse
import re
import shutil
from pathlib import Path

import pandas as pd

PAGE = Path(__file__).parents[1] / "docs/results.md"
BLOCK = re.compile(
    r"(?P<head><!-- generated: (?P<name>\w+)(?: of (?P<run>[\w.-]+))? -->\n).*?(?P<tail><!-- end -->)",
    re.DOTALL,
)
DEFAULT = "landsat7"


def main() -> None:
    """Write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--results", type=Path, default=Path("results"))
    text, results = PAGE.read_text(), parser.parse_args().results
    PAGE.write_text(page(text, results))
    copy(text, results, PAGE.parent / "evidence")


def page(text: str, results: Path) -> str:
    """The page with its generated parts anew; those of runs that are not there stay as they are."""

    def block(found: re.Match[str]) -> str:
        folder = results / (found["run"] or DEFAULT) / _folder(found["name"])
        if not folder.is_dir():
            return found[0]
        return found["head"] + part(found["name"], folder) + found["tail"]

    return BLOCK.sub(block, text)


def _folder(name: str) -> str:
    return "evidence" if name == "evidence" else "evaluation"


def copy(text: str, results: Path, out: Path) -> None:
    """Copy tables and pictures of the evidence of runs that are there and have a block."""
    for found in BLOCK.finditer(text):
        run = found["run"] or DEFAULT
        if found["name"] == "evidence" and (results / run / "evidence").is_dir():
            out.mkdir(exist_ok=True)
            for kind in ("csv", "png"):
                shutil.copyfile(results / run / f"evidence/gain.{kind}", out / f"{run}.{kind}")


def part(name: str, folder: Path) -> str:
    """One table of a run.

    Raises:
        ValueError: there is no such table.
    """

    def read(file: str) -> pd.DataFrame:
        return pd.read_csv(folder / f"{file}.csv")

    if name == "gains":
        return gains(read("summary"), read("gain"))
    if name == "ratios":
        return ratios(read("label_ratios"))
    if name == "evidence":
        return evidence(read("gain"))
    files = {"shapes": "label_shapes", "images": "image_quality", "quilts": "label_ablation_shapes"}
    if name not in files:
        raise ValueError(f"docs/results.md: no table is called {name}")
    return plain(read(files[name]))


def gains(summary: pd.DataFrame, gain: pd.DataFrame) -> str:
    """IoU of each class by training set and network, with the gain of the mean and its interval."""
    keys, classes = ["generator", "ratio", "network"], list(dict.fromkeys(summary["class"]))
    won = gain[gain["class"] == "mean"].set_index(keys)
    rows = []
    for key, group in summary.groupby(keys, sort=True):
        cells = group.set_index("class").loc[classes]
        spread = [f"{m:.1f} ± {s:.1f}" for m, s in zip(cells["iou_mean"], cells["iou_std"], strict=True)]
        said = (
            ""
            if key not in won.index
            else "{gain:+.1f} ({ci_low:+.1f} to {ci_high:+.1f})".format(**won.loc[key])
        )
        rows.append([f"{key[0]} {key[1]:g}", key[2], *spread, said])
    return table(["training set", "network", *classes, "gain"], rows)


def evidence(found: pd.DataFrame) -> str:
    """Gains of the mean over networks at each share of labels, with the interval of the mean IoU."""
    shown = found[found["chosen"] & (found["network"] == "all")]
    classes = [c for c in dict.fromkeys(shown["class"]) if c != "mean"]
    rows = []
    for (share, generator), group in shown.groupby(["labelled", "generator"], sort=False):
        cells = group.set_index("class")
        mean = cells.loc["mean"]
        said = "{gain:+.1f} ({low:+.1f} to {high:+.1f})".format(**mean)
        own = [f"{cells.gain[c]:+.1f}" for c in classes]
        rows.append([f"{100 * share:g} %", f"{mean.n_real:g}", generator, f"{mean.real:.1f}", said, *own])
    head = ["labelled", "real tiles", "generator", "real alone, mIoU", "gain", *classes]
    return table(head, sorted(rows, key=lambda r: (float(r[0][:-2]), r[2])))


def ratios(errors: pd.DataFrame) -> str:
    """Error of each class, and their mean, by generator."""
    classes = list(dict.fromkeys(errors["class"]))
    rows = []
    for name, group in errors.groupby("generator", sort=True):
        cells = group.set_index("class")
        rows.append([name, *(f"{cells.cpe[c]:.2f}" for c in classes), f"{cells.mcpe.iloc[0]:.2f}"])
    return table(["generator", *classes, "mCPE"], rows)


def plain(found: pd.DataFrame) -> str:
    """All columns, numbers to three digits."""
    rows = [[said(value) for value in row] for row in found.itertuples(index=False)]
    return table(list(found.columns), rows)


def said(value: object) -> str:
    """A cell; nothing for what is missing."""
    if pd.isna(value):  # type: ignore[call-overload]
        return ""
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def table(head: list[str], rows: list[list[str]]) -> str:
    """Lines of a table in Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


if __name__ == "__main__":
    main()
