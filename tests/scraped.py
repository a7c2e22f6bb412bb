"""What Prometheus would read."""

from collections.abc import Callable

from prometheus_client.parser import text_string_to_metric_families

#: From a name and labels to a value; 0 where there is no such series.
Figures = Callable[..., float]


def figures(text: str) -> Figures:
    """The figures of a scrape; those whose labels are left open are added up."""
    samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]

    def value(name: str, **labels: str) -> float:
        return sum(each.value for each in samples if each.name == name and labels.items() <= each.labels.items())

    return value
