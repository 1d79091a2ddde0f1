"""What a browser's page offers to keyboards, screen readers and weak eyes: axe-core, and where the keyboard is.

axe-core is https://github.com/dequelabs/axe-core, as the package axe-playwright-python ships it.
"""

from __future__ import annotations

from axe_playwright_python.base import AXE_SCRIPT

from tests.e2e.harness import settle

FAILING = ("serious", "critical")
ALSO = ("heading-order", "landmark-unique")  # of moderate impact
STEADY = "* { transition: none !important }"  # a color on its way to another is no fault
OTHER = {"light": "dark", "dark": "light"}


def faults(page, *rules: str) -> list[str]:
    """What axe-core finds on the page, one line per element; `rules` limits it to these.

    Content that a running script has not drawn again yet is faded: what is found is looked at again after the run.
    """
    if not _faults(page, rules):
        return []
    page.wait_for_timeout(1000)
    settle(page)
    return _faults(page, rules)


def _faults(page, rules: tuple[str, ...]) -> list[str]:
    if not page.evaluate("typeof axe === 'object'"):
        page.evaluate(AXE_SCRIPT)
        page.add_style_tag(content=STEADY)
    options = {"resultTypes": ["violations"], "selectors": False} | ({"runOnly": list(rules)} if rules else {})
    found = page.evaluate("options => axe.run(document, options).then(result => result.violations)", options)
    return [
        f"{rule['impact']}: {rule['id']}: {node['html'][:200]} ({node['failureSummary'].splitlines()[-1].strip()})"
        for rule in found
        if rule["impact"] in FAILING or rule["id"] in ALSO
        for node in rule["nodes"]
    ]


def faults_in_both_schemes(page) -> list[str]:
    """The same, and whether text can be read in the other color scheme, in which the page then remains."""
    scheme = "getComputedStyle(document.querySelector('.stApp')).colorScheme"
    found, other = faults(page), OTHER[page.evaluate(scheme)]
    page.emulate_media(color_scheme=other)
    page.wait_for_function(f"other => {scheme} === other", arg=other)
    return [*found, *(f"{other}: {line}" for line in faults(page, "color-contrast"))]


FOCUSED = """() => {
    const here = document.activeElement;
    const line = (element) => element && parseFloat(getComputedStyle(element).outlineWidth) >= 2
        && getComputedStyle(element).outlineStyle === 'solid';
    const around = [here.parentElement, here.parentElement?.parentElement];
    const places = [here, ...around, here.closest('[data-testid=stChatInput] > div')];
    here.dataset.reached = 'yes';
    return here === document.body ? null : [here.outerHTML.slice(0, 160), places.some(line)];
}"""
MISSED = """() => [...document.querySelectorAll('main :is(button, a[href], input, textarea, summary)')]
    .filter(e => e.checkVisibility({ visibilityProperty: true }))
    .filter(e => !e.disabled && e.tabIndex >= 0 && !e.dataset.reached && !e.closest('[inert]'))
    .filter(e => e.role !== 'radio')  // the arrow keys lead from the first of a group to the others
    .map(e => e.outerHTML.slice(0, 160))"""


def walk(page, limit: int = 200) -> tuple[list[str], list[str]]:
    """Press Tab from the top of the page to its end: the controls where no line shows the focus, and those missed."""
    unseen = []
    page.evaluate("document.activeElement.blur()")
    for _ in range(limit):
        page.keyboard.press("Tab")
        focused = page.evaluate(FOCUSED)
        if focused is None:
            break
        if not focused[1]:
            unseen.append(focused[0])
    return unseen, page.evaluate(MISSED)
