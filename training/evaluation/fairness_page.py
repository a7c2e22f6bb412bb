"""The fairness audit as a page, and the figures of groups as tables."""

from collections.abc import Iterator, Sequence

from payoff.metadata import Figure
from payoff.reporting import figure
from training.evaluation.comparison import Difference
from training.evaluation.fairness import FairnessAudit, Trait
from training.evaluation.gaps import AREA, ODDS, PARITY, SHUFFLES, Gap
from training.evaluation.groups import FEWEST, GroupFigures
from training.evaluation.nested import Recipe
from training.evaluation.tables import bullets, counted, difference_words, markdown_table, p_words, recipe_words

TOO_FEW = "too few"
#: A p-value under this is called more than chance.
_RARE = 0.05

_COMPARED = {
    PARITY: "demographic parity (share granted)",
    ODDS: "equalized odds (the error rate that differs more)",
    AREA: "ROC AUC",
}

_LEGEND = f"""Granted is the selection rate. A false positive is a loan that was refused though it was paid off, a false
negative one that was granted though it defaulted. Predicted is the mean probability of default, observed the share that
defaulted. In brackets the 95 % interval, by resampling whole loans (of the observed share Wilson's). `{TOO_FEW}`: of
fewer than {FEWEST} loans, or for ROC AUC fewer than {FEWEST} of either end."""

_CHANCE = f"""The largest difference between groups is above 0 whoever they are. So beside it stands what 95 % of random
groups of the same sizes stay under ({SHUFFLES:,} shuffles), and how often these differ at least as much. For error
rates and ROC AUC, loans change groups only with loans that ended the same way."""


def as_page(found: FairnessAudit, recipe: Recipe, *, command: str) -> str:
    """The whole audit.

    Parameters
    ----------
    recipe : Recipe
        Of the evaluation that was audited.
    command : str
        What made the page.
    """
    everyone = found.everyone
    return f"""# Whom the model refuses, and where it errs

{everyone.loans} loans, {everyone.defaulted} defaulted. {recipe_words(recipe)}.
Each loan is judged by models that had not seen it; figures are means over repeats. All loans were granted at the time:
nothing is known of those that the bank turned down. Made by `{command}`.

A loan is refused from a probability of default of {found.threshold:.3f} on, where granting it breaks even: a default
costs {100 * found.costs.default:g} % of the amount, a refusal of a loan that would have been paid off
{100 * found.costs.refusal:g} %.

## Groups

{as_markdown([Trait(trait="all", groups=(everyone,), gaps=()), *found.traits])}

## What adding sex would have bought

{_bought(found)}

## What it means

{bullets(sentences(found))}
"""


def as_markdown(traits: Sequence[Trait]) -> str:
    """What the figures are, a table of groups for each trait, and one of how far groups lie apart."""
    compared = [trait for trait in traits if trait.gaps]
    apart = [_CHANCE, _gaps(compared)] if compared else ["No two groups have enough loans to be compared."]
    return "\n\n".join([_LEGEND, *map(_groups, traits), *apart])


def sentences(found: FairnessAudit) -> list[str]:
    """What the audit means, in words."""
    compared = [trait for trait in found.traits if trait.gaps]
    said = [_seen(found.traits), *map(_apart, compared)]
    said += [_by_chance(compared)] if compared else []
    said += [_calibrated(found.traits)]
    return [*said, _price(found.bought)] if found.bought else said


def _groups(trait: Trait) -> str:
    head = [trait.trait, "loans", "defaulted", "granted", "false positives", "false negatives", "ROC AUC"]

    def rows() -> Iterator[Sequence[str]]:
        for each in trait.groups:
            rates = (each.selection_rate, each.false_positive_rate, each.false_negative_rate, each.roc_auc)
            size = [each.group, f"{each.loans:,}", str(each.defaulted)]
            yield [*size, *map(_or_too_few, rates), f"{each.predicted:.3f}", _or_too_few(each.observed)]

    return markdown_table([*head, "predicted", "observed"], rows())


def _or_too_few(found: Figure | None) -> str:
    return figure(found) if found else TOO_FEW


def _gaps(traits: Sequence[Trait]) -> str:
    head = ["by", "compared", "groups", "largest difference", "smallest over largest", "random groups", "p", TOO_FEW]

    def rows() -> Iterator[Sequence[str]]:
        for trait in traits:
            for gap in trait.gaps:
                ratio = "" if gap.ratio is None else f"{gap.ratio:.3f}"
                shown = [figure(gap.difference), ratio, f"{gap.chance:.3f}", f"{gap.p:.3f}", ", ".join(gap.left_out)]
                yield [trait.trait, _COMPARED[gap.compared], str(gap.groups), *shown]

    return markdown_table(head, rows())


def _bought(found: FairnessAudit) -> str:
    if not found.bought:
        return "It was not evaluated."
    rows = ([metric, difference_words(difference)] for metric, difference in found.bought.items())
    return f"""The same folds with the owner's sex among the features: mean difference, 95 % interval and p-value of the
corrected resampled t-test (Nadeau and Bengio 2003).

{markdown_table(["figure", "with sex, less without"], rows)}"""


def _seen(traits: Sequence[Trait]) -> str:
    unseen = [each.trait for each in traits if not each.seen_through]
    seen = [f"{each.trait} through `{'`, `'.join(each.seen_through)}`" for each in traits if each.seen_through]
    parts = [f"no feature is {' or '.join(unseen)}, or computed from it"] if unseen else []
    parts += [f"the model knows of {' and of '.join(seen)}"] if seen else []
    said = "; ".join(parts)
    return f"{said[0].upper()}{said[1:]}."


def _apart(trait: Trait) -> str:
    parts = [f"{gap.compared} by {gap.difference.value:.3f} ({_verdict(gap)})" for gap in trait.gaps]
    return f"Groups by {trait.trait} differ in {', in '.join(parts)}."


def _verdict(gap: Gap) -> str:
    return f"{'more' if gap.p < _RARE else 'no more'} than chance gives, {p_words(gap.p)}"


def _by_chance(traits: Sequence[Trait]) -> str:
    compared = [gap for trait in traits for gap in trait.gaps]
    rare, expected = sum(gap.p < _RARE for gap in compared), _RARE * len(compared)
    return (
        f"In {rare} of {counted(len(compared), 'comparison')} p is under {_RARE:g}, where chance alone would give"
        f" {expected:.1f}. No more than chance gives does not mean none: the interval says how large a difference may"
        " be."
    )


def _calibrated(traits: Sequence[Trait]) -> str:
    told = [each for trait in traits for each in trait.groups if each.observed]
    off = [f"{each.group} ({each.predicted:.3f})" for each in told if not _meets(each)]
    outside = f"; outside it for {', '.join(off)}" if off else ""
    return (
        f"The mean prediction lies within the interval of the observed share for {len(told) - len(off)} of"
        f" {counted(len(told), 'group')}{outside}."
    )


def _meets(group: GroupFigures) -> bool:
    return group.observed is not None and group.observed.low <= group.predicted <= group.observed.high


def _price(bought: dict[str, Difference]) -> str:
    unclear = [metric for metric, found in bought.items() if found.low <= 0 <= found.high]
    if len(unclear) == len(bought):
        return "Adding sex would have bought nothing that these loans can tell from 0."
    clear = [f"{metric} {difference_words(found)}" for metric, found in bought.items() if metric not in unclear]
    return f"Adding sex would have changed {', '.join(clear)}."
