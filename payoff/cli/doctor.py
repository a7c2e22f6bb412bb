"""`payoff doctor`: what is wrong, and what to do about it."""

import json
import sys

import click

from payoff.reporting import console
from payoff.settings import load_settings

_MARKS = {"good": ("✓", "green"), "doubtful": ("!", "yellow"), "bad": ("✗", "red")}


@click.command()
@click.option("--json", "as_json", is_flag=True, help="For programs: a JSON list of what was found.")
def doctor(as_json: bool) -> None:
    """Look at settings, disk, data, models, database and app, and say what is wrong and what to do about it.

    ✓ is good; ! works, but may not as meant; ✗ will fail, and the exit status is 1 then. Nothing is changed.
    """
    from payoff.doctor import examine

    found = []
    for part, finding in examine(load_settings()):
        found.append({"part": part, **finding._asdict()})
        if not as_json:
            mark, style = _MARKS[finding.state]
            console.print(f"{mark} {part:<10} {finding.found}", style=style, markup=False, soft_wrap=True)
            if finding.advice:
                console.print(f"{'':<13}{finding.advice}", markup=False, soft_wrap=True)
    if as_json:
        click.echo(json.dumps(found, indent=2, ensure_ascii=False))
    if bad := sum(each["state"] == "bad" for each in found):
        if not as_json:
            console.print(f"{bad} of {len(found)} findings need mending.", markup=False)
        sys.exit(1)
