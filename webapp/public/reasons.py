"""The reasons as they are laid out: for and against, with bars whose lengths are the effects."""

from dataclasses import dataclass

from flask_babel import gettext as _

from payoff.choices import Verdict
from payoff.metadata import Metadata
from webapp.explaining import Explanation, Reason, principal_reasons
from webapp.explaining.wording import label, sentence

#: On a refusal, at most so many principal reasons; as many in favour of any other answer.
_PRINCIPAL, _OTHERS = 4, 3
#: Half the width of a bar's drawing.
HALF = 50.0


@dataclass(frozen=True)
class Bar:
    """One reason; its bar begins at ``x`` in a drawing that is 100 wide, with no effect in the middle."""

    label: str
    sentence: str
    effect: float
    x: float
    width: float


@dataclass(frozen=True)
class Group:
    """Reasons under one heading, the strongest first."""

    title: str
    bars: tuple[Bar, ...]


@dataclass(frozen=True)
class Reasons:
    """Where a prediction starts and what moved it; ``base``, the effects of all bars and ``rest`` add up to it."""

    base: float
    groups: tuple[Group, ...]
    rest: float


def laid_out(explanation: Explanation, verdict: Verdict, metadata: Metadata) -> Reasons:
    """The principal reasons of a refusal, then what spoke for it; or what spoke for an approval, and against."""
    raising = [each for each in _strongest(explanation) if each.effect > 0]
    lowering = [each for each in _strongest(explanation) if each.effect < 0]
    if verdict == "default":
        chosen = [
            (_("The principal reasons"), principal_reasons(explanation, verdict, _PRINCIPAL)),
            (_("What spoke in favour"), raising[:_OTHERS]),
        ]
    else:
        chosen = [
            (_("What spoke in favour"), raising[:_PRINCIPAL]),
            (_("What spoke against"), lowering[:_OTHERS]),
        ]
    shown = [each for _title, reasons in chosen for each in reasons]
    longest = max((abs(each.effect) for each in shown), default=1.0)
    groups = tuple(
        Group(title, tuple(_bar(each, longest, metadata) for each in reasons)) for title, reasons in chosen if reasons
    )
    rest = sum(each.effect for each in explanation.reasons) - sum(each.effect for each in shown)
    return Reasons(explanation.base, groups, rest)


def _strongest(explanation: Explanation) -> list[Reason]:
    # What rounds to nothing is part of the rest.
    told = [each for each in explanation.reasons if abs(each.effect) >= 0.0005]
    return sorted(told, key=lambda each: -abs(each.effect))


def _bar(reason: Reason, longest: float, metadata: Metadata) -> Bar:
    width = HALF * abs(reason.effect) / longest
    x = HALF if reason.effect > 0 else HALF - width
    return Bar(label(reason.key), sentence(reason, metadata), reason.effect, x, width)
