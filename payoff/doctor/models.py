"""The models that answer: loaded, and asked for a probability."""

from collections.abc import Iterator

from payoff import registry
from payoff.doctor.finding import Finding
from payoff.lake import open_lake
from payoff.model import read_metadata
from payoff.settings import Settings


def look(settings: Settings) -> Iterator[Finding]:
    """Each champion, as the web app loads it; it scores one of the loans that were published with it."""
    from webapp.serving import LakeModels  # AutoGluon comes with it, which takes seconds

    lake = open_lake(settings)
    serving = registry.champions(lake)
    models = LakeModels(lake, settings.var_dir / "models")
    for name in sorted({registry.SERVED, *serving}):
        version = registry.champion(lake, name)
        registry.verify(lake, read_metadata(lake, version))
        model = models.current(name)
        risk = float(model.default_probabilities(model.background.head(1))[0])
        if 0 <= risk <= 1:
            yield Finding("good", f"{version} answers from the set {name}: every checksum holds, and it scores a loan")
        else:
            advice = f"Train it anew: `payoff model train --features {name}`, or `payoff model rollback`."
            yield Finding("bad", f"{version} gives a loan the probability {risk}", advice)
