"""How far a quick explanation is from a thorough one, and both from a much longer run, on real loans.

Reads the champions of the lake (`payoff run` trains them) and writes benchmarks/explanations.md.
"""

import os
import platform
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import click
import numpy as np
import pandas as pd
from scipy.stats import spearmanr

from payoff import runs
from payoff.comparison import held_out
from payoff.lake import Lake, open_lake
from payoff.model import Model, load_model
from payoff.registry import champion
from payoff.settings import load_settings
from webapp.explaining import QUICK, THOROUGH, Explanation, effects, explain, explain_many, quick_reasons
from webapp.explaining.groups import of_model

PAGE = Path(__file__).with_suffix(".md")
SETS = ("form", "full")
#: Far from the seeds of the program.
LONG_SEED = 1_000
#: Loans of the batch that is timed.
BATCH = 1_000


@dataclass(frozen=True)
class Way:
    """Loans explained in one way: effects, loans × groups; greatest error of their sums; ms of processor time."""

    effects: np.ndarray
    error: float
    milliseconds: float


@dataclass(frozen=True)
class Measured:
    """What was found for one feature set; the much longer run is of every so-manieth loan only."""

    name: str
    groups: int
    ways: dict[str, Way]
    long: np.ndarray
    every: int
    batch_milliseconds: float


def of_held_out(lake: Lake, model: Model, count: int) -> pd.DataFrame:
    """Features of ``count`` held-out loans, evenly spread from the safest to the most doubtful."""
    said = held_out(lake, model.metadata)
    if said is None:
        raise SystemExit(f"model {model.metadata.version} keeps no held-out loans; train it anew")
    chosen = said.sort_values("probability")["loan_id"].iloc[np.linspace(0, len(said) - 1, count).astype(int)]
    table = runs.read_features(lake, model.metadata.data_run, model.metadata.feature_set).to_pandas()
    return table.set_index("loan_id").loc[chosen, list(model.metadata.features)].reset_index(drop=True)


def way(model: Model, loans: pd.DataFrame, explanations: Callable[[], Iterator[Explanation]]) -> Way:
    """Explain and time."""
    place = {key: number for number, key in enumerate(of_model(model.metadata.feature_set, model.metadata.features))}
    start = time.process_time()
    found = list(explanations())
    milliseconds = (time.process_time() - start) * 1000 / len(loans)
    rows = [[r.effect for r in sorted(each.reasons, key=lambda reason: place[reason.key])] for each in found]
    base, values = np.array([each.base for each in found]), np.array(rows)
    error = np.abs(base + values.sum(axis=1) - (1 - model.default_probabilities(loans))).max()
    return Way(values, float(error), milliseconds)


def one_by_one(model: Model, loans: pd.DataFrame, thorough: bool) -> Iterator[Explanation]:
    """As the pages do."""
    for place in range(len(loans)):
        yield explain(model, loans.iloc[[place]], thorough=thorough)


def measured(lake: Lake, name: str, loans: int, every: int, times: int, cache: Path) -> Measured:
    """Explain the loans in every way."""
    model = load_model(lake, champion(lake, name), cache)
    asked = of_held_out(lake, model, loans)
    # What is worked out once for a model is not counted.
    quick_reasons(model, asked.head(1), 1)
    ways = {
        "quick": way(model, asked, partial(one_by_one, model, asked, thorough=False)),
        "thorough": way(model, asked, partial(one_by_one, model, asked, thorough=True)),
        "batch": way(model, asked, partial(explain_many, model, asked)),
    }
    many = pd.concat([asked] * -(-BATCH // loans), ignore_index=True).head(BATCH)
    start = time.process_time()
    quick_reasons(model, many, 4)
    batch_milliseconds = (time.process_time() - start) * 1000 / BATCH
    print(name, {kind: f"{found.milliseconds:.0f} ms" for kind, found in ways.items()}, flush=True)
    long = []
    for place in range(0, loans, every):
        long.append(effects(model, asked.iloc[[place]], times * THOROUGH[0], LONG_SEED)[1])
        print(f"{name}: much longer run {len(long)} of {-(-loans // every)}", flush=True)
    return Measured(name, long[0].size, ways, np.array(long), every, batch_milliseconds)


def agreement(ours: np.ndarray, theirs: np.ndarray) -> str:
    """The cells of one comparison of effects, loans × groups."""
    points = 100 * np.abs(ours - theirs)
    ranked = np.mean([spearmanr(one, other).statistic for one, other in zip(ours, theirs, strict=True)])
    first, other = np.argsort(-np.abs(ours), axis=1)[:, :3], np.argsort(-np.abs(theirs), axis=1)[:, :3]
    same_three = np.mean([set(one) == set(two) for one, two in zip(first, other, strict=True)])
    cells = [len(ours), f"{points.mean():.2f}", f"{points.max():.1f}", f"{ranked:.3f}"]
    return " | ".join(map(str, [*cells, f"{np.mean(first[:, 0] == other[:, 0]):.0%}", f"{same_three:.0%}"]))


def comparisons(found: Measured) -> Iterator[str]:
    """Rows of the table of agreement."""
    thorough = found.ways["thorough"].effects
    for kind in ("quick", "batch"):
        yield f"| {found.name} | {kind} and thorough | {agreement(found.ways[kind].effects, thorough)} |"
    for kind, each in found.ways.items():
        yield f"| {found.name} | {kind} and much longer | {agreement(each.effects[:: found.every], found.long)} |"


def costs(found: Measured) -> Iterator[str]:
    """Rows of the table of sums and times."""
    for kind, each in found.ways.items():
        shown = found.batch_milliseconds if kind == "batch" else each.milliseconds
        yield f"| {found.name} | {found.groups} | {kind} | {each.error:.0e} | {shown:,.1f} |"


def page(results: list[Measured], loans: int, times: int, arguments: str, busy: float) -> str:
    """The page as Markdown."""
    rows = "\n".join(row for found in results for row in comparisons(found))
    sums = "\n".join(row for found in results for row in costs(found))
    return f"""# How much explanations agree

Of {loans} held-out loans, evenly spread from the safest to the most doubtful, by the champions of the sets; effects on
the probability of payoff, in points. Made by `python benchmarks/explanations.py{arguments}`.

| set | compared | loans | mean difference | greatest | rank correlation | same first reason | same first three |
|---|---|---|---|---|---|---|---|
{rows}

| set | groups | explanation | greatest error of a sum | ms of processor time a loan |
|---|---|---|---|---|
{sums}

- *quick*, stored with each answer: {QUICK[0]} path from each of 50 background loans, one call of the model.
  *thorough*, for the page of one prediction: {THOROUGH[0]} paths from each. *batch*: an order and its reverse from the
  most middling background loan, and that loan's own effects added; timed on {BATCH:,} loans, of which four reasons each
  are kept. *much longer*: {times} times thorough, with other orders.
- *difference*: absolute, in points, over all loans and groups. *rank correlation*: Spearman's over the groups of a
  loan, mean over loans. *first*, *first three*: by absolute effect, the three in any order.
- *error of a sum*: of base and effects against the probability that the model gives.
- Nothing here says how good the model is, nor that changing a figure would change the end of a loan.

Python {platform.python_version()}, {len(os.sched_getaffinity(0))} cores, load {busy:.1f} before the start.
"""


@click.command()
@click.option("--loans", default=100, show_default=True, type=click.IntRange(2), help="Held-out loans to explain.")
@click.option("--every", default=5, show_default=True, type=click.IntRange(1), help="Run long on each so-manieth.")
@click.option(
    "--times", default=20, show_default=True, type=click.IntRange(1), help="As often as thorough, to run long."
)
def main(loans: int, every: int, times: int) -> None:
    r"""Measure how much explanations agree, and write benchmarks/explanations.md.

    \b
        python benchmarks/explanations.py
    """
    settings = load_settings()
    lake, busy = open_lake(settings), os.getloadavg()[0]
    results = [measured(lake, name, loans, every, times, settings.var_dir / "models") for name in SETS]
    text = page(results, loans, times, f" --loans {loans} --every {every} --times {times}", busy)
    PAGE.write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
