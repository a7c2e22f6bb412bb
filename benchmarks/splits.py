"""How much one 70/30 split says: each feature set trained and measured on many splits.

    python benchmarks/splits.py [SPLITS]

Reads the feature tables of the current run (`payoff etl && payoff features build` makes them) and writes
benchmarks/splits.md. One training takes about five seconds on two cores.
"""

import sys
import tempfile
from pathlib import Path

import numpy as np

from features.sets import SET_NAMES as SETS
from features.sets import feature_set
from payoff import runs
from payoff.cli import DEFAULT_SEED
from payoff.lake import open_lake
from payoff.model import TARGET, load_directory
from payoff.settings import load_settings
from training.evaluate import evaluate
from training.fit import fit
from training.select import KEPT_FEATURES, select
from training.split import holdout

SHOWN = ("roc_auc", "pr_auc", "brier", "log_loss", "balanced_accuracy", "mcc", "accuracy", "f1", "precision", "recall")


def measured(set_name: str, seed: int) -> dict[str, float]:
    """Figures of one training on one split of the current run."""
    lake = open_lake(load_settings())
    table = runs.read_features(lake, runs.current_run(lake), set_name).to_pandas()
    train, test = holdout(table, seed)
    offered = [feature.name for feature in feature_set(set_name)]
    names = select(train[offered], train[TARGET], keep=KEPT_FEATURES, seed=seed)
    with tempfile.TemporaryDirectory() as directory:
        fitted = fit(train[[*names, TARGET]], Path(directory), seed=seed)
        probability = load_directory(fitted.directory, names)(test)
    figures = evaluate(test[TARGET].to_numpy(dtype=int), probability, fitted.threshold, seed)
    return {name: figures[name].value for name in SHOWN}


def report(splits: int) -> str:
    """A table: mean over the splits, and the lowest and highest of them."""
    lines = [f"| figure | {' | '.join(SETS)} |", "|---|" + "---|" * len(SETS)]
    found = {name: [measured(name, DEFAULT_SEED + split) for split in range(splits)] for name in SETS}
    for metric in SHOWN:
        cells = []
        for name in SETS:
            values = np.array([figures[metric] for figures in found[name]])
            cells.append(f"{values.mean():.3f} ({values.min():.3f} to {values.max():.3f})")
        lines.append(f"| {metric} | {' | '.join(cells)} |")
    return "\n".join(lines)


def main() -> None:
    """Measure and write the page."""
    splits = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    page = f"""# How much one split says

Each set trained and measured on {splits} random 70/30 splits (seeds {DEFAULT_SEED} to {DEFAULT_SEED + splits - 1}),
stratified by target, one row per loan, 205 test loans with 23 defaults each. Mean, and the lowest and highest split.
Made by `python benchmarks/splits.py {splits}`. The splits share loans, so the range is a warning, not an interval.

{report(splits)}
"""
    Path(__file__).with_suffix(".md").write_text(page, encoding="utf-8")
    print(page)


if __name__ == "__main__":
    main()
