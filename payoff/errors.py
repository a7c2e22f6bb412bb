"""Every error a caller may want to catch.

PayoffError
├── SettingsError           a setting is missing or cannot be used
├── SourceError             the bank's data cannot be had, or is not what it should be
│   ├── SourceUnavailable   not found, no network, wrong checksum
│   └── BadRows             rows that break the contract of their table, each with file, line and reason
├── PortabilityError        SQL that would mean something else on another engine
├── WarehouseError          the database refused, is locked, or lacks a table
├── CheckFailed             a mart broke a promise
├── ExportError             a snapshot or its export failed, was stopped, or is not what it should be
├── LakeError               the lake cannot be reached, or holds no such run
├── StorageError            the web app's own tables cannot be reached, or refuse what was asked
│   └── StorageRefused      what was asked breaks a rule: a name is taken, a password too short, an admin the last
├── Busy                    more is asked at once than can wait for its turn
├── ContractError           a table does not have the columns or values it promises
├── InvalidAnswers          a form or request that cannot be scored; names every faulty field
├── ModelError              a model is missing, damaged or not fit for this use
│   ├── NoModel             nothing was trained yet
│   └── PromotionRefused    it is significantly worse than the champion, or its features changed
└── TrackingError           MLflow did not take a run that it was given

The message says what was found, what was expected and what to do next.
Only the command line and the web app turn these into words for people.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple


class PayoffError(Exception):
    """Base class: something a user can act on."""


class SettingsError(PayoffError):
    """A setting is missing or cannot be used."""


class SourceError(PayoffError):
    """The bank's data cannot be had, or is not what it should be."""


class SourceUnavailable(SourceError):
    """The source was not found, could not be reached, or has the wrong checksum."""


@dataclass(frozen=True, order=True)
class BadRow:
    """One row that breaks the contract of its table. ``line`` counts from 1; 0 means the whole file."""

    file: str
    line: int
    reason: str

    def __str__(self) -> str:
        return f"{self.file}, line {self.line}: {self.reason}" if self.line else f"{self.file}: {self.reason}"


class BadRows(SourceError):
    """Rows that break the contract of their table."""

    def __init__(self, rows: Sequence[BadRow]) -> None:
        self.rows = tuple(rows)
        shown = "\n".join(str(row) for row in self.rows[:10])
        more = f"\n… and {len(self.rows) - 10:,} more" if len(self.rows) > 10 else ""
        super().__init__(f"{shown}{more}")


class PortabilityError(PayoffError):
    """SQL that would mean something else, or nothing, on another engine."""


class WarehouseError(PayoffError):
    """The database refused, is locked, or lacks a table."""


class CheckFailed(PayoffError):
    """A mart broke a promise that a query in sql/checks guards."""


class ExportError(PayoffError):
    """A snapshot of the database or its export failed, was stopped, or is not what it should be."""


class LakeError(PayoffError):
    """The lake cannot be reached, or does not hold what was asked for."""


class StorageError(PayoffError):
    """The web app's own tables cannot be reached, or refuse what was asked."""


class StorageRefused(StorageError):
    """What was asked of users and keys breaks a rule: a name is taken, a password too short, an admin the last."""


class Busy(PayoffError):
    """More is asked at once than can wait for its turn."""


class ContractError(PayoffError):
    """A table does not have the columns or values it promises."""


class Quantity(NamedTuple):
    """A number with its unit, if it has one."""

    value: float
    unit: str = ""

    def __str__(self) -> str:
        return f"{self.value:,.0f} {self.unit}".rstrip()


class Worded(str):
    """What is wrong, in English; a text like any other, and with its parts kept, for those who say it otherwise.

    Attributes
    ----------
    template : str
        The words, with ``%(name)s`` where a value stands.
    values : mapping of name to value
    """

    template: str
    values: Mapping[str, Quantity | date | str]

    def __new__(cls, template: str, **values: Quantity | date | str) -> "Worded":
        worded = super().__new__(cls, template % values)
        worded.template, worded.values = template, values
        return worded


class InvalidAnswers(PayoffError):
    """A form or request that cannot be scored.

    Attributes
    ----------
    fields : mapping of field name to what is wrong with it
        ``Worded`` where a person may have caused it. The name ``""`` stands for the request as a whole.
    """

    def __init__(self, fields: Mapping[str, str]) -> None:
        self.fields = dict(fields)
        super().__init__("; ".join(f"{name or 'request'}: {reason}" for name, reason in self.fields.items()))


class ModelError(PayoffError):
    """A model is missing, damaged or not fit for this use."""


class NoModel(ModelError):
    """Nothing was trained yet."""


class PromotionRefused(ModelError):
    """A version must not replace the champion, unless forced.

    Attributes
    ----------
    version : str
    against : tuple of str
        What stands against it.
    """

    def __init__(self, version: str, against: Sequence[str]) -> None:
        self.version, self.against = version, tuple(against)
        super().__init__(
            f"{version} was not promoted: {'; '.join(against)}. The champion goes on serving. "
            f'To promote it all the same: `payoff model promote {version} --force --reason "..."`; it is recorded.'
        )


class TrackingError(PayoffError):
    """MLflow did not take a run that it was given; the model of that run is published all the same."""
