"""The tables of docs/benchmarks.md, from the files in benchmarks/results; and which goals fall short.

python benchmarks/tables.py [--check]

With ``--check`` nothing is written; the exit code says whether the page is up to date.
"""

import argparse
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from comparison import Result, read

PAGE = Path(__file__).parents[1] / "docs/benchmarks.md"
BLOCK = re.compile(r"(?P<head><!-- generated: (?P<name>\w+) -->\n).*?(?P<tail><!-- end -->)", re.DOTALL)
HEAD = "| work | against | ratio (range), pairs | goal | distance to the floor |\n|---|---|---|---|---|\n"


def main() -> int:
    """Write the page, or check it; print the goals."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true")
    results, before = read(), PAGE.read_text()
    after = page(before, results)
    if parser.parse_args().check:
        if before != after:
            print(
                "error: docs/benchmarks.md: not up to date. Run python benchmarks/tables.py", file=sys.stderr
            )
        return int(before != after)
    PAGE.write_text(after)
    short = [r for r in results if not r.reached]
    print(f"{sum(r.goal is not None for r in results)} goals, {len(short)} fall short")
    for r in short:
        print(f"- {r.work}: {r.ratio_median:.3g} {r.unit}, goal {r.goal:g}. {r.reason}")
    return 0


def page(text: str, results: Iterable[Result]) -> str:
    """The page with its generated parts anew."""
    found = list(results)
    parts = {"table": HEAD + "".join(map(row, found)), "short": "".join(reasons(found)),
             "commands": "".join(commands(found))}  # fmt: skip
    return BLOCK.sub(lambda m: m["head"] + parts[m["name"]] + m["tail"], text)


def row(r: Result) -> str:
    """A line of the table."""
    span = f"**{r.ratio_median:.3g}** {r.unit} ({r.ratio_min:.3g} to {r.ratio_max:.3g}), {r.n}"
    goal = "" if r.goal is None else f"{'at least' if r.better == 'high' else 'at most'} {r.goal:g}"
    return f"| {r.work} | {r.against} | {span} | {goal}{'' if r.reached else ', **missed**'} | {r.floor} |\n"


def reasons(results: Iterable[Result]) -> Iterator[str]:
    """Why goals are missed."""
    yield from (f"- {r.work}: {r.reason}\n" for r in results if not r.reached)


def commands(results: list[Result]) -> Iterator[str]:
    """Which command, on which device and commit, made which rows."""
    for made in sorted({(r.command, r.device, r.commit) for r in results}):
        names = ", ".join(f"`{r.name}`" for r in results if (r.command, r.device, r.commit) == made)
        yield f"- `{made[0]}` at {made[2]}, {made[1]}: {names}\n"


if __name__ == "__main__":
    sys.exit(main())
