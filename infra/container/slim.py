"""Takes out of the image's virtual environment what no run of Payoff needs; run by the Dockerfile.

pip stays: it fetches the archive of `payoff etl`. Only what is found is removed, so another version of a package can
make the image larger but not break the build.
"""

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

#: Patterns below site-packages, each with its reason.
UNNEEDED = {
    "**/tests": "the packages' own tests",
    "joblib/test": "its own tests",
    "setuptools": "it has done its work: Payoff is installed",
    "setuptools-*.dist-info": "with setuptools",
    "_distutils_hack": "with setuptools",
    "distutils-precedence.pth": "with setuptools",
    "pkg_resources": "with setuptools",
    "pyarrow/include": "to compile against",
    "pyarrow/src": "sources",
    "pyarrow/*arrow*flight*": "Arrow's own network protocol",
    "pyarrow/*_flight.*": "with Arrow's network protocol",
    "fontTools": "Matplotlib embeds fonts with it in PDF and PostScript; Payoff draws SVG",
    "**/*.pyi": "types, for those who check them",
    "**/*.pxd": "declarations, for those who compile",
    "**/*.pyx": "sources",
    "**/*.c": "sources",
    "**/*.h": "headers",
    "matplotlib/mpl-data/sample_data": "pictures and tables to try things on",
}
#: The languages of the pages, and what both are derived from.
LOCALES = ("root", "en", "cs")


def unneeded(packages: Path) -> Iterator[Path]:
    """Every file and folder in ``packages``, a site-packages directory, that can go."""
    for pattern in UNNEEDED:
        yield from packages.glob(pattern)
    for locale in (packages / "babel" / "locale-data").glob("*.dat"):
        if locale.stem.split("_")[0] not in LOCALES:
            yield locale


def libraries(packages: Path) -> Iterator[Path]:
    """Compiled code that carries names for debuggers only.

    Where a package brings other libraries in a folder of its own, a tool has rewritten it to find them there, and what
    strips it can break it.
    """
    for record in packages.glob("*.dist-info/RECORD"):
        names = [line.split(",")[0] for line in record.read_text(encoding="utf-8").splitlines()]
        if not any(name.partition("/")[0].endswith(".libs") for name in names):
            yield from (packages / name for name in names if re.search(r"\.so(\.\d+)*$", name))


def slim(packages: Path) -> None:
    """Remove what can go."""
    for path in list(unneeded(packages)):
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    if stripped := sorted(str(path) for path in libraries(packages) if path.is_file()):
        subprocess.run(["strip", "--strip-unneeded", *stripped], check=True)


if __name__ == "__main__":
    for found in Path(sys.argv[1]).glob("lib/python*/site-packages"):
        slim(found)
