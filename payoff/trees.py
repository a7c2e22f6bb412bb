"""Trees that LightGBM's library computes, without its Python package.

That one imports scikit-learn, which takes a second and 60 MB of each process. So its C API is used as it is,
https://lightgbm.readthedocs.io/en/stable/C-API.html.
"""

import ctypes
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np

_FLOAT64, _ROW_MAJOR, _NORMAL, _FROM_THE_FIRST, _ALL = 1, 1, 0, 0, -1
#: Threads would not pay for a few rows, and OpenMP's do not outlive a fork.
_PARAMETERS = b"num_threads=1"


class Booster:
    """A model in LightGBM's text format; several threads may ask it at once.

    Raises
    ------
    ValueError
        The text is no model.
    OSError
        There is no library, or the system lacks the OpenMP runtime.
    """

    def __init__(self, text: str) -> None:
        self._library = _library()
        self._handle = ctypes.c_void_p()
        iterations = ctypes.c_int()
        self._call(
            "LGBM_BoosterLoadModelFromString", text.encode(), ctypes.byref(iterations), ctypes.byref(self._handle)
        )

    def __del__(self) -> None:
        if getattr(self, "_handle", None):
            self._library.LGBM_BoosterFree(self._handle)

    def __call__(self, rows: np.ndarray) -> np.ndarray:
        """What the model says of each row of a float array, rows × inputs; NaN is missing."""
        table = np.ascontiguousarray(rows, dtype=np.float64)
        said, length = np.empty(len(table)), ctypes.c_int64()
        self._call(
            "LGBM_BoosterPredictForMat", self._handle, table.ctypes.data_as(ctypes.c_void_p), _FLOAT64,
            ctypes.c_int32(table.shape[0]), ctypes.c_int32(table.shape[1]), _ROW_MAJOR, _NORMAL, _FROM_THE_FIRST, _ALL,
            _PARAMETERS, ctypes.byref(length), said.ctypes.data_as(ctypes.c_void_p),
        )  # fmt: skip
        return said

    def _call(self, name: str, *arguments: object) -> None:
        if self._library[name](*arguments):
            raise ValueError(f"LightGBM: {self._library.LGBM_GetLastError().decode(errors='replace')}")


@cache
def _library() -> ctypes.CDLL:
    found = find_spec("lightgbm")
    files = sorted(Path(found.origin).parent.glob("lib/lib_lightgbm.*")) if found and found.origin else []
    if not files:
        raise OSError("LightGBM's library is not installed")
    library = ctypes.CDLL(str(files[0]))
    library.LGBM_GetLastError.restype = ctypes.c_char_p
    return library
