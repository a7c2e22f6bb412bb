"""A person reads an answer and tries other terms: by keyboard, without JavaScript, on paper. Drafts stay in the tab."""

from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, Route, expect
from web import ANSWERS, DOUBTFUL, fill, send

DRAFT = "Go on where you stopped?"


FILL = "answers => Object.entries(answers).forEach(([name, value]) => { document.getElementById(name).value = value; })"


def answered(page: Page, live_app: str, answers: dict[str, Any] = ANSWERS) -> None:
    """Open the answer's page; the form is filled in at once, because how people do it is tested elsewhere."""
    page.goto(live_app)
    page.evaluate(FILL, answers)
    send(page)
    expect(page.get_by_role("heading", name="What would change it")).to_be_visible()
    page.wait_for_load_state()


def tried(page: Page, name: str) -> Locator:
    """What the table says of the terms that were tried."""
    return page.locator("#what-if").get_by_role("row", name=name).get_by_role("cell").last


def amount(page: Page) -> Locator:
    return page.get_by_role("spinbutton", name="Amount")


def test_the_sliders_recompute_by_keyboard_and_the_first_prediction_stays(desktop: Page, live_app: str) -> None:
    answered(desktop, live_app)
    slider = desktop.get_by_role("slider", name="Amount, as a slider")
    slider.focus()
    desktop.keyboard.press("End")
    expect(amount(desktop)).to_have_value("590000")
    assert slider.get_attribute("aria-valuetext") == "590,000 CZK"
    months = desktop.get_by_role("slider", name="Duration, as a slider")
    months.focus()
    desktop.keyboard.press("ArrowLeft")
    expect(desktop.get_by_role("status")).to_have_text(
        "With 590,000\u00a0CZK over 12\u00a0months: payoff is doubtful, probability 78.6\u00a0%."
    )
    expect(tried(desktop, "Answer")).to_have_text("Payoff is doubtful")
    expect(tried(desktop, "Monthly instalment")).to_have_text("49,167\u00a0CZK a\u00a0month")
    expect(desktop.get_by_role("row", name="Amount").first.get_by_role("cell").first).to_have_text("80,952\u00a0CZK")
    expect(desktop.get_by_role("heading", level=1)).to_have_text("Likely to be paid off")
    expect(desktop.locator("[data-word=largest]")).to_contain_text("payoff is likely for every amount up to")


def test_the_live_probability_is_the_one_the_form_gives(desktop: Page, live_app: str) -> None:
    answered(desktop, live_app)
    amount(desktop).fill("123456")
    desktop.get_by_role("spinbutton", name="Duration").fill("36")
    expect(tried(desktop, "Duration")).to_have_text("36\u00a0months")
    live = desktop.locator("[data-word=probability]").get_attribute("data-value")
    answered(desktop, live_app, ANSWERS | {"loan_amount_czk": 123456, "loan_duration_months": 36})
    assert float(live or 0) == pytest.approx(float(desktop.locator("data").get_attribute("value") or 1), abs=1e-9)


def test_typing_moves_the_slider_and_the_curve_follows_the_terms(desktop: Page, live_app: str) -> None:
    answered(desktop, live_app)
    curve = desktop.locator(".curve path")
    before = curve.get_attribute("d")
    mark = desktop.locator(".curve > svg > .curve-amount")
    amount(desktop).fill("590000")
    expect(mark).to_have_attribute("transform", "translate(100 0)")
    assert desktop.get_by_role("slider", name="Amount, as a slider").input_value() == "590000"
    assert curve.get_attribute("d") == before
    amount(desktop).fill("1000000")
    expect(mark).to_have_attribute("visibility", "hidden")
    desktop.get_by_role("spinbutton", name="Duration").fill("12")
    expect(desktop.get_by_role("img", name="over 12\u00a0months")).to_be_visible()
    assert curve.get_attribute("d") != before


def test_terms_that_cannot_be_are_named_at_their_field_until_they_are_mended(phone: Page, live_app: str) -> None:
    answered(phone, live_app)
    amount(phone).fill("5")
    problem = "Amount must be at least 1,000\u00a0CZK."
    expect(phone.locator("#what_if_loan_amount_czk-error")).to_have_text(problem)
    expect(phone.get_by_role("status")).to_have_text(problem)
    expect(amount(phone)).to_have_attribute("aria-invalid", "true")
    amount(phone).fill("50000")
    expect(phone.get_by_role("status")).to_contain_text("With 50,000")
    expect(phone.locator("#what_if_loan_amount_czk-error")).to_be_hidden()
    expect(amount(phone)).not_to_have_attribute("aria-invalid", "true")


def test_where_recomputing_fails_the_button_is_offered_and_works(desktop: Page, live_app: str) -> None:
    answered(desktop, live_app)
    expect(desktop.get_by_role("button", name="Recalculate")).to_be_hidden()

    def cut(route: Route) -> None:
        route.abort()

    desktop.route("**/what-if", cut)
    amount(desktop).fill("900000")
    expect(desktop.get_by_role("status")).to_contain_text("Press “Recalculate”")
    desktop.unroute("**/what-if")
    desktop.get_by_role("button", name="Recalculate").click()
    expect(desktop.get_by_role("status")).to_contain_text("With 900,000\u00a0CZK")


def test_enter_recomputes_without_leaving_the_page(desktop: Page, live_app: str) -> None:
    answered(desktop, live_app)
    amount(desktop).fill("70000")
    desktop.keyboard.press("Enter")
    expect(desktop.get_by_role("status")).to_contain_text("With 70,000")
    assert desktop.url.rstrip("/") == live_app


def test_without_javascript_a_button_recalculates_and_nothing_useless_is_offered(
    browser: Browser, live_app: str
) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(live_app)
    fill(page, ANSWERS)
    send(page)
    expect(page.get_by_role("slider")).to_have_count(0)
    expect(page.get_by_role("button", name="Print")).to_have_count(0)
    amount(page).fill("900000")
    page.get_by_role("button", name="Recalculate").click()
    expect(page.get_by_role("status")).to_contain_text("With 900,000\u00a0CZK over 24\u00a0months: payoff is doubtful")
    expect(page.get_by_role("heading", level=1)).to_have_text("Likely to be paid off")
    expect(amount(page)).to_have_value("900000")
    amount(page).fill("5")
    page.get_by_role("button", name="Recalculate").click()
    expect(page.locator("#what_if_loan_amount_czk-error")).to_have_text("Amount must be at least 1,000\u00a0CZK.")
    page.get_by_role("button", name="Change the figures").click()
    expect(page.get_by_label("Amount", exact=True)).to_have_value("80952")
    context.close()


# Drafts


def test_a_draft_survives_a_reload_and_a_way_around_in_the_tab(desktop: Page, live_app: str) -> None:
    desktop.goto(live_app)
    desktop.get_by_label("Amount", exact=True).fill("80952")
    desktop.get_by_label("District", exact=True).select_option("Beroun")
    desktop.goto(f"{live_app}/about")
    desktop.goto(live_app)
    offer = desktop.get_by_role("region", name=DRAFT)
    expect(offer).to_be_visible()
    # What is typed meanwhile counts, and survives the next reload beside what was typed before.
    desktop.get_by_label("Duration", exact=True).fill("24")
    desktop.goto(f"{live_app}/about")
    desktop.goto(live_app)
    desktop.get_by_label("Amount", exact=True).fill("70000")
    desktop.get_by_role("button", name="Fill it in again").click()
    expect(offer).to_be_hidden()
    expect(desktop.get_by_label("Amount", exact=True)).to_have_value("70000")
    expect(desktop.get_by_label("Duration", exact=True)).to_have_value("24")
    expect(desktop.get_by_label("District", exact=True)).to_have_value("Beroun")
    expect(desktop.locator("#instalment")).to_contain_text("2,917")
    desktop.reload()
    kept = desktop.get_by_label("Duration", exact=True).input_value() == "24"
    assert kept or offer.is_visible()


def test_a_draft_that_is_not_wanted_is_forgotten(desktop: Page, live_app: str) -> None:
    desktop.goto(live_app)
    desktop.get_by_label("Amount", exact=True).fill("80952")
    desktop.goto(f"{live_app}/about")
    desktop.goto(live_app)
    desktop.get_by_role("button", name="Forget it").click()
    desktop.goto(f"{live_app}/about")
    desktop.goto(live_app)
    expect(desktop.get_by_label("Amount", exact=True)).to_have_value("")
    expect(desktop.get_by_role("region", name=DRAFT)).to_be_hidden()


def test_a_draft_is_gone_once_it_was_answered(desktop: Page, live_app: str) -> None:
    desktop.goto(live_app)
    fill(desktop, ANSWERS)
    send(desktop)
    desktop.get_by_role("button", name="Start anew").click()
    expect(desktop.get_by_label("Amount", exact=True)).to_have_value("")
    expect(desktop.get_by_role("region", name=DRAFT)).to_be_hidden()


def test_a_draft_is_gone_after_starting_anew_from_the_mistakes(desktop: Page, live_app: str) -> None:
    desktop.goto(live_app)
    desktop.get_by_label("Amount", exact=True).fill("80952")
    send(desktop)
    desktop.get_by_role("button", name="Start anew").click()
    expect(desktop.get_by_role("region", name=DRAFT)).to_be_hidden()
    expect(desktop.get_by_label("Amount", exact=True)).to_have_value("")


def test_no_draft_leaves_the_browser_or_the_tab(desktop: Page, live_app: str) -> None:
    desktop.goto(live_app, wait_until="networkidle")
    sent: list[str] = []

    def follow(request: Any) -> None:
        sent.append(request.url)

    desktop.on("request", follow)
    desktop.get_by_label("Amount", exact=True).fill("80952")
    other = desktop.context.new_page()
    other.goto(live_app)
    expect(other.get_by_role("region", name=DRAFT)).to_be_hidden()
    assert sent == []
    assert desktop.evaluate("localStorage.length") == 0


# Paper and phones


def test_the_print_has_answer_reasons_figures_and_reference_but_nothing_to_try(desktop: Page, live_app: str) -> None:
    answered(desktop, live_app, DOUBTFUL)
    desktop.evaluate("window.print = () => { document.title = 'printed'; }")
    desktop.get_by_role("button", name="Print").click()
    expect(desktop).to_have_title("printed")
    desktop.emulate_media(media="print")
    for heading in ("Payoff is doubtful", "What moved this prediction", "What you entered", "How sure is this?"):
        expect(desktop.get_by_role("heading", name=heading)).to_be_visible()
    expect(desktop.get_by_role("heading", name="Reference")).to_be_visible()
    expect(desktop.get_by_text("Model 2026-01-05T09-30-00")).to_be_visible()
    expect(desktop.get_by_role("heading", name="What would change it")).to_be_hidden()
    expect(desktop.locator("button, input, a[role=button]").filter(visible=True)).to_have_count(0)


@pytest.mark.parametrize("width", [320, 390])
def test_no_page_scrolls_sideways_on_a_phone(browser: Browser, live_app: str, width: int) -> None:
    context = browser.new_context(viewport={"width": width, "height": 700})
    page = context.new_page()
    answered(page, live_app, DOUBTFUL)
    amount(page).fill("2000000")
    expect(page.get_by_role("status")).to_contain_text("2,000,000")
    assert page.evaluate("document.documentElement.scrollWidth") == width
    page.goto(f"{live_app}/about")
    assert page.evaluate("document.documentElement.scrollWidth") == width
    context.close()


def test_everything_to_press_on_the_answer_is_large_enough_for_a_thumb(phone: Page, live_app: str) -> None:
    answered(phone, live_app)
    controls = phone.locator("input:visible, button:visible, a[role=button]:visible").all()
    heights = [(box := control.bounding_box()) and box["height"] for control in controls]
    assert len(heights) == 7
    assert min(height for height in heights if height) >= 44


def test_nothing_on_the_pages_is_blocked_or_logged(desktop: Page, live_app: str) -> None:
    said: list[str] = []
    desktop.on("console", lambda message: said.append(message.text))
    desktop.on("pageerror", lambda error: said.append(str(error)))
    answered(desktop, live_app)
    amount(desktop).fill("70000")
    expect(desktop.get_by_role("status")).to_contain_text("With 70,000")
    desktop.get_by_role("link", name="What is kept, and for how long").click()
    expect(desktop.get_by_role("heading", name="What is kept, and for how long")).to_be_in_viewport()
    assert said == []
