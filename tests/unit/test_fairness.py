"""The fairness audit: groups that fare differently are found, and groups too small to tell are marked."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from fairlearn.metrics import MetricFrame
from folds import invented_loans, record
from sklearn.metrics import roc_auc_score

from features.sets import feature_set
from payoff.errors import ContractError
from payoff.metadata import Costs
from training.evaluation import contenders, nested
from training.evaluation.comparison import entry
from training.evaluation.fairness import FairnessAudit, Trait, audit, bought_by_sex, of_held_out
from training.evaluation.fairness_page import TOO_FEW, as_markdown, as_page, sentences
from training.evaluation.gaps import gaps
from training.evaluation.groups import RATES, answers, group_figures, groups_of, measured, with_groups
from training.evaluation.nested import FoldRecord, Recipe
from training.loans import Loans
from training.select import offered
from training.split import folds

COSTS = Costs()
REFUSED, GRANTED = 0.5, 0.01


def made(sexes: list[str], **about: object) -> Loans:
    """Loans from 1 on, granted in 1996 to people born in 1960."""
    ids = pd.Index(range(1, len(sexes) + 1), name="loan_id")
    columns = {"owner_sex": sexes, "owner_born_on": "1960-05-05", "district_region": "Prague"} | about
    table = pd.DataFrame({"loan_id": ids, "granted_on": pd.Timestamp("1996-06-01")})
    return Loans("2026-01-01T00-00-00", table, ("telling",), pd.DataFrame(columns, index=ids))


def counted(sex: str, **counts: int) -> list[tuple[str, int, float]]:
    """Loans of one sex by how they ended and what was said of them."""
    kinds = {
        "paid_granted": (0, GRANTED), "paid_refused": (0, REFUSED),
        "defaulted_granted": (1, GRANTED), "defaulted_refused": (1, REFUSED),
    }  # fmt: skip
    return [(sex, *kinds[kind]) for kind, count in counts.items() for _ in range(count)]


WOMEN = counted("female", paid_granted=60, paid_refused=20, defaulted_granted=5, defaulted_refused=15)
MEN = counted("male", paid_granted=76, paid_refused=4, defaulted_granted=15, defaulted_refused=5)


def audited(rows: list[tuple[str, int, float]], repeats: int = 1, **about: object) -> FairnessAudit:
    sexes, truth, probability = map(list, zip(*rows, strict=True))
    return audit([record(truth, probability, repeat=each) for each in range(repeats)], made(sexes, **about), COSTS)


def by_sex(found: FairnessAudit) -> Trait:
    return found.traits[0]


def test_rates_are_those_counted_by_hand():
    female, male = by_sex(audited([*WOMEN, *MEN])).groups
    assert (female.group, female.loans, female.defaulted) == ("female", 100, 20)
    assert female.selection_rate.value == pytest.approx(0.65)
    assert female.false_positive_rate.value == pytest.approx(0.25)
    assert female.false_negative_rate.value == pytest.approx(0.25)
    assert male.selection_rate.value == pytest.approx(0.91)
    assert male.false_positive_rate.value == pytest.approx(0.05)
    assert male.false_negative_rate.value == pytest.approx(0.75)
    # Of 80 × 20 pairs 60 × 15 are in order, and 60 × 5 + 20 × 15 are ties.
    assert female.roc_auc.value == pytest.approx((60 * 15 + (60 * 5 + 20 * 15) / 2) / (80 * 20))
    assert female.predicted == pytest.approx(0.35 * REFUSED + 0.65 * GRANTED)
    assert female.observed.value == pytest.approx(0.2)
    for each in (female.selection_rate, female.false_positive_rate, female.roc_auc, female.observed):
        assert each.low < each.value < each.high


def test_a_group_that_is_treated_differently_is_found():
    found = by_sex(audited([*WOMEN, *MEN]))
    parity, odds, _ = found.gaps
    assert (parity.compared, odds.compared) == ("demographic parity", "equalized odds")
    assert parity.difference.value == pytest.approx(0.91 - 0.65)
    assert parity.ratio == pytest.approx(0.65 / 0.91)
    assert odds.difference.value == pytest.approx(0.75 - 0.25)
    for each in (parity, odds):
        assert each.p < 0.01
        assert each.difference.value > each.chance
        assert each.difference.low < each.difference.value < each.difference.high


def test_equal_groups_differ_by_nothing_and_by_less_than_chance_gives():
    men = [("male", truth, probability) for _, truth, probability in WOMEN]
    for each in by_sex(audited([*WOMEN, *men])).gaps:
        assert each.difference.value == pytest.approx(0)
        assert each.p == 1
        assert each.chance > 0


def test_groups_dealt_out_at_random_are_seldom_called_different():
    called = 0
    rows = pd.DataFrame([*WOMEN, *MEN], columns=["sex", "defaulted", "probability"])
    rows = rows.assign(repeat=0, loan_id=range(200), refused=(rows["probability"] > 0.2).astype(int))
    for seed in range(25):
        dealt = rows.assign(sex=pd.Categorical(np.random.default_rng(seed).permutation(rows["sex"])))
        parity, *_ = gaps(dealt, "sex", group_figures(dealt, "sex"))
        called += parity.p < 0.05
    assert called <= 4  # one or two are expected, and more than four come by chance once in a hundred times


def test_intervals_hold_the_truth_about_as_often_as_they_say():
    held = []
    for seed in range(30):
        rng = np.random.default_rng(seed)
        truth = (rng.random(200) < 0.4).astype(int)
        refused = np.where(truth == 1, rng.random(200) < 0.7, rng.random(200) < 0.2)
        rows = pd.DataFrame({"repeat": 0, "loan_id": range(200), "defaulted": truth, "refused": refused.astype(int)})
        rows = rows.assign(probability=0.5, sex=pd.Categorical(np.where(rng.random(200) < 0.5, "female", "male")))
        for group in group_figures(rows, "sex"):
            truths = {"selection_rate": 0.6, "false_positive_rate": 0.2, "false_negative_rate": 0.3, "observed": 0.4}
            held += [getattr(group, name).low <= value <= getattr(group, name).high for name, value in truths.items()]
    assert 0.90 < np.mean(held) < 0.98


def test_a_loan_is_drawn_with_all_its_repeats():
    once, thrice = audited([*WOMEN, *MEN]), audited([*WOMEN, *MEN], repeats=3)
    assert (thrice.repeats, thrice.everyone.loans) == (3, 200)
    pairs = zip(by_sex(once).groups, by_sex(thrice).groups, strict=True)
    for one, three in pairs:
        for name in ("selection_rate", "false_negative_rate", "roc_auc"):
            ours, theirs = getattr(one, name), getattr(three, name)
            assert (ours.value, ours.low, ours.high) == pytest.approx((theirs.value, theirs.low, theirs.high))
    assert by_sex(once).gaps[0].p == by_sex(thrice).gaps[0].p


def test_figures_on_every_loan_once_are_fairlearns_and_scikit_learns():
    rng = np.random.default_rng(5)
    truth = np.tile((rng.random(90) < 0.4).astype(int), 2)
    rows = pd.DataFrame({"repeat": np.repeat([0, 1], 90), "loan_id": np.tile(range(1, 91), 2), "defaulted": truth})
    rows["probability"] = np.clip(truth * 0.2 + rng.random(180), 0, 1).round(1)
    rows = with_groups(rows, made(["female"] * 90), threshold=0.6)
    frame = MetricFrame(
        metrics=RATES, y_true=rows["defaulted"], y_pred=rows["refused"], sensitive_features=rows["sex"].astype(str)
    )
    said = answers(rows)
    for name in RATES:
        assert measured(said, np.ones((1, 90)), name)[0] == pytest.approx(frame.overall[name])
    areas = [roc_auc_score(part["defaulted"], part["probability"]) for _, part in rows.groupby("repeat")]
    assert measured(said, np.ones((1, 90)), "roc_auc")[0] == pytest.approx(np.mean(areas))


def test_groups_with_too_few_loans_are_marked_and_not_compared():
    few = counted("male", paid_granted=30, paid_refused=3, defaulted_granted=4, defaulted_refused=5)
    found = audited([*WOMEN, *few])
    female, male = by_sex(found).groups
    assert (male.loans, male.defaulted) == (42, 9)
    assert male.false_negative_rate is None
    assert male.roc_auc is None
    assert male.selection_rate is not None
    assert male.false_positive_rate is not None
    assert female.roc_auc is not None
    assert [gap.compared for gap in by_sex(found).gaps] == ["demographic parity"]
    (line,) = [line for line in as_markdown(found.traits).splitlines() if line.startswith("| male |")]
    assert line.startswith("| male | 42 | 9 |")
    assert line.count(TOO_FEW) == 2


def test_of_a_handful_of_loans_nothing_is_said_but_how_many_there_are():
    found = audited([*WOMEN, *MEN, ("other", 1, GRANTED), ("other", 1, REFUSED)])
    other = by_sex(found).groups[-1]
    assert (other.group, other.loans, other.defaulted) == ("other", 2, 2)
    rates = (other.selection_rate, other.false_positive_rate, other.false_negative_rate, other.roc_auc, other.observed)
    assert rates == (None,) * 5
    for gap in by_sex(found).gaps:
        assert gap.left_out == ("other",)
        assert gap.groups == 2
    assert f"| other | 2 | 2 | {' | '.join([TOO_FEW] * 4)} | 0.255 | {TOO_FEW} |" in as_markdown(found.traits)


def test_a_rate_of_nought_still_has_an_interval():
    found = by_sex(audited([*WOMEN, *counted("male", paid_granted=40, defaulted_refused=20)])).groups[1]
    for never in (found.false_positive_rate, found.false_negative_rate):
        assert never.value == never.low == 0
        assert 0.05 < never.high < 0.2


def test_ages_are_those_on_the_day_of_the_grant():
    born = ["1971-07-01", "1971-05-01", "1951-07-01", "1941-07-01", "1941-05-01", "1920-01-01", None]
    groups = groups_of(made(["female"] * 7, owner_born_on=born))
    bands = ["under 25", "25 to 34", "35 to 44", "45 to 54", "55 and over", "55 and over", "unknown"]
    assert groups["age"].astype(str).to_list() == bands
    # 44 years and eleven months.
    assert groups_of(made(["male"], owner_born_on="1951-07-01"))["age"].astype(str).to_list() == ["35 to 44"]


def test_a_group_may_be_missing_from_a_repeat():
    truth, probability = zip(*((end, said) for _, end, said in WOMEN), strict=True)
    men = [record(*map(list, zip(*((end, said) for _, end, said in MEN), strict=True)), repeat=1, first_loan=101)]
    women = [record(list(truth), list(probability))]
    apart = audit([*women, *men], made(["female"] * 100 + ["male"] * 100), COSTS)
    together = audited([*WOMEN, *MEN])
    for one, other in zip(by_sex(apart).groups, by_sex(together).groups, strict=True):
        assert one.roc_auc.value == pytest.approx(other.roc_auc.value)
        assert one.false_negative_rate == other.false_negative_rate


def test_unknown_groups_are_a_group_of_their_own():
    found = audited([*WOMEN, *((None, truth, said) for _, truth, said in MEN)])
    assert [each.group for each in by_sex(found).groups] == ["female", "unknown"]
    assert by_sex(found).groups[1].loans == 100


def test_predictions_of_other_loans_are_refused():
    with pytest.raises(
        ContractError, match=r"1 of the predicted loans, 3 first, are not among the 2 loans of run 2026"
    ):
        audit([record([0, 1, 0], [0.1, 0.9, 0.1])], made(["female", "male"]), COSTS)


def test_the_published_models_held_out_loans_have_the_same_figures():
    rows = [*WOMEN, *MEN]
    found = audited(rows)
    sexes, truth, probability = zip(*rows, strict=True)
    held_out = pd.DataFrame({"loan_id": range(1, 201), "defaulted": truth, "probability": probability})
    assert of_held_out(held_out, made(list(sexes)), found.threshold) == found.traits


def test_sex_is_no_feature_unless_the_recipe_asks_for_it():
    assert not Recipe("form").with_sex
    for name in ("form", "full"):
        assert not [feature for feature in offered(feature_set(name)) if "sex" in feature]
    loans = invented_loans()
    (fold,) = folds(loans.table, "holdout", repeats=1, seed=0)
    recipe = Recipe("form", "holdout", 1, contender=contenders.MAJORITY)
    assert "owner_sex" not in nested.run_fold(loans, recipe, fold).features
    assert "owner_sex" in nested.run_fold(loans, replace(recipe, with_sex=True), fold).features


def of_five(noise: float) -> list[FoldRecord]:
    """Five folds of 100 loans whose probabilities carry so much noise."""
    rng, truth = np.random.default_rng(1), np.tile([0, 0, 0, 1], 25)
    found = []
    for fold in range(5):
        said = 0.2 + 0.4 * truth + noise * rng.random(100)
        found.append(record(truth.tolist(), said.tolist(), number=fold, first_loan=1 + 100 * fold))
    return found


def test_what_sex_would_have_bought_is_said():
    without, same, better = (
        entry(Recipe("form", with_sex=bool(n)), of_five(noise), COSTS) for n, noise in enumerate((0.8, 0.8, 0.0))
    )
    bought = bought_by_sex(without, better)
    assert bought["roc_auc"].low > 0
    assert bought["log_loss"].high < 0
    loans = made(["female", "male"] * 250)
    price = sentences(audit(without.records, loans, COSTS, bought))[-1]
    assert price.startswith(f"Adding sex would have changed roc_auc +{bought['roc_auc'].value:.3f}")
    nothing = audit(without.records, loans, COSTS, bought_by_sex(without, same))
    assert sentences(nothing)[-1] == "Adding sex would have bought nothing that these loans can tell from 0."
    assert "It was not evaluated." in as_page(audited([*WOMEN, *MEN]), Recipe("form"), command="x")


def test_the_page_says_what_it_is_of_and_what_it_means():
    found = audited([*WOMEN, *MEN])
    page = as_page(found, Recipe("form", repeats=3), command="payoff model fairness")
    for words in (
        "200 loans, 40 defaulted.", "set `form`", "3 times with other folds", "`payoff model fairness`", "of 0.167 on",
        "| female | 100 | 20 | 0.650 (",
        "Groups by sex differ in demographic parity by 0.260 (more than chance gives, p < 0.001)",
        "No feature is sex or age or region, or computed from it.",
    ):  # fmt: skip
        assert words in page, words


def test_a_page_without_any_comparison_says_so():
    found = audited(counted("female", paid_granted=5, defaulted_refused=3))
    assert [trait.gaps for trait in found.traits] == [()] * 3
    assert "No two groups have enough loans to be compared." in as_page(found, Recipe("form"), command="x")
    assert not [said for said in sentences(found) if "comparison" in said]


def test_features_that_tell_a_trait_are_named():
    records = [record([0, 1] * 20, [0.1, 0.9] * 20).model_copy(update={"features": ("owner_age_years", "owner_sex")})]
    found = audit(records, made(["female"] * 40), COSTS)
    assert [each.seen_through for each in found.traits] == [("owner_sex",), ("owner_age_years",), ()]
    assert sentences(found)[0] == (
        "No feature is region, or computed from it; the model knows of sex through `owner_sex` and of age through"
        " `owner_age_years`."
    )


def test_an_audit_survives_being_written_as_json():
    found = audited([*WOMEN, *MEN])
    assert FairnessAudit.model_validate_json(found.model_dump_json()) == found
