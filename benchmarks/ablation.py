"""What each part of the synthesis adds: cross-validation without it, or with what training leaves out.

    python benchmarks/ablation.py [REPEATS]

Reads the table `full` of the current run and writes benchmarks/ablation.md. The folds are others than those of
benchmarks/comparison.md, because what is left out was chosen by looking at figures like these.
"""

import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.metrics import average_precision_score, brier_score_loss, roc_auc_score
from sklearn.model_selection import StratifiedKFold

from features.candidates import ALL
from features.sets import every_candidate, feature_set
from payoff import runs
from payoff.contract import Feature
from payoff.lake import open_lake
from payoff.metadata import TARGET
from payoff.settings import load_settings
from training.fit import fit_predict
from training.select import LEFT_OUT, offered, select

FOLDS = 5
FIRST_SEED = 100
METRICS = {"ROC AUC": roc_auc_score, "PR AUC": average_precision_score, "Brier": brier_score_loss}
OPERATIONS = ("count", "share", "mean", "min", "max", "std", "days_since")
WINDOWS_DAYS = (30, 60, 90, 180, 365, 0)


def pools() -> Iterator[tuple[str, list[str]]]:
    """Each variant with the features that selection may choose from; what is trained on comes first."""
    features = feature_set("full")
    kept = offered(features)
    details = {candidate.name: candidate for candidate in every_candidate()}

    def without(leaves: Callable[[str], bool]) -> list[str]:
        return [name for name in kept if not leaves(name)]

    def with_kind(chosen: Callable[[Feature], bool]) -> list[str]:
        # Without its kind for a moment, so that the rule that leaves the kind out does not see it.
        return kept + offered([replace(each, operation="asked for", scale="") for each in features if chosen(each)])

    yield "as trained", kept
    yield "the loan, account and owner alone", without(lambda name: bool(details[name].cube))
    yield "the transactions alone", without(lambda name: not details[name].cube)
    yield "no conditions", without(lambda name: details[name].slice not in {"", ALL.slice})
    yield "no ratios to income", without(lambda name: details[name].scale == "income")
    yield "no balances", without(lambda name: "_balance_" in name)
    for operation in OPERATIONS:
        yield f"no {operation.replace('_', ' ')}", without(lambda name, o=operation: details[name].operation == o)
    for days in WINDOWS_DAYS:
        window = f"{days} days" if days else "all of time"
        yield f"not {window}", without(lambda name, d=days: bool(details[name].cube) and details[name].days == d)
    yield "with months", with_kind(lambda f: f.operation == "month")
    yield "with ratios to the instalment", with_kind(lambda f: f.scale == "instalment" and f.operation not in LEFT_OUT)
    yield "with all that training leaves out", [feature.name for feature in features]


def measured(table: pd.DataFrame, pool: list[str], repeats: int) -> pd.DataFrame:
    """The figures of every fold, one row each."""
    truth = table[TARGET].to_numpy(dtype=int)
    rows = []
    for seed in range(FIRST_SEED, FIRST_SEED + repeats):
        for train, test in StratifiedKFold(FOLDS, shuffle=True, random_state=seed).split(table, truth):
            known = table.iloc[train]
            names = select(known[pool], known[TARGET], known["granted_on"])
            probability = fit_predict(known[[*names, TARGET]], table.iloc[test][names], seed)
            figures = {name: metric(truth[test], probability) for name, metric in METRICS.items()}
            rows.append(figures | {"features": len(names)})
    return pd.DataFrame(rows)


def main() -> None:
    """Measure and write the page."""
    repeats = int(sys.argv[1]) if len(sys.argv) > 1 else 1
    lake = open_lake(load_settings())
    table = runs.read_features(lake, runs.current_run(lake), "full").to_pandas()
    rows, reference = [], None
    for variant, pool in pools():
        folds = measured(table, pool, repeats)
        reference = folds if reference is None else reference
        change = folds["ROC AUC"] - reference["ROC AUC"]
        error = change.std(ddof=1) / np.sqrt(len(change))
        cells = [f"{folds['features'].mean():.0f}", *(f"{folds[name].mean():.3f}" for name in METRICS)]
        rows.append(f"| {variant} | {' | '.join(cells)} | {change.mean():+.3f} ± {error:.3f} |")
        print(rows[-1], flush=True)
    head = f"| | features kept | {' | '.join(METRICS)} | ROC AUC against the first |\n{'|---' * 6}|"
    page = f"""# Where the information is

{FOLDS}-fold cross-validation, repeats: {repeats}, the whole training inside the fold; means over the folds. The last
column is the mean difference in the same folds ± its standard error, which ignores that folds share training rows: less
than three such errors say nothing. Made by `python benchmarks/ablation.py {repeats}`.

{head}
{chr(10).join(rows)}
"""
    Path(__file__).with_suffix(".md").write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
