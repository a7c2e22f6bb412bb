"""How many heaps the threads of a process take memory from."""

import subprocess
import sys
from pathlib import Path

import pytest

#: Threads that allocate at the same time, and how many heaps the C library then says there are.
COUNT = """
import ctypes, sys, threading
from payoff.memory import use_one_heap

if sys.argv[1] == "one":
    use_one_heap()
library = ctypes.CDLL(None)
library.malloc.restype = library.fopen.restype = ctypes.c_void_p
together = threading.Barrier(8)

def take():
    together.wait(10)
    library.malloc(10_000)
    together.wait(10)

threads = [threading.Thread(target=take) for _ in range(8)]
for each in threads: each.start()
for each in threads: each.join()
told = ctypes.c_void_p(library.fopen(sys.argv[2].encode(), b"w"))
library.malloc_info(0, told)
library.fclose(told)
print(open(sys.argv[2]).read().count("<heap nr="))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have another malloc")
def test_threads_take_memory_from_one_heap_once_that_is_said(tmp_path: Path) -> None:
    def heaps(asked: str) -> int:
        command = [sys.executable, "-c", COUNT, asked, str(tmp_path / "told.xml")]
        return int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)

    assert heaps("as ever") > 1
    assert heaps("one") == 1
