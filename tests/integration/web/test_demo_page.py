"""/demo in a real Chromium, on the real stack: a whole exam and a practice session, with everything that goes wrong."""

from __future__ import annotations

import re
import signal
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, Route, expect

from tests.support.browser import SENTENCE, Seen, chromium, unavailable, violations
from tools.stack.stack import Stack

#: Takes long, and is run by `make proof`.
pytestmark = [pytest.mark.proof, pytest.mark.timeout(400)]

WAIT_MS = 60_000
WORKERS = ("interactive", "prefetch")
TOTAL = 96

#: A browser says so in red when a call gets no answer, or an error.
EXPECTED_IN_RED = ("net::ERR_", "status of 503")

#: Collects what the status line says: a prefetch may be over before a test looks.
NOTE_STATUS = """() => {
  window.told = [];
  const status = document.querySelector(".activity [role=status]");
  new MutationObserver(() => told.push(status.textContent)).observe(status, { characterData: true, childList: true, subtree: true });
}"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    context = browser.new_context(locale="ar", viewport={"width": 1280, "height": 860})
    context.set_default_timeout(WAIT_MS)
    expect.set_options(timeout=WAIT_MS)
    yield context
    context.close()


def test_a_whole_exam_with_everything_that_goes_wrong(stack: Stack, context: BrowserContext) -> None:
    page = context.new_page()
    seen = Seen.of(page)
    page.goto(f"{stack.api_url}/demo")
    started_without_workers(stack, page)
    answer_until(page, 5)
    reloaded(page)
    answer_until(page, 12)
    answered_in_a_second_tab(page, context)
    cut_off(stack, page)
    page.evaluate(NOTE_STATUS)
    answer_until(page, 30)
    stack.children["prefetch"].send(signal.SIGKILL)
    answer_until(page, TOTAL - 1)
    answer(page, TOTAL - 1)
    assert "تُكتب الأسئلة القادمة قبل أن تصل إليها." in page.evaluate("told")
    stack.restart("prefetch")
    hand_in(page)
    result = page.locator(".score")
    expect(result).to_contain_text("أجبت عن ٩٦")
    expect(page.locator(".reviewed")).to_have_count(TOTAL)
    shown = result.inner_text()
    page.reload()
    expect(result).to_have_text(shown, use_inner_text=True)

    assert seen.errors == []
    assert [line for line in seen.console if not any(part in line for part in EXPECTED_IN_RED)] == []
    assert seen.hosts - {""} == {stack.api_url.removeprefix("http://")}  # "": images in data URLs


def started_without_workers(stack: Stack, page: Page) -> None:
    """No worker, then a 503: the student reads the sentence, and a retry succeeds once there are workers."""
    for name in WORKERS:
        stack.children[name].send(signal.SIGKILL)
    page.route("**/questions", unavailable)
    page.get_by_role("button", name="المسار العلمي", exact=True).click()
    expect(page.get_by_text("نكتب السؤال ١ الآن")).to_be_visible()
    expect(page.get_by_role("alert")).to_contain_text(SENTENCE)
    page.unroute("**/questions")
    page.get_by_role("button", name="أعد المحاولة").click()
    expect(page.get_by_role("alert")).to_have_count(0)
    for name in WORKERS:
        stack.restart(name)
    expect(choices(page).first).to_be_visible()


def reloaded(page: Page) -> None:
    """The same question, and the answers."""
    page.reload()
    expect(place(page)).to_contain_text("السؤال ٦")
    for index in range(5):
        expect(mapped(page, index)).to_have_attribute("data-answered", "true")
    page.get_by_role("button", name="السابق").click()
    expect(choices(page).nth(4 % 4)).to_be_checked()
    page.get_by_role("button", name="التالي").click()


def answered_in_a_second_tab(page: Page, context: BrowserContext) -> None:
    """Both tabs know both tabs' answers, also after a reload."""
    other = context.new_page()
    other.goto(page.url)
    expect(place(other)).to_contain_text("السؤال ١٣")
    expect(mapped(other, 11)).to_have_attribute("data-answered", "true")
    answer(other, 12)
    expect(mapped(page, 12)).to_have_attribute("data-answered", "true")
    answer(page, 12, choice=3)
    expect(choices(other).nth(3)).to_be_checked()
    other.close()


def cut_off(stack: Stack, page: Page) -> None:
    """The API dies, and is started again: the student is told, goes on answering, and misses nothing."""
    stack.children["api"].send(signal.SIGKILL)
    expect(page.get_by_text("انقطع الاتصال")).to_be_visible()
    answer(page, 12, choice=2)
    stack.restart("api")
    expect(page.locator(".activity")).to_have_attribute("data-connection", "open")


def test_a_practice_session_with_the_keyboard_alone_and_left_with_a_question(
    stack: Stack, context: BrowserContext
) -> None:
    page = context.new_page()
    page.goto(f"{stack.api_url}/demo")
    press_on(page.get_by_role("radio", name="القسم اللفظي"), "Space")
    press_on(page.get_by_role("button", name="ابدأ التدريب"), "Enter")
    expect(choices(page).first).to_be_visible()
    press_on(choices(page).nth(1), "Space")
    expect(choices(page).nth(1)).to_be_checked()
    page.keyboard.press("ArrowDown")
    expect(choices(page).nth(2)).to_be_checked()
    press_on(page.get_by_role("button", name="التالي"), "Enter")
    expect(place(page)).to_contain_text("السؤال ٢")
    expect(place(page)).to_be_focused()
    press_on(page.get_by_role("button", name="خروج"), "Enter")
    expect(page.get_by_role("dialog")).to_contain_text("هل تريد الخروج؟")
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    press_on(page.get_by_role("button", name="خروج"), "Enter")
    press_on(page.get_by_role("button", name="أخرج وأتابع لاحقًا"), "Enter")
    press_on(page.get_by_role("button", name="تدريب، القسم اللفظي").first, "Enter")
    expect(place(page)).to_contain_text("السؤال ٢")
    expect(mapped(page, 0)).to_have_attribute("data-answered", "true")
    hand_in(page)
    expect(page.locator(".score")).to_contain_text("أجبت عن ١")


def test_a_cancelled_session_says_so_in_the_other_tab(stack: Stack, context: BrowserContext) -> None:
    page, other = context.new_page(), context.new_page()
    page.goto(f"{stack.api_url}/demo")
    page.get_by_role("button", name="المسار الأدبي", exact=True).click()
    expect(choices(page).first).to_be_visible()
    other.goto(page.url)
    expect(choices(other).first).to_be_visible()
    page.get_by_role("button", name="خروج").click()
    page.get_by_role("button", name="ألغي الجلسة نهائيًا").click()

    expect(page.get_by_role("heading", name="اختبار كامل")).to_be_visible()
    expect(other.get_by_role("heading", name="أُلغيت هذه الجلسة.")).to_be_visible()


def test_a_double_click_creates_one_session(stack: Stack, context: BrowserContext) -> None:
    page = context.new_page()
    page.goto(f"{stack.api_url}/demo")
    created: list[Any] = []
    page.on("response", lambda answer: created.append(answer) if answer.status == 201 else None)
    page.get_by_role("button", name="المسار الأدبي", exact=True).dblclick()
    expect(choices(page).first).to_be_visible()

    assert len({answer.json()["id"] for answer in created}) == 1


def test_a_session_that_does_not_exist_is_an_arabic_sentence(stack: Stack, context: BrowserContext) -> None:
    page = context.new_page()
    page.goto(f"{stack.api_url}/demo?exams={UUID(int=7)}")

    expect(page.get_by_role("alert")).to_contain_text("لم نجد هذه الجلسة.")


HOSTILE = (
    '<svg xmlns="http://www.w3.org/2000/svg" width="90" height="60" onload="parent.ran = true">'
    '<script>parent.ran = true</script><rect width="90" height="60"/></svg>'
)
CAPTION = "مستطيل طوله ٩ وعرضه ٦"


def test_a_figure_is_an_image_with_its_caption_and_cannot_run(stack: Stack, context: BrowserContext) -> None:
    page = opened_with(stack, context, diagram={"svg": HOSTILE, "caption": CAPTION, "figure": {}})
    image = page.get_by_role("img", name=CAPTION)

    assert image.evaluate("image => image.decode().then(() => image.naturalWidth)") == 90
    assert page.locator("svg").count() == 0
    assert page.evaluate("window.ran") is None


def test_a_text_that_looks_like_markup_is_shown_as_it_is(stack: Stack, context: BrowserContext) -> None:
    page = opened_with(stack, context, stem="<img src=x onerror='ran = true'> س < ٣")

    expect(page.locator(".stem")).to_have_text("<img src=x onerror='ran = true'> س < ٣")
    assert page.evaluate("window.ran") is None


def test_at_the_end_of_the_time_the_student_is_asked_to_hand_in(
    stack: Stack, context: BrowserContext
) -> None:
    page = opened_with(stack, context)
    page.clock.install()
    page.reload()
    expect(choices(page).first).to_be_visible()
    assert page.get_by_role("dialog").count() == 0
    page.clock.fast_forward("02:00:01")

    expect(page.get_by_role("dialog")).to_contain_text("انتهى وقت الاختبار")


def test_what_another_program_left_in_the_storage_breaks_nothing(
    stack: Stack, context: BrowserContext
) -> None:
    page = opened_with(stack, context)
    key = f"tafawoq:{page.url.partition('=')[2]}"
    for kept in ("{", "null", '{"answers": {"0": null, "1": {"choice": "x"}}, "index": -1, "seq": "a"}'):
        page.evaluate("([key, kept]) => localStorage.setItem(key, kept)", [key, kept])
        page.reload()
        expect(choices(page).first).to_be_visible()
    answer(page, 0)


def opened_with(stack: Stack, context: BrowserContext, **changes: Any) -> Page:
    """A page with an exam whose first question has these fields instead of its own."""
    page = context.new_page()
    page.goto(f"{stack.api_url}/demo")
    page.get_by_role("button", name="المسار العلمي", exact=True).click()
    expect(choices(page).first).to_be_visible()

    def changed(route: Route) -> None:
        answer = route.fetch()
        session = answer.json()
        session["questions"][0] |= changes
        route.fulfill(response=answer, json=session)

    page.route(re.compile(r"/api/exams/[0-9a-f-]{36}$"), changed)
    page.reload()
    expect(choices(page).first).to_be_visible()
    return page


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 1280])
def test_every_screen_is_accessible_and_fits(stack: Stack, browser: Browser, scheme: Any, width: int) -> None:
    context = browser.new_context(locale="ar", viewport={"width": width, "height": 640}, color_scheme=scheme)
    context.set_default_timeout(WAIT_MS)
    page = context.new_page()
    page.goto(f"{stack.api_url}/demo")
    expect(page.get_by_role("heading", name="اختبار كامل")).to_be_visible()
    check_screen(page, width)
    page.get_by_role("button", name="المسار العلمي", exact=True).click()
    answer(page, 0)
    check_screen(page, width)
    next_button = page.get_by_role("button", name="التالي")
    expect(next_button).to_be_in_viewport(ratio=1)  # N15: it was below the fold
    page.mouse.wheel(0, 2000)
    next_button.click()
    page.wait_for_function("scrollY === 0")
    page.get_by_role("button", name="تسليم", exact=True).click()
    check_screen(page, width)
    page.get_by_role("button", name="أسلّم الآن").click()
    page.locator(".reviewed summary").first.click()
    check_screen(page, width)
    context.close()


def check_screen(page: Page, width: int) -> None:
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def place(page: Page) -> Locator:
    return page.get_by_role("heading", level=1)


def choices(page: Page) -> Locator:
    return page.get_by_role("group", name="اختر إجابة").get_by_role("radio")


def mapped(page: Page, index: int) -> Locator:
    return page.locator("#map button").nth(index)


def answer(page: Page, index: int, choice: int | None = None) -> None:
    expect(place(page)).to_contain_text(f"السؤال {arabic(index + 1)} ")
    chosen = choices(page).nth(index % 4 if choice is None else choice)
    chosen.check()
    expect(chosen).to_be_checked()


def answer_until(page: Page, stop: int) -> None:
    """Answer each question from the current one up to but not including `stop`, whose question comes next."""
    at = int(page.locator(".map [aria-current]").inner_text())  # int() reads Arabic digits
    for index in range(at - 1, stop):
        answer(page, index)
        page.get_by_role("button", name="التالي").click()


def hand_in(page: Page) -> None:
    page.get_by_role("button", name="تسليم", exact=True).click()
    page.get_by_role("button", name="أسلّم الآن").click()


def press_on(control: Locator, key: str) -> None:
    control.focus()
    control.press(key)


def arabic(number: int) -> str:
    return str(number).translate(str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩"))
