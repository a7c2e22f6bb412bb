"""The report of an evaluation, as JSON and as a page."""

import base64
import hashlib
import html
import json
import re
from xml.etree import ElementTree as ET

import matplotlib
import pytest
from evaluations import COMMAND, COSTS, RUN, evaluated, simulated

from training.evaluation import wording
from training.evaluation.comparison import Entry
from training.evaluation.metrics import NAMES
from training.evaluation.nested import Recipe
from training.evaluation.pictures import PALETTE, Picture, pictures
from training.evaluation.report import Report, as_html, as_json, report

SVG = "{http://www.w3.org/2000/svg}"
MADE = {"data_run": RUN, "command": COMMAND}


@pytest.fixture(scope="module")
def entry() -> Entry:
    return evaluated()


@pytest.fixture(scope="module")
def page(entry: Entry) -> str:
    return as_html(entry, **MADE)


@pytest.fixture(scope="module")
def drawn(entry: Entry) -> tuple[Picture, ...]:
    return pictures(entry.records, entry.judged)


def test_the_json_reads_back_as_what_was_written(entry):
    text = as_json(entry, **MADE)
    assert Report.model_validate_json(text) == report(entry, **MADE)
    assert json.loads(text)["schema_version"] == 1


def test_the_json_holds_every_metric_with_interval_spread_and_each_fold(entry):
    told, judged = report(entry, **MADE), entry.judged
    assert set(told.metrics) == set(NAMES)
    for name, measured in told.metrics.items():
        assert (measured.value, measured.low, measured.high) == tuple(judged.metrics[name].model_dump().values())
        assert measured.fold_spread == judged.spread[name]
        assert list(measured.by_fold) == list(judged.by_fold[name])


def test_the_json_holds_what_every_loan_was_given_in_every_repeat(entry):
    told = report(entry, **MADE)
    assert (told.loans, told.defaulted) == (300, sum(end for each in entry.records[:3] for end in each.truth))
    assert [each.probability for each in told.predictions] == [p for each in entry.records for p in each.probability]
    assert [each.raw for each in told.predictions] == [p for each in entry.records for p in each.raw]
    assert {(each.repeat, each.loan_id) for each in told.predictions} == {(r, n) for r in (1, 2) for n in range(1, 301)}


def test_the_json_says_how_it_was_made(entry):
    told = report(entry, **MADE)
    assert (told.recipe["feature_set"], told.data_run, told.command, told.costs) == ("form", RUN, COMMAND, COSTS)
    assert {"python", "payoff", "autogluon.tabular", "scikit-learn"} <= set(told.versions)
    assert [(each.repeat, each.fold) for each in told.folds] == [(r, f) for r in (1, 2) for f in (1, 2, 3)]
    assert told.folds[0].model_dump(include={"train_loans", "train_defaulted", "test_loans", "size_bytes"}) == {
        "train_loans": 4, "train_defaulted": 1, "test_loans": 100, "size_bytes": 40_000,
    }  # fmt: skip


def test_a_fold_without_defaults_has_no_figure_rather_than_invalid_json():
    paid = simulated(repeats=1)
    paid[0] = paid[0].model_copy(update={"truth": (0,) * len(paid[0].truth)})
    told = report(evaluated(paid, repeats=1), **MADE)
    assert told.folds[0].roc_auc is None
    assert told.metrics["roc_auc"].by_fold[0] is None
    assert told.metrics["roc_auc"].value > 0.5
    assert Report.model_validate_json(told.model_dump_json()) == told


def test_the_page_has_a_row_for_every_metric_with_the_figures_of_the_evaluation(page, entry):
    for metric in (each for group in wording.METRICS.values() for each in group):
        figure, spread = entry.judged.metrics[metric.name], entry.judged.spread[metric.name]
        shown = [f"{figure.value:.3f}", f"{figure.low:.3f} to {figure.high:.3f}", f"{spread:.3f}"]
        cells = "".join(f"<td>{each}</td>" for each in shown).replace("-", wording.MINUS)
        assert f'<th scope="row">{metric.label}</th>{cells}' in page


def test_every_metric_has_a_name_and_a_sentence():
    members = [each for group in wording.METRICS.values() for each in group]
    assert sorted(each.name for each in members) == sorted(NAMES)
    for each in members:
        assert each.means.format(**wording.without_a_model(0.1)).endswith(".")


def test_the_page_has_the_costs_of_every_policy(page, entry):
    assert set(entry.judged.cost) == set(wording.POLICIES)
    for policy, cost in entry.judged.cost.items():
        assert f'<th scope="row">{wording.POLICIES[policy]}</th><td>{wording.grouped(cost.value)}</td>' in page


def test_the_page_has_a_row_for_every_fold(page, entry):
    for record, area in zip(entry.records, entry.judged.by_fold["roc_auc"], strict=True):
        row = re.search(rf'<th scope="row">{record.repeat + 1}\.{record.number + 1}</th>(.*)</tr>', page)
        assert row
        assert f"<td>{len(record.loans)} ({sum(record.truth)})</td><td>2</td><td>{area:.3f}</td>" in row[1]


def test_one_fold_has_no_spread():
    single = evaluated(simulated(folds=1, repeats=1), repeats=1)
    assert report(single, **MADE).metrics["roc_auc"].fold_spread is None
    assert "Spread" not in as_html(single, **MADE)


def test_what_others_named_is_escaped():
    hostile = "<script>alert(1)</script>"
    entry = evaluated(contender=hostile)
    page = as_html(entry, data_run=hostile, command=f"payoff --features '{hostile}'")
    assert "<script" not in page
    assert page.count(html.escape(hostile)) >= 3


def test_the_page_loads_nothing_and_its_styles_are_the_only_ones_its_policy_allows(page):
    assert not re.search(r"""(?:src|href|action|data)\s*=\s*["'](?!#)""", page)
    assert not re.search(r"url\((?!#)|@import|<(?:script|link|img|iframe|object|embed)\b", page)
    assert " style=" not in page
    (styles,) = re.findall(r"<style>(.*?)</style>", page, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(styles.encode()).digest()).decode()
    assert f"default-src 'none'; style-src 'sha256-{digest}'" in page


def test_no_id_stands_twice_in_the_page_and_every_reference_has_its_own(page):
    ids = re.findall(r' id="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    named = re.findall(r'aria-labelledby="([^"]+)"', page)
    assert {part for value in named for part in value.split()} | set(re.findall(r"#([\w-]+)\)", page)) <= set(ids)


def test_the_same_evaluation_gives_the_same_bytes_whatever_a_reader_has_set(entry, page):
    with matplotlib.rc_context({"font.size": 30, "svg.hashsalt": None, "axes.grid": False}):
        assert as_html(entry, **MADE) == page
        assert matplotlib.rcParams["font.size"] == 30


def test_the_five_pictures_are_well_formed_and_told_in_words(drawn):
    assert [each.name for each in drawn] == ["reliability", "roc", "precision-recall", "gain", "cost"]
    for picture in drawn:
        root = ET.fromstring(picture.svg)
        assert root.tag == f"{SVG}svg"
        assert root.get("role") == "img"
        title, says = root.find(f"{SVG}title"), root.find(f"{SVG}desc")
        assert root.get("aria-labelledby") == f"{title.get('id')} {says.get('id')}"
        assert (title.text, says.text) == (picture.title, picture.says)
        assert root.findall(f".//{SVG}text"), "letters stay letters"


def test_the_pictures_say_the_figures_of_the_table(drawn, entry):
    says, judged = {each.name: each.says for each in drawn}, entry.judged
    for name, metric in (("roc", "roc_auc"), ("precision-recall", "pr_auc")):
        figure = judged.metrics[metric]
        assert f"is {figure.value:.3f} (95 % interval {figure.low:.3f} to {figure.high:.3f})" in says[name]
    for policy in ("the model", "grant all", "grant none"):
        assert wording.czk(judged.cost[policy].value) in says["cost"]
    before, after = judged.raw_calibration_error, judged.calibration_error
    assert f"{before:.3f} before calibration, {after:.3f} after" in says["reliability"]


def test_every_colour_of_the_pictures_has_its_like_for_dark_screens(drawn, page):
    used = {colour for each in drawn for colour in re.findall(r"#[0-9a-f]{6}\b", each.svg)}
    assert used == set(PALETTE)
    for colour in PALETTE:
        for ink in ("fill", "stroke"):
            assert f'[{ink}="{colour}"] {{ {ink}: ' in page


@pytest.mark.parametrize(
    ("recipe", "words"),
    [
        (Recipe("form", "cv", repeats=3), "stratified 5-fold cross-validation, 3 times with other folds"),
        (Recipe("form", "holdout", repeats=1), "trained on 70\u00a0% of the loans, tested on the rest, once"),
        (Recipe("form", "time"), "trained on the loans granted up to 31 December 1996, tested on the later ones"),
    ],
)
def test_the_protocol_is_told_in_words(recipe, words):
    assert wording.protocol(recipe) == words


def test_numbers_are_told_without_needless_digits():
    assert wording.decimal(-0.0351) == "−0.035"
    assert wording.decimal(None) == "–"
    assert [wording.percent(share) for share in (0.5, 1 / 6, 1)] == ["50\u00a0%", "16.7\u00a0%", "100\u00a0%"]
    assert wording.czk(12300.4) == "12\u202f300\u00a0CZK"
    assert (wording.size(40_000), wording.size(2_500_000)) == ("40\u00a0kB", "2.5\u00a0MB")
