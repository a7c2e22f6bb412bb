"""The command line: every command teaches itself, says what it did, and turns errors into one message."""

import csv
import json
import sys
from collections.abc import Callable

import click
import pytest
from web import ANSWERS as GOOD

from payoff import cli
from payoff.choices import PRESETS
from payoff.metadata import Figure
from payoff.settings import Settings
from training.evaluation import audit as auditing
from training.evaluation.audit import Finding

Run = Callable[..., tuple[int, str, str]]


def commands(group: click.Group = cli.cli, path: tuple[str, ...] = ()) -> list[tuple[tuple[str, ...], click.Command]]:
    found = []
    for name, command in group.commands.items():
        found.append(((*path, name), command))
        if isinstance(command, click.Group):
            found += commands(command, (*path, name))
    return found


@pytest.mark.parametrize(("path", "command"), [pytest.param(*each, id=" ".join(each[0])) for each in commands()])
def test_every_command_and_every_option_has_help(run, path, command):
    status, out, _ = run(*path, "--help")
    assert status == 0
    assert command.help
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            assert parameter.help, parameter.name
            assert parameter.opts[0] in out


def test_the_commands_of_the_design_are_there():
    names = {" ".join(path) for path, _ in commands()}
    assert names >= {
        "etl", "etl load", "etl transform", "etl export", "features build", "features sql", "features catalogue",
        "features lookup", "features audit",
        "model train", "model list", "model show", "model promote", "model rollback", "model history",
        "model evaluate", "model compare", "model presets", "model fairness", "model stability",
        "model reproduce-original", "predict", "serve", "run", "settings",
        "predictions count", "predictions purge", "predictions delete", "database upgrade", "database show",
    }  # fmt: skip


def test_what_can_be_chosen_is_what_there_is():
    """The command line repeats these names, so that --help need not load the libraries that train."""
    from features.sets import SET_NAMES
    from payoff.cli import judging, options
    from training.evaluation.contenders import CONTENDERS
    from training.presets import EFFORTS

    assert judging._CONTENDERS == CONTENDERS
    assert options.SET_NAMES == SET_NAMES
    assert tuple(EFFORTS) == PRESETS


def test_settings_lists_every_variable_with_its_default(run):
    status, out, _ = run("settings")
    assert status == 0
    for name in Settings.model_fields:
        assert f"PAYOFF_{name.upper()}" in out


def test_etl_says_what_it_did_in_rows_and_seconds(run, small):
    status, out, _ = run("etl")
    assert status == 0
    assert [line.split()[0] for line in out.splitlines()] == ["load", "transform", "check", "export"]
    assert "6 loans (3 finished, 2 defaulted)" in out
    assert all(line.endswith(" s") for line in out.splitlines())


def test_the_stages_can_be_run_one_by_one(run, small):
    for stage in ("load", "transform", "export"):
        assert run("etl", stage)[0] == 0
    status, out, _ = run("features", "build", "--set", "form")
    assert status == 0
    assert "form: 20 features of 6 loans" in out


def test_a_source_on_the_command_line_wins_over_the_environment(run, small):
    status, _, err = run("etl", "--source", "nowhere")
    assert status == 1
    assert "nowhere" in err


def test_an_error_is_one_message_and_status_1(run, small, tiny_bank):
    (tiny_bank / "loan.asc").write_text("loan_id\n1\n")
    status, out, err = run("etl")
    assert status == 1
    assert err.startswith("payoff: loan.asc")
    assert "Traceback" not in err + out


def test_bad_rows_name_the_way_around_them(run, small, tiny_bank):
    with (tiny_bank / "card.asc").open("a") as file:
        file.write('99;1;"platinum";931112 00:00:00\n')
    status, _, err = run("etl")
    assert status == 1
    assert "card.asc, line 8" in err
    assert "--skip-bad-rows" in err
    status, out, _ = run("etl", "--skip-bad-rows")
    assert status == 0
    assert "1 rows left out" in out


def test_a_setting_that_cannot_be_used_names_its_variable(run, small, monkeypatch):
    monkeypatch.setenv("PAYOFF_PORT", "many")
    status, _, err = run("etl")
    assert status == 1
    assert "PAYOFF_PORT='many'" in err


def test_too_few_loans_to_train_on_are_refused(run, small):
    assert run("etl")[0] == 0
    assert run("features", "build")[0] == 0
    status, _, err = run("model", "train")
    assert status == 1
    assert "at least 10 loans of either end" in err


def test_without_a_model_predict_and_list_say_how_to_get_one(run, small, tmp_path):
    (tmp_path / "loan.json").write_text("{}")
    for command in (["predict", "loan.json"], ["model", "list"], ["model", "show"]):
        status, _, err = run(*command)
        assert status == 1
        assert "payoff model train" in err


def test_the_catalogue_reads_as_a_table_and_as_json(run):
    status, out, _ = run("features", "catalogue", "--set", "form")
    assert status == 0
    assert "Lowest balance after any transaction" in out.replace("\n", " ")
    entries = json.loads(run("features", "catalogue", "--json")[1])
    assert len(entries) >= 300
    assert {"name", "unit", "sentence", "sql"} <= set(entries[0])


@pytest.mark.parametrize("engine", ["duckdb", "mariadb", "spark"])
def test_the_sql_of_a_set_is_printed_for_each_engine(run, engine):
    status, out, _ = run("features", "sql", "--set", "seed", "--engine", engine)
    assert status == 0
    assert out.startswith("WITH by_loan_transactions AS (")
    assert "order_amount_mean" in out
    # Where MariaDB answers NULL, DuckDB would say infinity and Spark would stop.
    assert ("NULLIF(COUNT(*), 0)" in out) == (engine != "mariadb")


def test_the_sql_of_one_feature_names_no_other(run):
    status, out, _ = run("features", "sql", "--set", "full", "--feature", "transaction_balance_min_180d")
    assert status == 0
    assert "days_before <= 180" in out
    assert "transaction_balance_min_90d" not in out
    status, _, err = run("features", "sql", "--feature", "nonsense")
    assert status == 1
    assert "payoff features catalogue" in err


def test_features_on_mariadb_need_a_mariadb(run, small):
    assert run("etl")[0] == 0
    status, _, err = run("features", "build", "--set", "form", "--engine", "mariadb")
    assert status == 1
    assert "PAYOFF_WAREHOUSE_URL" in err


def test_features_on_spark_need_spark(run, small, monkeypatch):
    assert run("etl")[0] == 0
    monkeypatch.setitem(sys.modules, "pyspark", None)
    status, _, err = run("features", "build", "--set", "form", "--engine", "spark")
    assert status == 1
    assert "pip install 'payoff[spark]'" in err


def test_an_account_is_looked_up_as_of_a_day(run, small):
    assert run("etl")[0] == 0
    terms = ["--on", "1998-01-01", "--amount", "50000.50", "--duration", "24"]
    status, out, _ = run("features", "lookup", "3", *terms, "--json")
    assert status == 0
    values = json.loads(out)
    assert values["loan_amount_czk"] == 50000.5
    assert values["transaction_count"] > 0
    out = run("features", "lookup", "3", *terms)[1]
    assert "50,000.5" in out
    status, _, err = run("features", "lookup", "999", *terms)
    assert status == 1
    assert "no account 999" in err
    assert run("features", "lookup", "3", "--on", "1.1.1998", "--amount", "1", "--duration", "24")[0] == 2
    status, _, err = run("features", "lookup", "3", "--on", "1998-01-01", "--amount", "nan", "--duration", "24")
    assert status == 1
    assert "expected more than 0 CZK" in err


def test_the_audit_is_told_step_by_step_and_written_as_a_page(run, small, tmp_path, monkeypatch):
    assert run("etl")[0] == 0
    found = [
        Finding("none", 682, Figure(value=0.9, low=0.8, high=0.95), None),
        Finding("a leak", 682, Figure(value=0.95, low=0.9, high=0.99), Figure(value=0.05, low=0.01, high=0.1)),
        Finding("another", 682, None, None, "the source has no such row"),
    ]
    asked = {}
    monkeypatch.setattr(auditing, "audit", lambda *_, **options: asked.update(options) or iter(found))
    status, out, _ = run("features", "audit", "--repeats", "2", "--seed", "7", "--markdown", "audit.md")
    assert status == 0
    assert asked == {"repeats": 2, "seed": 7}
    assert "another: the source has no such row" in out
    page = (tmp_path / "audit.md").read_text(encoding="utf-8")
    assert "| a leak | 682 | 0.950 (0.900 to 0.990) | +0.050 (+0.010 to +0.100) |" in page
    assert "--repeats 2 --seed 7" in page


def test_predict_answers_row_by_row_and_loses_none(run, real, tmp_path):
    (tmp_path / "loans.json").write_text(json.dumps([GOOD, GOOD | {"district": "Atlantis"}, GOOD]))
    status, out, err = run("predict", "loans.json")
    answers = [json.loads(line) for line in out.splitlines()]
    assert status == 1
    assert "1 of 3 rows" in err
    assert answers[0] | {"row": 3} == answers[2]
    assert answers[0]["prediction"] in {"paid_off", "default"}
    assert set(answers[1]["errors"]) == {"district"}
    with (tmp_path / "loans.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(GOOD))
        writer.writeheader()
        writer.writerow(GOOD)
    status, out, _ = run("predict", "loans.csv")
    assert status == 0
    assert json.loads(out) == answers[0]


def test_predict_reads_files_of_accounts_and_says_what_is_wrong_with_any_file(run, real, trained_full, tmp_path):
    terms = "account_id,loan_amount_czk,loan_duration_months,granted_on"
    (tmp_path / "accounts.csv").write_text(f"{terms}\n2,80952,24,1994-01-05\n999999,80952,24,1994-01-05\n")
    status, out, err = run("predict", "accounts.csv")
    good, unknown = (json.loads(line) for line in out.splitlines())
    assert (status, good["model_version"]) == (1, trained_full.version)
    assert set(unknown["errors"]) == {"account_id"}
    assert "1 of 2 rows" in err
    (tmp_path / "other.csv").write_text("colour\nred\n")
    status, _, err = run("predict", "other.csv")
    assert (status, "other.csv: The first line must name the columns" in err) == (1, True)
    (tmp_path / "large.csv").write_bytes(b"a" * (32 * 2**20 + 1))
    status, _, err = run("predict", "large.csv")
    assert (status, "at most 33,554,432 are read" in err) == (1, True)


def test_run_goes_from_the_source_to_a_promoted_model(run, original_files, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    status, out, _ = run("run", "--no-serve", "--source", str(original_files))
    assert status == 0
    stages = [line.split()[0] for line in out.splitlines() if line.endswith(" s")]
    assert stages == ["load", "transform", "check", "export", *["features"] * 3, *["train"] * 2, "total"]
    assert "roc_auc" in out
    assert run("model", "list")[0] == 0
