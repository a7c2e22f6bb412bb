"""getML's community engine builds features like ours: FastProp over the same rows, windows and conditions.

    python benchmarks/peers/getml_peer.py DIRECTORY [--cut-first | --unconditioned]

Run by benchmarks/speed.py in an environment of its own. DIRECTORY holds loans.parquet and loan_transactions.parquet.
By default each window is the memory of a join, as the tool means it. It then aggregates the bounds of every window as
if they were columns, which makes most of its features. With --cut-first each window is a table cut beforehand, which
makes about as many features as ours. With --unconditioned there are joins with memory, and no conditions.

The engine listens on every address of the machine and cannot be told otherwise, so this script starts it only where
there is no network but the loopback: behind `unshare --net`, as speed.py does. Its processes end with that namespace.
"""

import fcntl
import io
import socket
import struct
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import redirect_stdout
from pathlib import Path

import getml
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from common import CONDITIONS, NUMBERS, OF_LOANS, WINDOWS, tell
from getml.feature_learning import FastProp, aggregations, loss_functions

AGGREGATES = [
    aggregations.COUNT, aggregations.SUM, aggregations.AVG, aggregations.MIN, aggregations.MAX, aggregations.STDDEV,
    aggregations.MEDIAN, aggregations.FIRST, aggregations.LAST, aggregations.TREND, aggregations.COUNT_DISTINCT,
]  # fmt: skip
#: More than there are candidates, so that all are kept: choosing among them is no part of what is compared.
ENOUGH = 10_000
EVERYTHING = "everything"
TIMES = ("granted_on", "booked_on")
Conditions = dict[str, list[str]]
GET_FLAGS, SET_FLAGS, UP = 0x8913, 0x8914, 0x1


def raise_loopback() -> None:
    """Switch the loopback of this private network on; stop where the network is not private."""
    if [name for _, name in socket.if_nameindex()] != ["lo"]:
        raise SystemExit("the engine would listen on every address: start this by benchmarks/speed.py")
    with socket.socket() as any_socket:
        answer = fcntl.ioctl(any_socket, GET_FLAGS, struct.pack("16sH14x", b"lo", 0))
        flags = struct.unpack("16sH14x", answer)[1] | UP
        fcntl.ioctl(any_socket, SET_FLAGS, struct.pack("16sH14x", b"lo", flags))


def other_processes() -> Iterator[int]:
    """All processes of this namespace but its first, which is this one."""
    return (int(path.name) for path in Path("/proc").glob("[0-9]*") if path.name != "1")


def population(loans: pa.Table) -> getml.DataFrame:
    """The loans, in the engine."""
    roles = getml.data.Roles(join_key=["loan_id"], time_stamp=["granted_on"], target=["defaulted"], numerical=OF_LOANS)
    return getml.DataFrame.from_arrow(loans, "population", roles=roles)


def peripheral(rows: pa.Table, conditions: Conditions, cuts: Sequence[int | None]) -> dict[str, getml.data.View]:
    """The transactions in the engine, cut by window and condition, by name."""
    roles = getml.data.Roles(
        join_key=["loan_id"],
        time_stamp=["booked_on"],
        numerical=NUMBERS,
        categorical=list(CONDITIONS),
        unused_float=["transaction_id", "days_before"],
    )
    transactions = getml.DataFrame.from_arrow(rows, "transactions", roles=roles)
    views = {}
    for days in cuts:
        window = transactions if days is None else transactions[transactions["days_before"] <= days]
        views[f"{EVERYTHING}_{days}"] = window
        for column, values in conditions.items():
            for value in values:
                # Under a condition our features look at amounts only; so do these.
                views[f"{value}_{days}"] = window[window[column] == value].drop([*CONDITIONS, *NUMBERS[1:]])
    return views


def with_memory(rows: pa.Table, conditions: Conditions) -> tuple[dict[str, getml.data.View], getml.data.DataModel]:
    """Each condition joined to the loans once for each window, which is the memory of the join."""
    views = peripheral(rows, conditions, [None])
    model = getml.data.DataModel("population")
    model.add(getml.data.to_placeholder(**{name: [view] * len(WINDOWS) for name, view in views.items()}))
    for name in views:
        for placeholder, days in zip(getattr(model, name), WINDOWS, strict=True):
            # What is as old as the memory is forgotten already, so it takes one day more to hold the same days.
            memory = None if days is None else getml.data.time.days(days + 1)
            model.population.join(placeholder, on="loan_id", time_stamps=TIMES, memory=memory)
    return views, model


def cut_first(rows: pa.Table, conditions: Conditions) -> tuple[dict[str, getml.data.View], getml.data.DataModel]:
    """Each window and condition as a table of its own; an order in time only where ours has one too."""
    views = peripheral(rows, conditions, WINDOWS)
    for name, view in views.items():
        if not name.startswith(EVERYTHING):
            views[name] = view.drop("booked_on")
    model = getml.data.DataModel("population")
    model.add(getml.data.to_placeholder(**views))
    for name in views:
        times = TIMES if name.startswith(EVERYTHING) else None
        model.population.join(getattr(model, name), on="loan_id", time_stamps=times)
    return views, model


def built(loans: pa.Table, rows: pa.Table, flags: Sequence[str]) -> pd.DataFrame:
    """The features."""
    given = population(loans)
    conditions = {} if "--unconditioned" in flags else CONDITIONS
    views, model = (cut_first if "--cut-first" in flags else with_memory)(rows, conditions)
    pipeline = getml.pipeline.Pipeline(data_model=model, feature_learners=[learner()])
    pipeline.fit(given, views, check=False)
    return pipeline.transform(given, views, df_name="features").to_pandas()


def learner() -> FastProp:
    """All candidates, from all rows."""
    return FastProp(
        aggregation=AGGREGATES,
        loss_function=loss_functions.CrossEntropyLoss,
        num_features=ENOUGH,
        sampling_factor=0.0,
    )


def main() -> None:
    """Build once and tell."""
    directory, *flags = sys.argv[1:]
    raise_loopback()
    loans = pq.read_table(f"{directory}/loans.parquet")
    rows = pq.read_table(f"{directory}/loan_transactions.parquet")
    home = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
    with home, redirect_stdout(io.StringIO()):  # it prints progress
        getml.engine.launch(home_directory=home.name, launch_browser=False, allow_push_notifications=False, quiet=True)
        getml.set_project("speed")
        start = time.perf_counter()
        frame = built(loans, rows, flags)
        seconds = time.perf_counter() - start
    tell(frame.shape[1] - len(("loan_id", "granted_on", "defaulted")), seconds, other_processes())


if __name__ == "__main__":
    main()
