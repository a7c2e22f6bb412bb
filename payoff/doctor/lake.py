"""The lake's current run: whole, undamaged, and with features."""

from collections.abc import Iterator

from payoff import runs
from payoff.doctor.finding import Finding
from payoff.lake import open_lake
from payoff.settings import Settings


def look(settings: Settings) -> Iterator[Finding]:
    """Every file of the run that readers use, held to its checksum."""
    lake = open_lake(settings)
    lake.keys(runs.POINTER)  # a bucket that is not there is told from an empty one by its list alone
    run = runs.current_run(lake)
    marts = runs.manifest(lake, run)["marts"]
    for held in marts.values():
        runs.read_parts(lake, held["parts"])
    rows = sum(held["rows"] for held in marts.values())
    yield Finding("good", f"run {run}: {len(marts)} marts, {rows:,} rows, every checksum holds")
    sets = sorted({key.split("/")[3] for key in lake.keys(f"runs/{run}/features/") if key.endswith("/manifest.json")})
    for name in sets:
        runs.read_features(lake, run, name)
    if sets:
        yield Finding("good", f"features of that run: {', '.join(sets)}")
    else:
        yield Finding("doubtful", "that run has no features yet", "Run `payoff features build`.")
