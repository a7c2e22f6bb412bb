"""Champions and challengers: promoted, refused, forced with a reason, rolled back; never without a record."""

import json
from pathlib import Path

import numpy as np
import pytest
from published import DOUBTFUL, TRUTH, publish

from payoff.comparison import HELD_OUT, log_loss_excess
from payoff.errors import ModelError, NoModel, PromotionRefused
from payoff.lake import DirectoryLake
from payoff.model import versions
from payoff.registry import challenge, challengers, champion, champions, history, promote, rollback


@pytest.fixture
def lake(tmp_path: Path) -> DirectoryLake:
    return DirectoryLake(tmp_path / "lake")


def test_the_first_model_is_promoted_and_recorded(lake):
    publish(lake, "one")
    change = promote(lake, "one", reason="first")
    assert champion(lake) == "one"
    assert (change.replaced, change.reason, change.log_loss, change.forced) == (None, "first", None, ())
    assert history(lake) == [change]


def test_an_equal_model_may_replace_the_champion(lake):
    for version in ("one", "two"):
        publish(lake, version)
        change = promote(lake, version)
    assert champion(lake) == "two"
    assert change.replaced == "one"
    assert change.compared_loans == 300
    assert change.log_loss.value == change.log_loss.low == change.log_loss.high == 0


def test_a_significantly_worse_model_is_refused_and_the_champion_stays(lake):
    publish(lake, "good")
    promote(lake, "good")
    publish(lake, "bad", DOUBTFUL)
    with pytest.raises(PromotionRefused, match=r"significantly worse: on 300 held-out loans .* --force --reason"):
        promote(lake, "bad")
    assert champion(lake) == "good"
    assert len(history(lake)) == 1


def test_a_worse_model_is_forced_with_a_reason_that_is_recorded(lake):
    publish(lake, "good")
    promote(lake, "good")
    publish(lake, "bad", DOUBTFUL)
    with pytest.raises(ModelError, match="needs a reason"):
        promote(lake, "bad", force=True, reason="  ")
    promote(lake, "bad", force=True, reason="the good one is withdrawn")
    assert champion(lake) == "bad"
    last = history(lake)[-1]
    assert last.reason == "the good one is withdrawn"
    assert last.log_loss.low > 0
    assert "significantly worse" in last.forced[0]


def test_a_difference_that_may_be_chance_is_no_reason_to_refuse(lake):
    publish(lake, "one")
    promote(lake, "one")
    # Worse on three loans of 300, a little better on the others.
    said = np.where(TRUTH == 1, 0.705, 0.049)
    said[:3] = [0.3, 0.2, 0.2]
    publish(lake, "two", said)
    change = promote(lake, "two")
    assert change.log_loss.low < 0 < change.log_loss.value


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"offered": ("loan_amount_czk", "brand_new")}, r"features changed: 1 new \(brand_new\), \d+ gone"),
        ({"definitions": "1" * 64}, "definitions of its features changed"),
    ],
)
def test_a_model_whose_features_changed_is_refused_unless_forced(lake, changed, words):
    publish(lake, "one")
    promote(lake, "one")
    publish(lake, "two", **changed)
    with pytest.raises(PromotionRefused, match=words):
        promote(lake, "two")
    promote(lake, "two", force=True, reason="a new question on the form")
    assert champion(lake) == "two"


def test_models_are_compared_only_on_loans_that_neither_was_trained_on(lake):
    publish(lake, "one", loans=range(100))
    promote(lake, "one")
    publish(lake, "two", DOUBTFUL, loans=range(60, 200))
    with pytest.raises(PromotionRefused, match="only 40 loans, 4 defaulted, were held out of both"):
        promote(lake, "two")
    publish(lake, "three", None)
    with pytest.raises(PromotionRefused, match="keeps no held-out predictions"):
        promote(lake, "three")


def test_rolling_back_goes_one_champion_further_each_time(lake):
    for version in ("one", "two", "three"):
        publish(lake, version)
        promote(lake, version)
    assert rollback(lake, reason="complaints").version == "two"
    assert champion(lake) == "two"
    assert rollback(lake).version == "one"
    with pytest.raises(ModelError, match="replaced no other"):
        rollback(lake)
    assert champion(lake) == "one"
    assert [change.action for change in history(lake)] == ["promote"] * 3 + ["rollback"] * 2
    assert history(lake)[3].reason == "complaints"


def test_after_a_rollback_promotion_goes_on_from_there(lake):
    for version in ("one", "two"):
        publish(lake, version)
        promote(lake, version)
    rollback(lake)
    publish(lake, "three")
    assert promote(lake, "three").replaced == "one"
    assert rollback(lake).version == "one"


def test_each_feature_set_has_a_champion_of_its_own(lake):
    publish(lake, "form")
    publish(lake, "full", DOUBTFUL, feature_set="full")
    promote(lake, "form")
    promote(lake, "full")
    assert champions(lake) == {"form": "form", "full": "full"}
    with pytest.raises(NoModel, match="payoff model train --features seed"):
        champion(lake, "seed")
    with pytest.raises(NoModel):
        rollback(lake, "seed")


def test_a_challenger_stays_until_it_is_promoted(lake):
    publish(lake, "one")
    challenge(lake, "one")
    assert challengers(lake) == {"form": "one"}
    promote(lake, "one")
    assert challengers(lake) == {}


@pytest.mark.parametrize("damage", [b"", b"half", None])
@pytest.mark.parametrize("file", ["predictor/note.txt", HELD_OUT])
def test_a_damaged_version_is_neither_promoted_nor_rolled_back_to(lake, file, damage):
    for version in ("one", "two"):
        publish(lake, version)
        promote(lake, version)
    publish(lake, "three")
    for version in ("one", "three"):
        path = Path(lake.uri.removeprefix("file://")) / "models" / version / file
        path.write_bytes(damage) if damage is not None else path.unlink()
    with pytest.raises(ModelError, match="do not match their checksum"):
        promote(lake, "three", force=True, reason="never mind")
    with pytest.raises(ModelError, match="do not match their checksum"):
        rollback(lake)
    assert champion(lake) == "two"


@pytest.mark.parametrize("file", ["metadata.json", HELD_OUT])
def test_a_champion_that_is_damaged_can_be_replaced_by_force(lake, file):
    publish(lake, "one")
    promote(lake, "one")
    publish(lake, "two")
    (Path(lake.uri.removeprefix("file://")) / "models" / "one" / file).write_bytes(b"half")
    with pytest.raises(PromotionRefused, match="the champion one cannot be read to compare with"):
        promote(lake, "two")
    assert champion(lake) == "one"
    promote(lake, "two", force=True, reason="the old one is torn")
    assert champion(lake) == "two"


def test_the_champion_is_not_promoted_again_and_a_foreign_pointer_or_record_is_refused(lake):
    publish(lake, "one")
    promote(lake, "one")
    with pytest.raises(ModelError, match="already"):
        promote(lake, "one")
    lake.write("models/promotions/0.json", json.dumps({"who": "knows"}).encode())
    with pytest.raises(ModelError, match="not of this version of payoff"):
        history(lake)
    lake.write("models/champion.json", json.dumps({"form": 3}).encode())
    with pytest.raises(ModelError, match="not a pointer"):
        champion(lake)


def test_promotions_are_not_taken_for_models(lake):
    publish(lake, "one")
    promote(lake, "one")
    assert versions(lake) == ["one"]


def test_the_excess_of_log_loss_is_paired_and_its_interval_holds_the_truth():
    rng = np.random.default_rng(3)
    held = 0
    for _ in range(200):
        probability = rng.beta(1, 5, 400)
        truth = (rng.random(400) < probability).astype(int)
        worse = np.clip(probability * 0.8 + 0.05, 0, 1)
        expected = np.mean(
            probability * (np.log(probability) - np.log(worse))
            + (1 - probability) * (np.log1p(-probability) - np.log1p(-worse))
        )
        found = log_loss_excess(truth, worse, probability)
        held += found.low <= expected <= found.high
    assert 180 <= held <= 200
    assert log_loss_excess(truth, worse, worse).value == 0
