"""The threads that libraries compute in, beside those that the program starts."""

import os
import sys

_VARIABLES = ("OMP_NUM_THREADS", "OMP_THREAD_LIMIT", "OPENBLAS_NUM_THREADS")


def compute_alone() -> None:
    """Have numpy, LightGBM and scikit-learn compute in the thread that calls them, also in processes forked from here.

    OpenMP starts its threads at the first call and keeps them. A forked process inherits the memory that says so, but
    no threads, and waits for them for ever. Beside that, requests that are answered side by side need no more threads
    than there are cores. The limit holds for callers that ask for a number of threads, too.

    Raises
    ------
    RuntimeError
        It is too late: the libraries read the variables once, when they are imported.
    """
    if "numpy" in sys.modules:
        raise RuntimeError("numpy is imported already, and has read how many threads it may start")
    os.environ.update(dict.fromkeys(_VARIABLES, "1"))
