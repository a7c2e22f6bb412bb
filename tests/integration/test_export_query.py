"""Export by query: several marts at once, the same bytes each time, and nothing half done."""

import os
import tempfile
import threading
from itertools import count

import pyarrow as pa
import pytest
from bank import exported, settings_in, silent

from etl import pipeline
from etl.export import export
from payoff import runs, schema
from payoff.errors import LakeError, WarehouseError
from payoff.lake import DirectoryLake, open_lake
from payoff.warehouse import open_warehouse


@pytest.fixture
def settings(tiny_bank, tmp_path):
    return settings_in(tmp_path, tiny_bank)


def sums(lake, run: str) -> dict[str, list[str]]:
    marts = runs.manifest(lake, run)["marts"]
    return {mart: [part["sha256"] for part in of["parts"]] for mart, of in marts.items()}


def test_two_exports_of_the_same_marts_are_the_same_bytes_on_duckdb_and_mariadb(settings, mariadb_url, tmp_path):
    lake = exported(settings)
    first = runs.current_run(lake)
    pipeline.run_export(settings, silent)
    second = runs.current_run(lake)
    elsewhere = settings.model_copy(update={"warehouse_url": mariadb_url, "lake_uri": str(tmp_path / "other")})
    other = exported(elsewhere)
    assert first != second
    assert sums(lake, first) == sums(lake, second) == sums(other, runs.current_run(other))
    assert list(runs.manifest(lake, first)["marts"]) == list(runs.manifest(lake, second)["marts"])


def test_four_marts_are_read_at_once(settings):
    lake = exported(settings)
    # The first four wait for each other, in vain if one came after the other.
    together, numbers = threading.Barrier(4, timeout=30), count()

    class Waiting:
        engine = "duckdb"

        def __init__(self, warehouse):
            self.warehouse = warehouse

        def stream(self, mart: str, batch_rows: int):
            if next(numbers) < together.parties:
                together.wait()
            yield from self.warehouse.stream(mart, batch_rows)

    with open_warehouse(settings.warehouse_url) as warehouse:
        run = export(Waiting(warehouse), lake, {})
    assert runs.current_run(lake) == run
    assert next(numbers) == len(schema.marts())


def test_one_mart_that_fails_stops_the_others_and_leaves_no_file(settings):
    lake = exported(settings)
    before = runs.current_run(lake)

    class Failing:
        def stream(self, mart: str, batch_rows: int):
            if mart == "districts":
                raise WarehouseError("MariaDB: gone away")
            row = pa.RecordBatch.from_pylist([], schema=schema.table_spec(mart).arrow)
            while True:  # it never ends by itself
                yield row

    with pytest.raises(WarehouseError, match="gone away"):
        export(Failing(), lake, {}, engine="mysql")
    assert runs.current_run(lake) == before
    assert {key.split("/")[1] for key in lake.keys("runs/")} == {before}


def test_a_full_disk_says_so_and_leaves_the_current_run_and_no_half_one(settings, monkeypatch):
    lake = exported(settings)
    before, keys = runs.current_run(lake), lake.keys("")
    made, lock, whole = tempfile.mkstemp, threading.Lock(), 3

    def on_a_full_disk(**where):
        nonlocal whole
        handle, path = made(**where)
        with lock:
            whole -= 1
            if whole < 0:  # the kernel itself says that nothing goes into this one
                os.close(handle)
                handle = os.open("/dev/full", os.O_WRONLY)
        return handle, path

    monkeypatch.setattr("payoff.lake.directory.tempfile.mkstemp", on_a_full_disk)
    with pytest.raises(LakeError, match=r"No space left on device.*Free some space there, or set PAYOFF_LAKE_URI"):
        pipeline.run_export(settings, silent)
    assert runs.current_run(lake) == before
    assert lake.keys("") == keys


def test_a_warehouse_that_is_rebuilt_meanwhile_is_still_read_as_it_was(settings, tiny_bank):
    lake = exported(settings)
    before = runs.current_run(lake)
    header, *rows = (tiny_bank / "order.asc").read_bytes().splitlines(keepends=True)
    (tiny_bank / "order.asc").write_bytes(header + b"".join(rows[1:]))
    with open_warehouse(settings.warehouse_url) as warehouse:
        pipeline.run_load(settings, silent)
        pipeline.run_transform(settings, silent)
        run = export(warehouse, lake, {})
    assert sums(lake, run) == sums(lake, before)
    pipeline.run_export(settings, silent)
    assert sums(lake, runs.current_run(lake)) != sums(lake, before)


@pytest.mark.parametrize("rows", [1, 7, 10, 1000])
def test_batches_are_cut_to_one_size_whatever_sizes_they_come_in(rows):
    table = pa.table({"n": list(range(100))})
    batches = [
        batch for start, size in ((0, 3), (3, 60), (63, 0), (63, 37)) for batch in table.slice(start, size).to_batches()
    ]
    cut = list(runs.rebatched(batches, rows))
    assert [batch.num_rows for batch in cut] == [rows] * (100 // rows) + [100 % rows] * (100 % rows > 0)
    assert pa.Table.from_batches(cut).equals(table)


def test_files_have_one_size_though_an_engine_gives_batches_of_others(tmp_path):
    class Uneven:
        def stream(self, mart: str, batch_rows: int):
            fields = schema.table_spec(mart).arrow
            row = {"district_id": 1, "district_name": "A", "district_region": "R", "district_average_salary_czk": 1}
            for size in (3, 20, 2) if mart == "districts" else ():
                yield pa.RecordBatch.from_pylist([row] * size, schema=fields)

    lake = DirectoryLake(tmp_path / "lake")
    run = export(Uneven(), lake, {}, engine="mysql", batch_rows=10)
    assert [part["rows"] for part in runs.manifest(lake, run)["marts"]["districts"]["parts"]] == [10, 10, 5]


def test_no_batch_gives_none():
    assert list(runs.rebatched([], 10)) == []


def test_another_process_of_the_lake_sees_the_run_only_once_it_is_whole(settings):
    lake = exported(settings)
    begun = runs.begin(lake)
    assert begun.after == runs.current_run(lake)
    lake.write(f"runs/{begun.run}/marts/loans/part-00000.parquet", b"half")
    assert runs.current_run(open_lake(settings)) == begun.after
    runs.discard(lake, begun)
    assert begun.run not in {key.split("/")[1] for key in lake.keys("runs/")}
