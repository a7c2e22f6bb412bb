"""Is everything in place? Settings, disk, warehouse, lake, models, the app's tables and the app, each on its own.

Looking changes nothing: where it is tried whether something can be written, it is taken back.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping

from payoff.doctor import app, bucket, disk, exporting, lake, models, surroundings, tables, warehouse
from payoff.doctor.finding import Finding
from payoff.errors import PayoffError
from payoff.settings import Settings

#: What is looked at, in the order in which each needs those before it.
PARTS: Mapping[str, Callable[[Settings], Iterator[Finding]]] = {
    "settings": surroundings.look,
    "disk": disk.look,
    "warehouse": warehouse.look,
    "lake": lake.look,
    "bucket": bucket.look,
    "export": exporting.look,
    "models": models.look,
    "database": tables.look,
    "app": app.look,
}


def examine(settings: Settings, parts: Iterable[str] = PARTS) -> Iterator[tuple[str, Finding]]:
    """Look at each of ``parts`` in turn; one that fails keeps none of the others from being looked at.

    Yields
    ------
    (name of the part, Finding)
        One or several of a part; none where it does not apply.
    """
    for part in parts:
        try:
            for finding in PARTS[part](settings):
                yield part, finding
        except PayoffError as error:
            # Such a message says what to do itself.
            yield part, Finding("bad", str(error))
