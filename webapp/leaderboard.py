"""Every model version of the lake, side by side; what cannot be read is said in its row."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from payoff.errors import LakeError, ModelError
from payoff.lake import Lake
from payoff.metadata import Figure, Metadata
from payoff.model import read_metadata, versions
from payoff.registry import challengers, champions
from webapp.measures import LEADING, measured

NEWEST = "version"
#: What the leaderboard can be sorted by.
SORTS = (NEWEST, *LEADING)


@dataclass(frozen=True)
class Standing:
    """A version.

    Attributes
    ----------
    metadata : Metadata, optional
        None where it cannot be read; ``problem`` says why.
    """

    version: str
    metadata: Metadata | None
    problem: str = ""


@dataclass(frozen=True)
class Roles:
    """Which versions answer, by feature set.

    Attributes
    ----------
    problems : tuple of str
        Why a pointer cannot be read.
    """

    champions: Mapping[str, str]
    challengers: Mapping[str, str]
    problems: tuple[str, ...] = ()

    def of(self, version: str) -> str:
        """``champion``, ``challenger`` or nothing."""
        if version in self.champions.values():
            return "champion"
        return "challenger" if version in self.challengers.values() else ""


def roles(lake: Lake) -> Roles:
    """Who answers and who challenges, as far as the pointers can be read."""
    problems: list[str] = []

    def read(pointers: Callable[[Lake], dict[str, str]]) -> dict[str, str]:
        try:
            return pointers(lake)
        except (ModelError, LakeError) as error:
            problems.append(str(error))
            return {}

    serving, challenging = read(champions), read(challengers)
    return Roles(serving, challenging, tuple(problems))


def standings(lake: Lake) -> list[Standing]:
    """Every version, newest first."""
    return [standing(lake, version) for version in reversed(versions(lake))]


def standing(lake: Lake, version: str) -> Standing:
    """One version, whether or not its metadata can be read."""
    try:
        return Standing(version, read_metadata(lake, version))
    except (ModelError, LakeError) as error:
        return Standing(version, None, str(error))


def by_set(rows: list[Standing]) -> dict[str, list[Standing]]:
    """The versions of each feature set; those that cannot be read under the name ``""``, last."""
    names = sorted({row.metadata.feature_set for row in rows if row.metadata})
    grouped = {name: [row for row in rows if row.metadata and row.metadata.feature_set == name] for name in names}
    unread = [row for row in rows if row.metadata is None]
    return grouped | ({"": unread} if unread else {})


def ordered(rows: list[Standing], by: str, *, best_first: bool = True) -> list[Standing]:
    """Sorted by a figure, those without it last; by age, the newest first."""
    if by == NEWEST:
        return sorted(rows, key=lambda row: row.version, reverse=best_first)
    known = [row for row in rows if _figure(row, by) is not None]
    descending = LEADING[by].more_is_better == best_first
    ranked = sorted(known, key=lambda row: _figure(row, by) or 0.0, reverse=descending)
    return ranked + [row for row in rows if _figure(row, by) is None]


def _figure(row: Standing, by: str) -> float | None:
    found = measured(row.metadata, by) if row.metadata else None
    return found.value if isinstance(found, Figure) else found
