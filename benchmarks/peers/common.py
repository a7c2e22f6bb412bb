"""What the compared programs share: windows and conditions, the inputs, and how a measurement is told.

The standard library only: each program runs in an environment of its own.
"""

import json
import tomllib
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

#: The bank as Payoff's own synthesis is told of it; the other tools get the same windows, conditions and numbers.
BANK = tomllib.loads((Path(__file__).resolve().parents[2] / "features" / "bank.toml").read_text(encoding="utf-8"))
_TRANSACTIONS = BANK["loan_transactions"]["columns"]

#: Days before the grant that are looked at; None is all of the history.
WINDOWS = (*BANK["windows_days"], None)
CONDITIONS = {name: column["values"] for name, column in _TRANSACTIONS.items() if column["role"] == "category"}
NUMBERS = [name for name, column in _TRANSACTIONS.items() if column["role"] in {"amount", "level"}]
OF_LOANS = ["amount_czk", "duration_months"]

#: The columns handed to the other tools, by table.
COLUMNS = {
    "loans": ["loan_id", "granted_on", "defaulted", *OF_LOANS],
    "loan_transactions": ["transaction_id", "loan_id", "booked_on", "days_before", *CONDITIONS, *NUMBERS],
}


def peak_bytes(process: int | str) -> int:
    """The most memory that a process was resident with at once; 0 if it is gone.

    The kernel's own mark: what wait4 tells of a child starts at the size of the parent that started it.
    """
    with suppress(OSError):
        for line in Path(f"/proc/{process}/status").read_text(encoding="ascii", errors="replace").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    return 0


def tell(features: int, seconds: float, servers: Iterable[int] = ()) -> None:
    """Print the measurement as one line; the memory is this process's and that of its ``servers``, by number."""
    peak = peak_bytes("self") + sum(map(peak_bytes, servers))
    print(json.dumps({"features": features, "seconds": seconds, "peak_bytes": peak}), flush=True)
