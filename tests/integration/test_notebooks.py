"""The notebooks run on the real bank, show figures, and are kept without what a run leaves in them."""

import ast
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
from jupyter_client.kernelspec import KernelSpecManager
from nbclient import NotebookClient
from nbformat import NotebookNode
from traitlets.config import Config

from payoff.model import Metadata
from payoff.settings import ROOT, Settings

DIRECTORY = ROOT / "notebooks"
NOTEBOOKS = sorted(DIRECTORY.glob("*.ipynb"))
KERNEL = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}

each_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def read(path: Path) -> NotebookNode:
    return nbformat.read(path, as_version=4)


def code_of(path: Path) -> list[NotebookNode]:
    return [cell for cell in read(path).cells if cell.cell_type == "code"]


@pytest.fixture(scope="module")
def kernel_home(real_settings: Settings, trained: Metadata) -> Iterator[Path]:
    """A directory for all that a kernel writes; the environment names it, and the real lake."""
    # Sockets lie in it, whose paths may be no longer than some hundred characters: pytest's own are too deep.
    with tempfile.TemporaryDirectory(prefix="payoff-") as directory, pytest.MonkeyPatch.context() as environment:
        home = Path(directory)
        for name in ("IPYTHONDIR", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "MPLCONFIGDIR"):
            environment.setenv(name, str(home / name.lower()))
        for name in ("lake_uri", "var_dir", "warehouse_url"):
            environment.setenv(f"PAYOFF_{name.upper()}", str(getattr(real_settings, name)))
        environment.delenv("MPLBACKEND", raising=False)
        # Matplotlib lists the fonts when it is first imported, and says so on stderr if that takes long.
        subprocess.run([sys.executable, "-c", "import matplotlib.font_manager"], check=True, capture_output=True)
        yield home


@pytest.fixture(scope="module", params=NOTEBOOKS, ids=lambda path: path.stem)
def executed(request: pytest.FixtureRequest, kernel_home: Path) -> NotebookNode:
    """A notebook after a run of all its cells, started in its folder as Jupyter does."""
    sockets = {"transport": "ipc", "connection_file": str(kernel_home / "kernel.json")}
    client = NotebookClient(
        read(request.param),
        timeout=120,
        resources={"metadata": {"path": str(DIRECTORY)}},
        config=Config({"KernelManager": sockets}),
    )
    # This Python, and not one that somebody registered under the same name.
    client.create_kernel_manager().kernel_spec_manager = KernelSpecManager(kernel_dirs=[])
    return client.execute()


def outputs_of(notebook: NotebookNode) -> list[NotebookNode]:
    return [output for cell in notebook.cells for output in cell.get("outputs", [])]


def test_a_notebook_runs_to_its_end_without_a_warning(executed: NotebookNode) -> None:
    said = [output.text for output in outputs_of(executed) if output.get("name") == "stderr"]
    assert not said


def test_a_notebook_shows_figures(executed: NotebookNode) -> None:
    assert any("image/png" in output.get("data", {}) for output in outputs_of(executed))


def test_the_readme_lists_every_notebook() -> None:
    readme = (DIRECTORY / "README.md").read_text(encoding="utf-8")
    assert re.findall(r"\]\((\d\d_\w+\.ipynb)\)", readme) == [path.name for path in NOTEBOOKS]


@each_notebook
def test_a_notebook_is_kept_without_outputs_and_names_no_machine(path: Path) -> None:
    notebook = read(path)
    assert notebook.metadata == {"kernelspec": KERNEL, "language_info": {"name": "python"}}
    assert all(cell.metadata == {} for cell in notebook.cells)
    ran = [cell.id for cell in code_of(path) if cell.outputs or cell.execution_count is not None]
    assert not ran, "clear all outputs, see notebooks/README.md"


@each_notebook
def test_a_notebook_defines_no_function_or_class(path: Path) -> None:
    defined = [
        node.name
        for cell in code_of(path)
        for node in ast.walk(ast.parse(cell.source))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
    ]
    assert not defined, "what is used again belongs in a package"


@each_notebook
def test_a_notebook_starts_with_how_to_run_it(path: Path) -> None:
    first = read(path).cells[0]
    assert first.cell_type == "markdown"
    assert "`make run`" in first.source
    assert "`payoff run --no-serve`" in first.source
