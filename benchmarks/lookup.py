"""How long an as-of lookup of one account takes, for all features of a set and for those that a model would use.

    python benchmarks/lookup.py [LOOKUPS]

Reads the warehouse (`payoff etl` makes it). The first lookup, which writes the statements down, is not counted.
"""

import statistics
import sys
import time
from collections.abc import Collection

from features.leaks import granted
from features.lookup import Application, build_for
from features.sets import feature_set
from payoff.settings import load_settings
from payoff.warehouse import Warehouse, open_warehouse
from training.select import offered

#: About as many as training keeps.
KEPT = 700


def seconds(warehouse: Warehouse, asked: list[Application], only: Collection[str] | None) -> list[float]:
    """What each lookup took, after one that is not counted."""
    taken = []
    for application in asked:
        start = time.perf_counter()
        build_for(warehouse, [application], "full", only)
        taken.append(time.perf_counter() - start)
    return taken[1:]


def main() -> None:
    """Measure and print."""
    lookups = int(sys.argv[1]) if len(sys.argv) > 1 else 12
    names = offered(feature_set("full"))
    kept = frozenset(names[:: max(len(names) // KEPT, 1)])
    settings = load_settings()
    with open_warehouse(settings.reading_url, settings.mariadb_ca) as warehouse:
        asked = list(granted(warehouse).applications[: lookups + 1])
        for what, only in (("all features", None), (f"{len(kept)} features", kept)):
            taken = seconds(warehouse, asked, only)
            middle = f"{statistics.median(taken):.3f} s ({min(taken):.3f} to {max(taken):.3f})"
            print(f"{what}: {middle}, {lookups} lookups")


if __name__ == "__main__":
    main()
