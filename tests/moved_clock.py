"""``payoff`` by a clock that is moved: ``moved_clock.py FILE ARGUMENT…``, FILE says by how many seconds."""

import os
import sys
import threading
import time
from pathlib import Path

import time_machine
from time_machine import escape_hatch

from payoff.cli import main

FILE = Path(sys.argv[1])


def follow(file: Path) -> None:
    """Move the clock of this process whenever the file says something else."""
    moved, offset = None, "0"
    while True:
        if (said := file.read_text(encoding="ascii")) != offset:
            if moved:
                moved.stop()
            real = escape_hatch.time.time() if escape_hatch.is_travelling() else time.time()
            moved = time_machine.travel(real + float(said), tick=True)
            moved.start()
            offset = said
        time.sleep(0.05)


def begin() -> None:
    threading.Thread(target=follow, args=(FILE,), daemon=True).start()


if __name__ == "__main__":
    os.register_at_fork(after_in_child=begin)
    sys.argv = ["payoff", *sys.argv[2:]]
    main()
