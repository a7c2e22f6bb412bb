"""What hostile senders try, and the answer that each attempt gets; docs/security.md shows the same table.

``python tests/hostile.py`` prints the table for the document. Attempts on the wire need a server of their own.
"""

import sys
from pathlib import Path

if __name__ == "__main__":
    sys.path[:0] = [str(Path(__file__).parents[1])]

from attempts.addresses import ADDRESSES
from attempts.area import Attempt
from attempts.bodies import ENCODINGS, TYPES
from attempts.injections import INJECTION
from attempts.rights import RIGHTS, TOO_OFTEN
from attempts.sessions import COOKIES
from attempts.wire import WIRE

#: In the order in which the document tells them.
ATTEMPTS: list[Attempt] = [*TYPES, *ENCODINGS, *INJECTION, *ADDRESSES, *COOKIES, *RIGHTS, *TOO_OFTEN, *WIRE]


def table() -> str:
    """All attempts as a Markdown table."""
    rows = [f"| {each.area} | {each.sent} | {each.answer} |" for each in ATTEMPTS]
    return "\n".join(["| area | what is sent | what is answered |", "|---|---|---|", *rows])


if __name__ == "__main__":
    print(table())
