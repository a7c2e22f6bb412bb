"""Payoff builds the set `full`: over the current run's marts on DuckDB, or on the MariaDB that is named.

python benchmarks/peers/payoff_features.py [WAREHOUSE_URL]
"""

import sys
import time

import pandas as pd
from common import tell

from features import table
from payoff import runs
from payoff.lake import open_lake
from payoff.settings import load_settings
from payoff.warehouse import open_warehouse


def on_duckdb() -> tuple[pd.DataFrame, float]:
    """The feature table, and the seconds it took from the marts in memory."""
    lake = open_lake(load_settings())
    run = runs.current_run(lake)
    marts = {mart: runs.read_mart(lake, run, mart) for mart in table.MARTS}
    start = time.perf_counter()
    with table.over_marts(marts) as warehouse:
        built = table.build(warehouse, "full")
    return built, time.perf_counter() - start


def on_mariadb(url: str) -> tuple[pd.DataFrame, float]:
    """The feature table, and the seconds it took from the marts in the server."""
    with open_warehouse(url) as warehouse:
        start = time.perf_counter()
        built = table.build(warehouse, "full")
        return built, time.perf_counter() - start


def main() -> None:
    """Build once and tell."""
    built, seconds = on_mariadb(sys.argv[1]) if len(sys.argv) > 1 else on_duckdb()
    tell(built.shape[1] - len(table.IDENTITY), seconds)


if __name__ == "__main__":
    main()
