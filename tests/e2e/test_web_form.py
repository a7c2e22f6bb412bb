"""A person uses the form: phone and desktop, mouse and keyboard, with JavaScript and without."""

from typing import Any

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, expect
from web import ANSWERS, DOUBTFUL, fill, send

from features.questions import QUESTIONS

SCREENS = {"phone": (390, 844), "desktop": (1280, 900)}


def expect_inputs(page: Page, answers: dict[str, Any]) -> None:
    for question in QUESTIONS:
        expect(page.get_by_label(question.label, exact=True)).to_have_value(str(answers[question.name]))


@pytest.mark.parametrize("screen", SCREENS)
def test_a_person_reads_the_prediction_and_comes_back_with_the_inputs_kept(
    request: pytest.FixtureRequest, live_app: str, screen: str
) -> None:
    page: Page = request.getfixturevalue(screen)
    page.goto(live_app)
    fill(page, ANSWERS)
    send(page)
    expect(page.get_by_role("heading", level=1)).to_have_text("Likely to be paid off")
    expect(page.get_by_text("Of the 51 test loans that scored in this range")).to_be_visible()
    expect(page.get_by_role("row", name="Monthly instalment").last).to_contain_text("3,373")
    page.get_by_role("button", name="Change the figures").click()
    expect_inputs(page, ANSWERS)
    fill(page, DOUBTFUL)
    send(page)
    expect(page.get_by_role("heading", level=1)).to_have_text("Payoff is doubtful")
    expect(page.get_by_role("heading", name="Unlike the loans the model learnt from")).to_be_visible()


def test_the_back_button_keeps_what_was_typed(desktop: Page, live_app: str) -> None:
    desktop.goto(live_app)
    fill(desktop, ANSWERS)
    send(desktop)
    expect(desktop.get_by_role("heading", level=1)).to_have_text("Likely to be paid off")
    desktop.go_back()
    expect_inputs(desktop, ANSWERS)


def test_mistakes_are_listed_in_focus_and_lead_to_their_fields(phone: Page, live_app: str) -> None:
    phone.goto(live_app)
    fill(phone, ANSWERS | {"transaction_count_90d": "121"})
    phone.get_by_label("Amount", exact=True).fill("")
    send(phone)
    alert = phone.get_by_role("alert")
    expect(alert).to_be_focused()
    alert.get_by_role("link", name="Amount is missing").click()
    amount = phone.get_by_label("Amount", exact=True)
    expect(amount).to_be_focused()
    expect(amount).to_have_attribute("aria-invalid", "true")
    amount.fill(str(ANSWERS["loan_amount_czk"]))
    send(phone)
    phone.get_by_role("link", name="Transactions in the last three months cannot be more").click()
    phone.keyboard.press("ControlOrMeta+A")
    phone.keyboard.type("18")
    send(phone)
    expect(phone.get_by_role("heading", level=1)).to_have_text("Likely to be paid off")


def test_the_instalment_shows_while_amount_and_duration_are_typed(phone: Page, live_app: str) -> None:
    phone.goto(live_app)
    strip = phone.locator("#instalment")
    expect(strip).to_be_hidden()
    phone.get_by_label("Amount", exact=True).press_sequentially("80952")
    phone.get_by_label("Duration", exact=True).press_sequentially("24")
    expect(strip).to_have_text("Monthly instalment 3,373 CZK a month", use_inner_text=True)
    phone.get_by_label("Duration", exact=True).fill("0")
    expect(strip).to_be_hidden()


def test_the_keyboard_alone_is_enough(desktop: Page, live_app: str) -> None:
    desktop.goto(live_app)
    desktop.keyboard.press("Tab")
    expect(desktop.get_by_role("link", name="Skip to the content")).to_be_focused()
    desktop.keyboard.press("Enter")
    for question in QUESTIONS:
        field = desktop.get_by_label(question.label, exact=True)
        desktop.keyboard.press("Tab")
        if question.kind == "date":
            # The parts of a date are fields of their own to the keyboard, ordered as the locale has it.
            year, month, day = str(ANSWERS[question.name]).split("-")
            desktop.keyboard.type(f"{month}{day}{year}")
            for _ in range(2):
                if field.evaluate("field => field === document.activeElement"):
                    desktop.keyboard.press("Tab")
            desktop.keyboard.press("Shift+Tab")
        elif question.kind in {"choice", "district"}:
            wanted = dict(question.choices).get(str(ANSWERS[question.name]), str(ANSWERS[question.name]))
            desktop.keyboard.type(wanted)
        else:
            desktop.keyboard.type(str(ANSWERS[question.name]))
        expect(field).to_have_value(str(ANSWERS[question.name]))
    desktop.keyboard.press("Enter")
    expect(desktop.get_by_role("heading", level=1)).to_have_text("Likely to be paid off")


def test_everything_works_without_javascript(browser: Browser, live_app: str) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(live_app)
    fill(page, ANSWERS | {"loan_amount_czk": ""})
    send(page)
    expect(page.get_by_role("alert")).to_contain_text("Amount is missing")
    page.get_by_label("Amount", exact=True).fill("80952")
    send(page)
    expect(page.get_by_role("heading", level=1)).to_have_text("Likely to be paid off")
    page.get_by_role("button", name="Change the figures").click()
    expect_inputs(page, ANSWERS)
    context.close()


def test_a_form_that_lost_its_cookie_needs_only_a_second_press(desktop: Page, live_app: str) -> None:
    desktop.goto(live_app)
    fill(desktop, ANSWERS)
    desktop.context.clear_cookies()
    send(desktop)
    expect(desktop.get_by_role("alert")).to_contain_text("send the form once more")
    expect_inputs(desktop, ANSWERS)
    send(desktop)
    expect(desktop.get_by_role("heading", level=1)).to_have_text("Likely to be paid off")


def test_nothing_is_blocked_logged_or_fetched_from_elsewhere(desktop: Page, live_app: str) -> None:
    said: list[str] = []
    asked: list[str] = []

    def note(message: ConsoleMessage) -> None:
        said.append(message.text)

    def follow(request: Request) -> None:
        asked.append(request.url)

    desktop.on("console", note)
    desktop.on("pageerror", lambda error: said.append(str(error)))
    desktop.on("request", follow)
    desktop.goto(live_app)
    fill(desktop, ANSWERS)
    send(desktop)
    desktop.get_by_role("button", name="Change the figures").click()
    expect(desktop.get_by_role("heading", level=1)).to_have_text("Will this loan be paid off?")
    assert said == []
    assert [url for url in asked if not url.startswith((live_app, "data:"))] == []


def test_no_page_scrolls_sideways_on_the_smallest_phone(browser: Browser, live_app: str) -> None:
    context = browser.new_context(viewport={"width": 320, "height": 640})
    page = context.new_page()
    page.goto(live_app)
    widths = [_width(page)]
    send(page)
    widths.append(_width(page))
    fill(page, DOUBTFUL)
    send(page)
    expect(page.get_by_role("heading", level=1)).to_have_text("Payoff is doubtful")
    widths.append(_width(page))
    page.goto(f"{live_app}/nowhere")
    widths.append(_width(page))
    assert widths == [320] * 4
    context.close()


def _width(page: Page) -> int:
    """How wide the page is once its styles are there, too."""
    page.wait_for_load_state("load")
    width: int = page.evaluate("document.documentElement.scrollWidth")
    return width


def test_everything_to_press_is_large_enough_for_a_thumb(phone: Page, live_app: str) -> None:
    phone.goto(live_app)
    controls = phone.locator("input:visible, select:visible, button:visible, .brand")
    heights = [(box := control.bounding_box()) and box["height"] for control in controls.all()]
    assert len(heights) == len(QUESTIONS) + 2
    assert min(height for height in heights if height) >= 44


def test_the_print_has_the_answer_and_nothing_to_press(desktop: Page, live_app: str) -> None:
    desktop.goto(live_app)
    fill(desktop, ANSWERS)
    send(desktop)
    desktop.emulate_media(media="print")
    expect(desktop.get_by_role("heading", name="Likely to be paid off")).to_be_visible()
    expect(desktop.get_by_role("table")).to_have_count(3)
    expect(desktop.locator("button, a[role=button]").filter(visible=True)).to_have_count(0)
