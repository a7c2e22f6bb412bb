"""The loans that are published with a model to compare others with: few, spread out, and of features only."""

import io
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from web import BACKGROUND, metadata

from payoff import model as models
from payoff.errors import LakeError, ModelError
from payoff.lake import DirectoryLake
from payoff.metadata import Metadata
from payoff.model import publish_model
from training.background import LOANS, spread_out


@pytest.fixture
def drawn() -> tuple[pd.DataFrame, np.ndarray]:
    probability = np.random.default_rng(1).beta(0.4, 3, 477)
    return pd.DataFrame({"place": np.arange(477), "probability": probability}), probability


def test_the_background_is_fifty_different_loans_spread_over_all_probabilities(drawn):
    loans, probability = drawn
    found = spread_out(loans, probability, seed=1)
    assert len(found) == LOANS == 50
    assert found["place"].is_unique
    assert found["place"].is_monotonic_increasing
    assert list(found.index) == list(range(50))
    assert found["probability"].mean() == pytest.approx(probability.mean(), abs=0.005)
    # Of each tenth of the loans, five.
    tenths = pd.qcut(loans["probability"], 10, labels=False)[found["place"]]
    assert (tenths.value_counts() - 5).abs().max() <= 1


def test_the_same_seed_draws_the_same_loans_and_another_seed_others(drawn):
    assert spread_out(*drawn, seed=1).equals(spread_out(*drawn, seed=1))
    assert not spread_out(*drawn, seed=1).equals(spread_out(*drawn, seed=2))


def test_of_few_loans_all_are_the_background(drawn):
    loans, probability = drawn
    assert spread_out(loans.head(7), probability[:7], seed=1).equals(loans.head(7))


def published(tmp_path: Path, attachments: dict[str, bytes]) -> tuple[DirectoryLake, Metadata]:
    lake, directory = DirectoryLake(tmp_path / "lake"), tmp_path / "predictor"
    directory.mkdir()
    (directory / "note.txt").write_text("no predictor")
    return lake, publish_model(lake, directory, metadata(), attachments)


def parquet(loans: pd.DataFrame) -> bytes:
    buffer = io.BytesIO()
    loans.to_parquet(buffer, index=False)
    return buffer.getvalue()


def test_a_model_published_without_loans_to_compare_with_is_refused_and_says_what_to_do(tmp_path):
    lake, described = published(tmp_path, {"card.md": b"a card"})
    with pytest.raises(ModelError, match=r"without background\.parquet.* `payoff model train --features form"):
        models.load_model(lake, described.version, tmp_path / "cache")


@pytest.mark.parametrize(
    ("loans", "found"),
    [(BACKGROUND.head(0), "0 loans with 20 features"), (BACKGROUND.drop(columns="card_type"), "12 loans with 19")],
)
def test_a_background_that_does_not_fit_the_model_is_refused(tmp_path, monkeypatch, loans, found):
    monkeypatch.setattr(models, "load_directory", lambda directory, features: lambda table: np.zeros(len(table)))
    lake, described = published(tmp_path, {models.BACKGROUND: parquet(loans)})
    with pytest.raises(ModelError, match=f"{found}.*expected some, with the 20"):
        models.load_model(lake, described.version, tmp_path / "cache")


def test_a_damaged_background_is_refused_and_a_whole_one_is_read_as_it_was(tmp_path, monkeypatch):
    monkeypatch.setattr(models, "load_directory", lambda directory, features: lambda table: np.zeros(len(table)))
    lake, described = published(tmp_path, {models.BACKGROUND: parquet(BACKGROUND)})
    model = models.load_model(lake, described.version, tmp_path / "cache")
    pd.testing.assert_frame_equal(model.background, BACKGROUND)
    lake.write(f"models/{described.version}/{models.BACKGROUND}", b"PAR1")
    with pytest.raises(ModelError, match="incomplete or damaged") as refused:
        models.load_model(lake, described.version, tmp_path / "cache")
    assert isinstance(refused.value.__cause__, LakeError)
