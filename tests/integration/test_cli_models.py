"""The commands that train, judge and promote models."""

import json
from contextlib import contextmanager

import pytest
from published import DOUBTFUL, publish
from sklearn.linear_model import LogisticRegression
from web import metadata

from payoff.lake import DirectoryLake
from payoff.registry import challenge, promote
from training import publish as publishing


def test_models_are_listed_and_shown(run, real):
    status, out, err = run("model", "list")
    assert status == 0, err
    assert real.version in out
    assert "form" in out
    status, out, _ = run("model", "show")
    assert f"{real.metrics['roc_auc'].value:.3f}" in out
    assert json.loads(run("model", "show", real.version, "--json")[1])["version"] == real.version
    assert run("model", "show", "nonsense")[0] == 1


def test_a_model_has_a_card(run, real):
    status, out, _ = run("model", "show", real.version, "--card")
    assert status == 0
    assert out.startswith(f"# Model card: {real.version}")
    for section in ("What must not be done with it", "Calibration", "Fairness", "Leaks"):
        assert f"## {section}" in out


@pytest.fixture
def registry(tmp_path, monkeypatch):
    """A lake with a champion and a worse challenger, in the environment."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PAYOFF_LAKE_URI", "lake")
    lake = DirectoryLake(tmp_path / "lake")
    publish(lake, "good")
    promote(lake, "good")
    publish(lake, "bad", DOUBTFUL)
    challenge(lake, "bad")


def test_a_worse_model_is_refused_then_forced_then_rolled_back(run, registry):
    status, _, err = run("model", "promote", "bad")
    assert status == 1
    assert "significantly worse" in err
    assert "--force --reason" in err
    assert run("model", "promote", "bad", "--force")[0] == 1
    status, out, _ = run("model", "promote", "bad", "--force", "--reason", "the good one is withdrawn")
    assert status == 0
    assert "bad is the champion of form now; it replaces good" in out
    assert "forced, although it is significantly worse" in out
    status, out, _ = run("model", "rollback", "--reason", "complaints")
    assert status == 0
    assert "good is the champion of form now" in out
    status, out, _ = run("model", "history")
    assert out.index("promote") < out.index("rollback")
    assert "withdrawn" in out
    assert "complaints" in out
    status, out, err = run("model", "rollback")
    assert status == 1
    assert "replaced no other" in err


def test_the_list_marks_champion_and_challenger(run, registry):
    _, out, _ = run("model", "list")
    cells = [[cell.strip() for cell in line.split("│")[1:3]] for line in out.splitlines() if line.startswith("│")]
    assert cells == [["+", "bad"], ["*", "good"]]


PLAIN = ["--contender", "logistic regression"]


def test_an_evaluation_writes_its_reports_and_resumes(run, real, tmp_path):
    asked = ["model", "evaluate", *PLAIN, "--protocol", "holdout", "--repeats", "2", "--output", "reports"]
    status, out, err = run(*asked)
    assert status == 0, err
    assert ": 1 of 2, " in out
    assert "left" in out
    written = json.loads((tmp_path / "reports" / "form-holdout-logistic-regression-good-all.json").read_text())
    assert f"{written['metrics']['roc_auc']['value']:.3f}" in out
    page = (tmp_path / "reports" / "form-holdout-logistic-regression-good-all.html").read_text()
    assert page.count("<svg") == 5
    status, out, _ = run(*asked)
    assert out.count("read back") == 2
    assert json.loads((tmp_path / "reports" / "form-holdout-logistic-regression-good-all.json").read_text()) == written


def test_contenders_are_compared_and_the_page_is_written(run, real, tmp_path):
    asked = ["model", "compare", *PLAIN, "--contender", "random forest", "--features", "form", "--repeats", "1"]
    status, out, err = run(*asked, "--markdown", "page.md")
    assert status == 0, err
    page = (tmp_path / "page.md").read_text(encoding="utf-8")
    assert page.strip() in out
    assert "| logistic regression | `form` |" in page
    status, _, err = run(*asked, "--markdown", "nowhere/page.md")
    assert status == 1
    assert "cannot be written" in err


@pytest.fixture
def quick(monkeypatch):
    """Logistic regression in the place of AutoGluon, which would take minutes."""
    from training.evaluation import contenders, importance

    plain = contenders.contender("logistic regression")
    monkeypatch.setattr(contenders, "contender", lambda name, preset: plain)

    @contextmanager
    def train(rows, seed):
        estimator = contenders._prepared(LogisticRegression(max_iter=5_000)).fit(
            rows.drop(columns="defaulted"), rows["defaulted"]
        )
        yield lambda table: estimator.predict_proba(table)[:, 1]

    monkeypatch.setattr(importance, "autogluon", lambda recipe: train)


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("fairness", ["# Whom the model refuses", "| female |", "What adding sex would have bought"]),
        ("stability", ["# How stable the model is", "seed 1005", "| shuffled |"]),
        ("presets", ["# Presets and population", "| `best` |", "of the 682 loans 234 are finished"]),
    ],
)
def test_what_is_judged_is_written_to_a_page(run, real, quick, tmp_path, command, words):
    asked = ["model", command, "--features", "form", "--repeats", "1", "--seed", "5", "--markdown", "page.md"]
    status, out, err = run(*asked)
    assert status == 0, err
    page = (tmp_path / "page.md").read_text(encoding="utf-8")
    assert page.strip() in out
    assert all(each in page for each in words), page


def test_what_stands_against_a_training_is_told_and_a_lost_log_is_an_error(run, registry, monkeypatch):
    trained = publishing.Trained(metadata("new"), refused=("it is worse",), untracked="new was not logged to MLflow")
    asked = []
    monkeypatch.setattr(publishing, "train", lambda *args, **options: asked.append((args[1:], options)) or trained)
    status, out, err = run(
        "model", "train", "--preset", "fast", "--population", "finished", "--seed", "3", "--no-promote",
        "--cost-default", "0.8", "--cost-refusal", "0.2", "--features", "seed",
    )  # fmt: skip
    (((name, how), options),) = asked
    assert (name, how.preset, how.population, how.seed) == ("seed", "fast", "finished", 3)
    assert (how.costs.default, how.costs.refusal) == (0.8, 0.2)
    assert options == {"promoting": False}
    assert "new stays a challenger: it is worse" in out
    assert status == 1
    assert "new was not logged to MLflow" in err
