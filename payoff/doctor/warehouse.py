"""The warehouse, as export and account lookups read it."""

from collections.abc import Iterator

from payoff import schema
from payoff.doctor.finding import Finding
from payoff.settings import Settings
from payoff.warehouse import open_warehouse


def look(settings: Settings) -> Iterator[Finding]:
    """Whether it opens, and holds the marts."""
    with open_warehouse(settings.reading_url, settings.mariadb_ca) as warehouse:
        there = warehouse.tables()
        if missing := sorted({*schema.raw_tables(), *schema.marts()} - there):
            command = "payoff etl" if set(missing) & set(schema.raw_tables()) else "payoff etl transform"
            yield Finding("bad", f"the warehouse lacks {', '.join(missing)}", f"Run `{command}`.")
            return
        (row,) = warehouse.query("select count(*) as loans, max(granted_on) as newest from loans").to_pylist()
    if not row["loans"]:
        yield Finding("bad", "the warehouse holds no loan", "Check PAYOFF_SOURCE, and run `payoff etl`.")
    else:
        yield Finding("good", f"{row['loans']:,} loans, the last granted on {row['newest']:%Y-%m-%d}")
