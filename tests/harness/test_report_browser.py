"""The report in a real browser: what it runs and loads, by mouse, by keyboard, on a phone, on paper, read aloud."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from browser import headless_chromium
from playwright.sync_api import Browser, BrowserContext, Page, expect
from report_class import MadeUpClass, a_class

from autograder.report import write_report

KINDS = ("index", "parts", "grader", "submission", "ungraded", "notebook", "pair")
SECRETS = ("Lovelace", "Ada", "Hopper", "hopper", "countess", "65000000", "王小明", "O'Brien", "عائشة", "Gone Girl")
# What a screen reader says of an element, and what stands in tooltips and addresses.
SPOKEN = """() => [document.title, location.href.split('/').pop(), document.body.innerText,
    ...[...document.querySelectorAll('*')].flatMap(element =>
        ['title', 'alt', 'aria-label', 'href', 'src', 'placeholder'].map(name => element.getAttribute(name) || ''))
    ].join(' ')"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with headless_chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> MadeUpClass:
    return a_class(tmp_path_factory.mktemp("class"))


@pytest.fixture(scope="module")
def site(made: MadeUpClass, tmp_path_factory: pytest.TempPathFactory, monkeypatch_module: pytest.MonkeyPatch) -> Path:
    folder = tmp_path_factory.mktemp("site") / "report"
    monkeypatch_module.setattr("autograder.report.pages.MOST_PARTS", 2)  # so that parts have a page
    write_report(folder, made.manifest, made.graded, **made.rest)
    return folder


@pytest.fixture(scope="module")
def monkeypatch_module() -> Iterator[pytest.MonkeyPatch]:
    with pytest.MonkeyPatch.context() as patch:
        yield patch


@pytest.fixture(scope="module")
def addresses(site: Path) -> dict[str, str]:
    """One page of each kind."""

    def submission(text: str) -> Path:
        return next(path for path in sorted((site / "submissions").glob("*.html")) if text in path.read_text("utf-8"))

    paths = {
        "index": site / "index.html",
        "parts": site / "parts.html",
        "grader": site / "graders" / "1.b.html",
        "submission": submission('<article id="g0"'),
        "ungraded": submission("Not gradable."),
        "notebook": submission('class="cell"'),
        "pair": next((site / "pairs").glob("*.html")),
    }
    return {kind: path.as_uri() for kind, path in paths.items()}


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    yield context
    context.close()


@pytest.fixture
def page(context: BrowserContext) -> Iterator[Page]:
    """A page whose complaints and requests fail the test."""
    page = context.new_page()
    wrong: list[str] = []
    page.on("console", lambda message: wrong.append(message.text) if message.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("request", lambda request: None if request.url.startswith("file:") else wrong.append(request.url))
    page.on("dialog", lambda dialog: (wrong.append(dialog.message), dialog.dismiss()))
    yield page
    assert wrong == []


def column(page: Page, table: str, name: str) -> list[str]:
    """The texts of a table's column as far as its rows are to be seen."""
    heads = page.locator(f"#{table} thead th").all_inner_texts()
    index = [head.split("\n")[0].strip() for head in heads].index(name)
    return page.locator(f"#{table} tbody tr:visible").evaluate_all(
        f"rows => rows.map(row => row.cells[{index}].textContent.trim())"
    )


def spoken(page: Page) -> str:
    return page.evaluate(SPOKEN) + page.locator("body").aria_snapshot()


def assert_hidden(page: Page) -> None:
    text = spoken(page)
    for secret in SECRETS:
        if secret == "Lovelace":
            text = re.sub(r"# Lovelace's", "", text)  # a lone surname in somebody else's code
        assert secret not in text, f"{secret} on {page.url}"


# --- loading ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_page_loads_from_a_folder_without_a_complaint(page: Page, addresses: dict[str, str], kind: str) -> None:
    page.goto(addresses[kind])
    page.wait_for_load_state("networkidle")
    expect(page.get_by_role("switch")).to_be_visible()
    assert page.evaluate("getComputedStyle(document.body).margin") == "0px", "the stylesheet is there"
    assert page.evaluate("[...document.images].every(image => image.loading === 'lazy' || image.naturalWidth > 0)")


def test_pictures_are_shown(page: Page, addresses: dict[str, str], site: Path) -> None:
    drawn = next(path for path in (site / "submissions").glob("*.html") if "<img" in path.read_text("utf-8"))
    page.goto(drawn.as_uri())
    page.locator("img").first.scroll_into_view_if_needed()
    page.wait_for_function("document.images[0].naturalWidth > 0")


def test_policy_stops_what_slips_through(context: BrowserContext, addresses: dict[str, str]) -> None:
    """The negative control: a script and a picture that were injected do not run and do not load."""
    page = context.new_page()
    page.goto(addresses["index"])
    with page.expect_event("requestfailed", lambda request: request.url.startswith("http")) as refused:
        page.evaluate("""() => {
        document.body.insertAdjacentHTML('beforeend', '<img src=x onerror="window.ran = 1">');
        const script = document.createElement('script');
        script.textContent = 'window.ran = 1';
        document.body.append(script);
        document.body.insertAdjacentHTML('beforeend', '<img src="http://127.0.0.1:9/x.png">');
    }""")
    assert refused.value.failure == "csp"
    assert page.evaluate("window.ran") is None


def test_without_script_all_is_there(browser: Browser, addresses: dict[str, str]) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(addresses["index"])
    expect(page.locator("#submission-table")).to_be_visible()
    expect(page.locator("input")).to_have_count(page.locator("input").count())
    for control in page.locator("input, #names").all():
        expect(control).to_be_hidden()
    context.close()


# --- tables -----------------------------------------------------------------------------------------------------------


def test_columns_sort_both_ways_as_numbers_and_as_words(page: Page, addresses: dict[str, str]) -> None:
    page.goto(addresses["index"])
    total = page.locator("#submission-table thead th", has_text="Total")
    total.get_by_role("button").click()
    expect(total).to_have_attribute("aria-sort", "descending")
    numbers = [float(text) for text in column(page, "submission-table", "Total") if text != "–"]
    assert numbers == sorted(numbers, reverse=True)
    assert column(page, "submission-table", "Total")[-1] == "–", "what has no score stands below all scores"
    total.get_by_role("button").click()
    expect(total).to_have_attribute("aria-sort", "ascending")
    numbers = [float(text) for text in column(page, "submission-table", "Total") if text != "–"]
    assert numbers == sorted(numbers)
    ids = page.locator("#submission-table thead th", has_text="Id")
    ids.get_by_role("button").click()
    expect(total).not_to_have_attribute("aria-sort", re.compile("."))
    assert column(page, "submission-table", "Id") == sorted(column(page, "submission-table", "Id"))


def test_search_keeps_rows_with_all_words_and_says_how_many(page: Page, addresses: dict[str, str]) -> None:
    page.goto(addresses["index"])
    field = page.get_by_role("searchbox", name="Search submissions")
    said = page.locator(".search", has=field).get_by_role("status")
    everyone = len(column(page, "submission-table", "Name"))
    expect(said).to_have_text(f"{everyone} rows")
    field.fill("lovelace 650000002")
    expect(said).to_have_text(f"1 of {everyone} rows")
    assert column(page, "submission-table", "Name") == ["Ada Lovelace (650000002)"]
    field.fill("nobody at all")
    expect(said).to_have_text(f"0 of {everyone} rows")
    field.fill("")
    expect(said).to_have_text(f"{everyone} rows")
    assert len(column(page, "submission-table", "Name")) == everyone


def test_keyboard_is_enough(page: Page, addresses: dict[str, str]) -> None:
    """Skip link, switch, search, sorting and unfolding, all by Tab, Enter and Space; focus is always to be seen."""
    page.goto(addresses["index"])

    def focused(script: str) -> str:
        return str(page.evaluate(f"(() => {{ const focused = document.activeElement; return {script}; }})()"))

    def tab_to(test: str) -> None:
        for _ in range(400):
            page.keyboard.press("Tab")
            assert focused("getComputedStyle(focused).outlineStyle") != "none", focused("focused.outerHTML")
            if focused(test) == "True":
                return
        raise AssertionError(f"no Tab leads to {test}")

    page.keyboard.press("Tab")
    assert focused("focused.className") == "skip"
    assert float(focused("focused.getBoundingClientRect().left")) >= 0
    page.keyboard.press("Enter")
    assert page.url.endswith("#main")
    page.evaluate("document.activeElement.blur(); window.getSelection().removeAllRanges(); location.hash = ''")
    page.goto(addresses["index"])
    tab_to("focused.id === 'names'")
    page.keyboard.press("Space")
    expect(page.get_by_role("switch")).to_be_checked()
    page.keyboard.press("Enter")
    expect(page.get_by_role("switch")).not_to_be_checked()
    tab_to("focused.tagName === 'SUMMARY' && !focused.parentElement.open")
    page.keyboard.press("Enter")
    assert focused("focused.parentElement.open") == "True"
    tab_to("focused.id === 'grader-table-search'")
    page.keyboard.type("hidden")
    assert all("hidden" in text for text in column(page, "grader-table", "Grader"))
    tab_to("focused.closest('#grader-table') !== null && focused.textContent === 'Failed'")
    page.keyboard.press("Enter")
    assert focused("focused.closest('th').ariaSort") == "descending"


# --- names ------------------------------------------------------------------------------------------------------------


def test_switch_hides_every_name_on_every_page(page: Page, addresses: dict[str, str]) -> None:
    page.goto(addresses["index"])
    assert "Lovelace" in spoken(page)
    assert page.evaluate("window.find('Lovelace')")
    switch = page.get_by_role("switch", name="Hide names")
    expect(switch).not_to_be_checked()
    switch.click()
    expect(switch).to_be_checked()
    assert_hidden(page)
    page.evaluate("window.getSelection().removeAllRanges()")
    assert not page.evaluate("window.find('Lovelace')"), "a search in the page finds none"
    names = column(page, "submission-table", "Name")
    in_order = page.evaluate("names => names.sort(new Intl.Collator('en', { numeric: true }).compare)", names)
    assert names == in_order, "the order tells nothing, either"
    for kind in KINDS[1:]:
        page.goto(addresses[kind])
        expect(page.get_by_role("switch")).to_be_checked()
        assert_hidden(page)
    page.get_by_role("switch").click()
    assert any(secret in spoken(page) for secret in SECRETS)
    page.goto(addresses["index"])
    expect(page.get_by_role("switch")).not_to_be_checked()


@pytest.mark.parametrize("storage", ["forbidden", "for each file apart"])
def test_choice_goes_along_where_the_browser_remembers_nothing(
    context: BrowserContext, page: Page, addresses: dict[str, str], storage: str
) -> None:
    """As where files may not store anything, or where each file has a storage of its own."""
    if storage == "forbidden":
        context.add_init_script(
            "Object.defineProperty(window, 'localStorage', { get() { throw new DOMException('', 'SecurityError'); } })"
        )
    else:
        context.add_init_script("""
            const real = window.localStorage;
            const mine = (key) => key + location.pathname;
            Object.defineProperty(window, 'localStorage', { value: {
                getItem: (key) => real.getItem(mine(key)), setItem: (key, value) => real.setItem(mine(key), value),
            } });
        """)
    page.goto(addresses["index"])
    page.get_by_role("switch").click()
    page.locator("#submission-table tbody a").first.click()
    page.wait_for_url("**/submissions/*")
    expect(page.get_by_role("switch")).to_be_checked()
    assert_hidden(page)
    page.get_by_role("switch").click()
    expect(page.get_by_role("switch")).not_to_be_checked()
    page.get_by_role("navigation", name="Report").get_by_role("link", name="Submissions").click()
    page.wait_for_url("**/index.html*")
    expect(page.get_by_role("switch")).not_to_be_checked()
    page.get_by_role("switch").click()
    page.locator("#submission-table tbody a").first.click()
    page.wait_for_url("**/submissions/*")
    expect(page.get_by_role("switch")).to_be_checked()
    assert_hidden(page)


def test_going_back_does_not_bring_names_back(page: Page, addresses: dict[str, str]) -> None:
    page.goto(addresses["index"])
    page.locator("#submission-table tbody a").first.click()
    page.wait_for_url("**/submissions/*")
    page.get_by_role("switch").click()
    page.go_back()
    page.wait_for_url("**/index.html*")
    expect(page.get_by_role("switch")).to_be_checked()
    assert_hidden(page)


def test_report_may_be_written_with_names_hidden(made: MadeUpClass, tmp_path: Path, page: Page) -> None:
    write_report(tmp_path, made.manifest, made.graded, **made.rest, names="hidden")
    page.goto((tmp_path / "index.html").as_uri())
    expect(page.get_by_role("switch")).to_be_checked()
    assert_hidden(page)
    page.get_by_role("switch").click()
    assert "Ada Lovelace" in spoken(page)


# --- other eyes -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("width", "scheme"), [(360, "light"), (1280, "dark")])
def test_axe_finds_nothing(browser: Browser, addresses: dict[str, str], width: int, scheme: str) -> None:
    """Each width and each scheme once: colours do not hang on the width."""
    context = browser.new_context(color_scheme=scheme, viewport={"width": width, "height": 800})
    page = context.new_page()
    found = []
    for kind in KINDS:
        page.goto(addresses[kind])
        page.evaluate("document.querySelectorAll('details').forEach(details => { details.open = true; })")
        result = Axe().run(page)
        found += [f"{kind}: {one['id']}: {one['nodes'][0]['html'][:200]}" for one in result.response["violations"]]
    context.close()
    assert found == []


def test_axe_would_find_something(context: BrowserContext, addresses: dict[str, str]) -> None:
    """The negative control."""
    page = context.new_page()
    page.goto(addresses["index"])
    page.evaluate("document.body.insertAdjacentHTML('beforeend', '<button></button>')")
    assert Axe().run(page).violations_count > 0


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_is_wider_than_a_phone(browser: Browser, addresses: dict[str, str], kind: str) -> None:
    context = browser.new_context(viewport={"width": 360, "height": 640}, is_mobile=True, has_touch=True)
    page = context.new_page()
    page.goto(addresses[kind])
    page.evaluate("document.querySelectorAll('details').forEach(details => { details.open = true; })")
    assert page.evaluate("document.documentElement.scrollWidth") == 360
    context.close()


@pytest.mark.parametrize("kind", KINDS)
def test_paper_has_what_is_folded_and_no_controls(page: Page, addresses: dict[str, str], kind: str) -> None:
    page.goto(addresses[kind])
    page.evaluate("""() => addEventListener('beforeprint', () => {
        window.printed = [...document.querySelectorAll('details')].map(details => details.open);
    })""")
    folded = page.evaluate("document.querySelectorAll('details:not([open])').length")
    assert page.pdf(format="A4").startswith(b"%PDF")
    assert all(page.evaluate("window.printed || []"))
    assert page.evaluate("document.querySelectorAll('details:not([open])').length") == folded
    page.emulate_media(media="print", color_scheme="dark")
    assert page.evaluate("getComputedStyle(document.body).color") == "rgb(29, 28, 26)", (
        "ink on paper, also for the dark"
    )
    for control in page.locator("button#names, .search, .skip").all():
        expect(control).to_be_hidden()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"


def test_paper_has_no_names_where_they_are_hidden(page: Page, addresses: dict[str, str]) -> None:
    page.goto(addresses["index"])
    page.get_by_role("switch").click()
    page.emulate_media(media="print")
    assert_hidden(page)


def test_nothing_moves(page: Page, addresses: dict[str, str]) -> None:
    page.goto(addresses["index"])
    page.get_by_role("switch").click()
    assert page.evaluate("document.getAnimations().length") == 0
    assert page.evaluate("getComputedStyle(document.documentElement).scrollBehavior") == "auto"
