"""The filters that benchmarks/history.py asks for, made systematically."""

from datetime import date
from itertools import combinations
from typing import Any

from invented_history import MODELS

from webapp.storage.queries import Filters

#: Values of each filter: fitting many, fitting few or none.
COMMON: dict[str, dict[str, Any]] = {
    "date": {"since": date(2025, 4, 1), "until": date(2026, 9, 30)},
    "source": {"source": "batch"},
    "verdict": {"verdict": "paid_off"},
    "probability": {"lowest": 0.3, "highest": 0.985},
    "model": {"model": MODELS[4].version},
    "search": {"search": "A-0003"},
}
RARE: dict[str, dict[str, Any]] = {
    "date": {"since": date(2026, 2, 10), "until": date(2026, 2, 10)},
    "source": {"source": "lookup"},
    "verdict": {"verdict": "default"},
    "probability": {"lowest": 0.98251, "highest": 0.98252},
    "model": {"model": MODELS[5].version},
    "search": {"search": "4711"},
}
#: What no prediction fits, or what fits long ago only, so that all of the newer ones may have to be passed over.
HARD: dict[str, dict[str, Any]] = {
    "a day to come": {"since": date(2027, 6, 1)},
    "a narrow band where most are": {"lowest": 0.9512345, "highest": 0.9512346},
    "above the old model's greatest": {"lowest": 0.971, "highest": 0.979, "model": MODELS[0].version},
    "the old model, lately": {"since": date(2026, 12, 1), "model": MODELS[0].version},
    "the old model, default": {"verdict": "default", "model": MODELS[0].version},
    "the form, by a model it never had": {"source": "form", "model": MODELS[6].version},
    "certain and doubtful": {"lowest": 0.99, "verdict": "default"},
    "hopeless and likely": {"highest": 0.5, "verdict": "paid_off"},
    "nearly everything": {"lowest": 0.0001, "highest": 0.99999},
    "all but one source's pages": {"since": date(2025, 1, 1), "until": date(2027, 1, 1), "lowest": 0.02},
    "a search that many fit": {"search": "A-000"},
    "a search that many fit, of another source": {"search": "A-000", "source": "batch"},
    "a search that many fit, and a narrow band": {"search": "A-000", "lowest": 0.9512345, "highest": 0.9512346},
    "a search that nothing fits": {"search": "nothing begins like this"},
}


def filters() -> dict[str, Filters]:
    """Each filter alone, each pair, every larger combination, with values that many fit, and few; the hard ones."""
    chosen = {"nothing": Filters()}
    for how, values in (("many", COMMON), ("few", RARE)):
        for size in range(1, len(values) + 1):
            for names in combinations(values, size):
                given = {name: value for each in names for name, value in values[each].items()}
                chosen[f"{' + '.join(names)} ({how})"] = Filters(**given)
    for common, rare in ((a, b) for a in COMMON for b in RARE if a != b):
        chosen[f"{common} (many) + {rare} (few)"] = Filters(**COMMON[common] | RARE[rare])
    return chosen | {what: Filters(**given) for what, given in HARD.items()}
