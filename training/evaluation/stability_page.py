"""Stability as a page."""

from collections.abc import Sequence

from training.evaluation.importance import PERMUTATIONS, Shuffled
from training.evaluation.nested import Recipe
from training.evaluation.stability import Seeds, Selection, Stability
from training.evaluation.tables import bullets, counted, difference_words, markdown_table, recipe_words

SHOWN = 25


def as_page(found: Stability, recipe: Recipe, *, command: str) -> str:
    """The whole page.

    Parameters
    ----------
    recipe : Recipe
        Of the evaluation that it is about.
    command : str
        What made it.
    """
    return f"""# How stable the model is

{recipe_words(recipe)}.
Selection, models and calibration inside each fold. Made by `{command}`.

## Two seeds

The same folds, trained with {_seed(found.seeds.seeds[0])} and with {_seed(found.seeds.seeds[1])}.

{_seeds(found.seeds)}

## Which features come back

{_selection(found.selection)}

## What the model relies on

How much the log-loss of test loans grows when a feature is shuffled among them, mean over {PERMUTATIONS} shuffles and
the folds of the first repeat, each with a model of its own; 95 % interval and p-value of the corrected resampled t-test
over folds (Nadeau and Bengio 2003; Molnar et al. 2023). Nothing shuffled, the log-loss is {found.log_loss:.3f}.
{_together(found.importance)}

{_importance(found.importance)}

## What it means

{bullets(sentences(found))}
"""


def sentences(found: Stability) -> list[str]:
    """What was found, in words."""
    return [_seeds_say(found.seeds), _selection_says(found), _importance_says(found)]


def _seed(seed: int | None) -> str:
    return "the seed of the folds" if seed is None else f"seed {seed}"


def _seeds(found: Seeds) -> str:
    rows = [
        ["probability of default, mean difference", f"{found.mean_difference:.4f}"],
        ["probability of default, largest difference", f"{found.largest_difference:.4f}"],
        ["rank correlation (Spearman)", f"{found.rank_correlation:.4f}"],
        [f"decisions that change, at {found.threshold:.3f}", f"{100 * found.changed:.1f} % of {found.decisions:,}"],
        ["ROC AUC, the second less the first", difference_words(found.roc_auc)],
    ]
    return markdown_table(["what", "how far apart"], rows)


def _selection(found: Selection) -> str:
    folds = len(found.sizes)
    if found.nogueira is None:
        return f"Every feature is trained on in each of the {folds} folds: all {found.offered} were chosen by a person."
    top = list(found.times.items())[:SHOWN]
    return f"""Each of the {folds} folds chose {min(found.sizes)} to {max(found.sizes)} of {found.offered:,} features.

{markdown_table(["chosen", "features"], _how_often(found))}

Two folds have {100 * found.jaccard:.0f} % of what either chose in common (Jaccard's index, mean over pairs). Stability
is {found.nogueira:.3f}, where 1 is the same choice each time and 0 as much as chance would repeat (Nogueira, Sechidis
and Brown 2018). The {len(top)} that came back most often, of these those first that tell the ends apart best:

{markdown_table(["feature", "folds"], ([f"`{name}`", f"{times} of {folds}"] for name, times in top))}"""


def _how_often(found: Selection) -> list[list[str]]:
    return [
        ["in every fold", f"{found.always:,}"],
        ["in more than half", f"{found.in_more_than(0.5):,}"],
        ["in any", f"{len(found.times):,}"],
    ]


def _importance(found: Sequence[Shuffled]) -> str:
    rows = ([f"`{each.name}`", str(len(each.features)), difference_words(each.increase, 4)] for each in found[:SHOWN])
    return markdown_table(["shuffled", "features", "increase of the log-loss"], rows)


def _together(found: Sequence[Shuffled]) -> str:
    if all(len(each.features) == 1 for each in found):
        return """Features that say much the same stand in for each other, so each alone seems to matter less, and a row
with one of them shuffled may be one that no loan could have (Hooker, Mentch and Zhou 2021)."""
    return """Features that differ only in condition, window or scale are shuffled together, because they stand in for
each other; families that say much the same still do."""


def _seeds_say(found: Seeds) -> str:
    moved, spread = abs(found.roc_auc.value), found.spread
    return (
        f"Another seed changes {100 * found.changed:.1f} % of the decisions and moves ROC AUC by {moved:.3f},"
        f" {'less' if moved < spread else 'no less'} than folds differ (standard deviation {spread:.3f})."
    )


def _selection_says(found: Stability) -> str:
    single, family = found.selection, found.families
    if single.nogueira is None:
        return "No choice of features is left to chance."
    return (
        f"Of {len(single.times):,} features that any fold chose, {100 * single.always / len(single.times):.0f} % came"
        f" back in every one; of the {counted(len(family.times), 'pair')} of column and operation that they belong to,"
        f" {family.always} did. Folds of a repeat share three quarters of their training loans: samples that share"
        " none would agree less."
    )


def _importance_says(found: Stability) -> str:
    told = [each for each in found.importance if each.increase.low > 0]
    first = found.importance[0]
    share = 100 * first.increase.value / found.log_loss
    return (
        f"The interval of importance lies above 0 for {len(told)} of {len(found.importance)}; where it holds 0, these"
        f" folds cannot tell that the model needs it. `{first.name}` comes first: shuffled, it adds {share:.0f} % to"
        " the log-loss."
    )
