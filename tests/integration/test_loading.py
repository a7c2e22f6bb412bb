"""A published model, loaded: it says what AutoGluon says, and nothing else is taken for it."""

import json

import numpy as np
import pandas as pd
import pytest

from payoff import model as models
from payoff.errors import ContractError, ModelError, NoModel, PayoffError
from payoff.lake import open_lake
from payoff.registry import CHAMPION, champion, promote
from payoff.settings import load_settings
from webapp.serving import RECHECK_SECONDS, ModelHolder


@pytest.fixture
def copied(real_lake, trained, tmp_path):
    """A lake of its own with the trained model in it, free to be damaged."""
    lake = open_lake(load_settings(lake_uri=str(tmp_path / "lake")))
    for key in real_lake.keys(f"models/{trained.version}/"):
        lake.write(key, real_lake.read(key))
    promote(lake, trained.version)
    return lake


@pytest.fixture
def uncompiled(copied, trained):
    """The same model as AutoGluon left it."""
    key = f"models/{trained.version}/metadata.json"
    metadata = json.loads(copied.read(key))
    del metadata["files"]["compiled.json"]
    copied.write(key, json.dumps(metadata).encode())
    return copied


def test_a_compiled_model_says_what_autogluon_says_and_needs_nothing_else_of_it(
    request, copied, trained, loans, tmp_path
):
    compiled = models.load_model(copied, trained.version, tmp_path / "compiled")
    assert [path.name for path in (tmp_path / "compiled" / trained.version).iterdir()] == ["compiled.json"]
    holding = pd.concat([loans, loans.assign(card_type="unheard of"), loans.assign(month_income_mean_180d=np.nan)])
    said = compiled.default_probabilities(holding)
    request.getfixturevalue("uncompiled")
    autogluon = models.load_model(copied, trained.version, tmp_path / "autogluon")
    assert (tmp_path / "autogluon" / trained.version / "predictor.pkl").exists()
    # AutoGluon hands on single precision, 6e-8 of what is near 1.
    np.testing.assert_allclose(said, autogluon.default_probabilities(holding), atol=1e-6, rtol=0)


def test_a_row_is_scored_the_same_alone_and_among_others(real_lake, trained, loans, tmp_path):
    model = models.load_model(real_lake, trained.version, tmp_path)
    together = model.default_probabilities(loans)
    alone = [model.default_probabilities(loans.iloc[[row]])[0] for row in range(0, len(loans), 10)]
    np.testing.assert_allclose(alone, together[::10], atol=1e-12, rtol=0)


@pytest.mark.parametrize("damage", [b"", b"cos\nsystem\n(S'exit 1'\ntR."])
@pytest.mark.parametrize("file", ["compiled.json", "predictor.pkl"])
def test_a_damaged_or_foreign_file_is_refused_before_it_is_read(request, copied, trained, tmp_path, file, damage):
    if file == "predictor.pkl":
        request.getfixturevalue("uncompiled")
    copied.write(f"models/{trained.version}/predictor/{file}", damage)
    with pytest.raises(ModelError, match="incomplete or damaged"):
        models.load_model(copied, trained.version, tmp_path / "cache")
    assert not (tmp_path / "cache" / trained.version / file).exists()


@pytest.mark.parametrize(
    "text", ["", "{}", '{"categories": {}, "numbers": {}, "shares": [], "trees": [], "additive": []}']
)
def test_a_file_that_is_no_ensemble_or_another_is_refused(copied, trained, tmp_path, text):
    key = f"models/{trained.version}/metadata.json"
    metadata = json.loads(copied.read(key))
    copied.write(f"models/{trained.version}/predictor/compiled.json", text.encode())
    metadata["files"]["compiled.json"] = models.sha256(text.encode())
    copied.write(key, json.dumps(metadata).encode())
    with pytest.raises(ModelError, match=r"cannot be loaded by this installation|compiled from 0 features"):
        models.load_model(copied, trained.version, tmp_path / "cache")


@pytest.mark.parametrize(
    ("file", "damage"),
    [
        ("predictor/compiled.json", b""),
        ("predictor/compiled.json", b"cos\nsystem\n(S'exit 1'\ntR."),
        ("predictor/compiled.json", None),
        ("metadata.json", b'{"version": '),
        ("metadata.json", b'{"model": "of another program"}'),
    ],
)
def test_the_app_keeps_the_champion_it_has_when_the_next_one_is_damaged(
    copied, trained, tmp_path, caplog, file, damage
):
    now = [0.0]
    holder = ModelHolder(copied, tmp_path / "cache", clock=lambda: now[0], run=lambda look: look())
    assert holder.current().metadata.version == trained.version
    for key in copied.keys(f"models/{trained.version}/"):
        copied.write(key.replace(trained.version, "next"), copied.read(key))
    metadata = json.loads(copied.read("models/next/metadata.json")) | {"version": "next"}
    copied.write("models/next/metadata.json", json.dumps(metadata).encode())
    data = copied.read(f"models/next/{file}")
    copied.write(f"models/next/{file}", data[: len(data) // 2] if damage is None else damage)
    with pytest.raises(PayoffError):
        promote(copied, "next", force=True, reason="whatever it is")
    # Somebody moves the pointer by hand.
    copied.write(CHAMPION, json.dumps({"form": "next"}).encode())
    now[0] += RECHECK_SECONDS
    assert holder.current().metadata.version == trained.version
    assert f"{trained.version} goes on serving" in caplog.text


def test_a_cached_file_that_was_tampered_with_is_fetched_again(copied, trained, loans, tmp_path):
    models.load_model(copied, trained.version, tmp_path / "cache")
    cached = tmp_path / "cache" / trained.version / "compiled.json"
    cached.write_bytes(b"tampered")
    model = models.load_model(copied, trained.version, tmp_path / "cache")
    assert model.default_probabilities(loans.head(2)).shape == (2,)


def test_metadata_that_names_a_file_outside_is_refused(copied, trained, tmp_path):
    key = f"models/{trained.version}/metadata.json"
    metadata = json.loads(copied.read(key))
    metadata["files"] = {"../../outside": "0" * 64}
    copied.write(key, json.dumps(metadata).encode())
    with pytest.raises(ModelError, match="leads out of the model"):
        models.load_model(copied, trained.version, tmp_path / "cache")


def test_a_model_of_another_autogluon_is_refused(uncompiled, copied, trained, tmp_path):
    key = f"models/{trained.version}/metadata.json"
    metadata = json.loads(copied.read(key))
    copied.write(f"models/{trained.version}/predictor/version.txt", b"0.0.1")
    metadata["files"]["version.txt"] = models.sha256(b"0.0.1")
    copied.write(key, json.dumps(metadata).encode())
    with pytest.raises(ModelError, match="Train it anew"):
        models.load_model(copied, trained.version, tmp_path / "cache")


def test_a_version_that_is_not_there_or_not_a_model_is_refused(copied, trained):
    with pytest.raises(ModelError, match="payoff model list"):
        promote(copied, "nonsense")
    copied.write("models/half/metadata.json", b'{"version": "half"}')
    with pytest.raises(ModelError, match="not the metadata"):
        models.read_metadata(copied, "half")
    assert champion(copied) == trained.version


def test_without_a_model_the_command_that_makes_one_is_named(tmp_path):
    with pytest.raises(NoModel, match="payoff model train"):
        champion(open_lake(load_settings(lake_uri=str(tmp_path))))


def test_a_missing_feature_is_named(real_lake, trained, loans, tmp_path):
    model = models.load_model(real_lake, trained.version, tmp_path)
    with pytest.raises(ContractError, match="needs card_type"):
        model.default_probabilities(loans.drop(columns="card_type"))
