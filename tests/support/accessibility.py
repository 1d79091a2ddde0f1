"""axe-core on the screen that a browser shows: https://github.com/dequelabs/axe-core, from axe-playwright-python."""

from __future__ import annotations

from axe_playwright_python.base import AXE_SCRIPT

FAILING = ("serious", "critical")
ALSO = ("heading-order", "landmark-unique")  # of moderate impact
CONTRAST = ("color-contrast",)


def faults(page, rules: tuple[str, ...] = ()) -> list[str]:
    """What axe-core finds on the page, one line per element; `rules` limits it to these."""
    if not page.evaluate("typeof axe === 'object'"):
        page.evaluate(AXE_SCRIPT)
    options = {"resultTypes": ["violations"]} | ({"runOnly": list(rules)} if rules else {})
    found = page.evaluate("options => axe.run(document, options).then(result => result.violations)", options)
    return [
        f"{rule['impact']}: {rule['id']}: {node['html'][:200]} ({node['failureSummary'].splitlines()[-1].strip()})"
        for rule in found
        if rule["impact"] in FAILING or rule["id"] in ALSO
        for node in rule["nodes"]
    ]


def faults_in_both_schemes(page, scheme: str) -> list[str]:
    """The same in the page's color scheme, and whether its text can be read in the other one."""
    found = faults(page)
    other = "light" if scheme == "dark" else "dark"
    page.emulate_media(color_scheme=other)
    page.wait_for_function(
        "scheme => getComputedStyle(document.querySelector('.stApp')).colorScheme === scheme", arg=other
    )
    page.wait_for_timeout(300)  # colors change over a fraction of a second
    found += [f"{other}: {line}" for line in faults(page, CONTRAST)]
    page.emulate_media(color_scheme=scheme)
    return found
