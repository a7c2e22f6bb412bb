"""Words that people read and that are declared outside of the web app, where nothing marks them for translation.

``extract`` hands them to Babel, beside what it finds by itself in templates and code. What may be wrong with an answer
needs no list: it is found by the name ``Worded``.
"""

from collections.abc import Collection, Iterator, Mapping
from typing import IO, Any

from features.questions import QUESTIONS, SECTIONS
from features.sets import feature_set
from payoff.registry import SERVED

#: As the bank's data names them.
REGIONS = (
    "Prague",
    "central Bohemia",
    "south Bohemia",
    "west Bohemia",
    "north Bohemia",
    "east Bohemia",
    "south Moravia",
    "north Moravia",
)


def declared() -> list[str]:
    """Labels, hints, units, choices and headings of the form, labels and units of its features, and regions; sorted."""
    found = {*SECTIONS, *REGIONS}
    for question in QUESTIONS:
        found |= {question.label, question.hint, question.unit, *(label for _value, label in question.choices)}
    for feature in feature_set(SERVED):
        found |= {feature.label, feature.unit}
    return sorted(found - {""})


def extract(
    fileobj: IO[bytes], keywords: Mapping[str, Any], comment_tags: Collection[str], options: Mapping[str, Any]
) -> Iterator[tuple[int, None, str, list[str]]]:
    """What Babel asks of an extraction method: line, function, message, comments. The file plays no part."""
    for message in declared():
        yield 1, None, message, []
