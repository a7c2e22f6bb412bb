"""The feature contract: what is stated once about each feature, for form, catalogue, validation and model card."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

Dtype = Literal["number", "category"]

#: When a value is known: ``dated`` rows lie strictly before the grant; ``static`` facts never change; a ``snapshot``
#: was taken once, whenever the loan was granted; ``undated`` rows may be younger than the grant and stay out of the
#: default sets.
Known = Literal["dated", "static", "snapshot", "undated"]

Columns = Mapping[str, np.ndarray]
Derivation = Callable[[Columns], np.ndarray]

#: The relations that a feature's SQL may aggregate, one row per loan and …
Relation = Literal["loans", "loan_transactions", "loan_months", "loan_orders"]


@dataclass(frozen=True)
class Range:
    """A closed interval of possible values."""

    low: float
    high: float


@dataclass(frozen=True)
class Feature:
    """One declared feature: exactly one of ``sql`` and ``derive`` computes it.

    Attributes
    ----------
    name : str
        ``{table}_{column}_{operation}[_{condition}][_{window}]`` for aggregates.
    valid : Range, optional
        What is possible at all, for numbers.
    categories : tuple of str
        Every value it may take, for categories.
    operation : str
        The kind of a synthesised feature; empty for one that was declared by hand.
    scale : str
        What a synthesised feature was divided by, if anything.
    relation, sql : str
        The relation, and an expression over it in the MariaDB dialect; an aggregate unless the relation is ``loans``.
    derive : callable
        From the columns in ``needs`` to the feature's values, one per loan.
    """

    name: str
    dtype: Dtype
    unit: str
    label: str
    means: str
    known: Known
    valid: Range | None = None
    categories: tuple[str, ...] = ()
    operation: str = ""
    scale: str = ""
    relation: Relation = "loans"
    sql: str = ""
    derive: Derivation | None = None
    needs: tuple[str, ...] = ()
