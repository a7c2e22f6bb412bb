"""The memory that the processes of a server hold."""

import ctypes
import gc
from contextlib import suppress

#: As malloc.h names it.
_M_ARENA_MAX = -8
#: How many may come to be before the garbage collector looks at them; 700 by default.
_NEW_OBJECTS = 10_000


def use_one_heap() -> None:
    """Have the threads of this process, and of those forked from it, take memory from one heap.

    The GNU C library gives threads that find a heap in use another one, and what is freed in one is of no use to the
    others: a tenth of all memory. Python lets one thread run at a time, so there is little to wait for.
    """
    # Other C libraries see to it in ways of their own.
    with suppress(AttributeError, OSError):
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, 1)


def leave_to_share() -> None:
    """Leave what is there by now to forked processes to share: the garbage collector, which writes to it, passes it.

    What comes later it looks through less often. By default it does so several times for each answer, which then takes
    a tenth longer; hardly anything there lies in circles, which is all that it is needed for.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_NEW_OBJECTS)
