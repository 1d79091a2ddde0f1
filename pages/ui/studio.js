// What Streamlit's own elements leave out for keyboards and screen readers, each rule with its element and the reason;
// and the clipboard.
// Loaded once per page by pages/ui/app.py; allowed by its hash in the content policy (pages/ui/front_door/response.py).
// Put no less-than sign before a letter: the sanitizer of st.html would drop the script.
(() => {
  if (window.studioWatches) return;
  window.studioWatches = true;

  // Containers with a height, texts with one (studio.css), code, and the column of the forecast beside a form.
  const SCROLLING =
    "[data-testid=stVerticalBlock][overflow=auto], .seen, [data-testid=stCode] pre, " +
    "[data-testid=stColumn] > [data-testid=stVerticalBlock]:has(.st-key-forecast)";

  const each = (selector, act) => document.querySelectorAll(selector).forEach(act);
  const put = (element, name, value) => element.getAttribute(name) === value || element.setAttribute(name, value);

  // The heading above an element, which names it where it has no name.
  const headingOf = (element) => {
    for (let place = element; place && place !== document.body; place = place.parentElement) {
      for (let before = place.previousElementSibling; before; before = before.previousElementSibling) {
        const heading = before.matches("h1, h2, h3") ? before : before.querySelector("h1, h2, h3");
        if (heading) return heading.textContent.trim();
      }
    }
    return document.title;
  };

  const improve = () => {
    // Dialogs, menus and tooltips are outside the app's element: without this, their colors would not follow the theme.
    const app = document.querySelector(".stApp");
    if (app) document.documentElement.style.colorScheme = getComputedStyle(app).colorScheme;

    // The list of screens has sections and their titles as direct children of one list: they become named groups.
    each("[data-testid=stSidebarNavItems], [data-testid=stSidebarNavItems] li", (item) => put(item, "role", "none"));
    each("[data-testid=stSidebarNavItems] > div", (section) => {
      put(section, "role", "group");
      put(section, "aria-label", section.querySelector("[data-testid=stNavSectionHeader] p")?.textContent || "Screens");
    });

    // The curve in a tile: its figures are beside it as text.
    each("[data-testid=stMetricChart]", (chart) => put(chart, "aria-hidden", "true"));

    // A Material icon is read as "add_circle icon"; it is decoration unless it is all that a control contains.
    each("[role=img][aria-label$=' icon']", (icon) => {
      const control = icon.closest("button, a, [role=tab], [role=radio]");
      if (!control || control.textContent.trim() !== icon.textContent.trim()) put(icon, "aria-hidden", "true");
    });

    // A diagram has a label but no role while it is drawn.
    each("[data-testid=stMermaidChart]", (diagram) => {
      if (diagram.hasAttribute("aria-label")) put(diagram, "role", "img");
      else diagram.removeAttribute("role");
    });

    // What scrolls must be reachable, so that the arrow keys can scroll it.
    each(SCROLLING, (area) => {
      if (area.scrollHeight <= area.clientHeight + 1 && area.scrollWidth <= area.clientWidth + 1) return;
      put(area, "tabindex", "0");
      put(area, "role", "group");
      put(area, "aria-label", headingOf(area));
    });

    // Several lists with pages on one screen need different names.
    each("[role=navigation][aria-label^=Pagination]", (pages, at) => at && put(pages, "aria-label", `Pagination ${at + 1}`));
  };

  // A click on [data-copy] copies that text (pages/ui/copying.py). Without TLS a browser has no clipboard, except on
  // this machine: there a selected text field is copied.
  document.addEventListener("click", async (event) => {
    const button = event.target.closest?.("[data-copy]");
    if (!button) return;
    try {
      await navigator.clipboard.writeText(button.dataset.copy);
    } catch {
      const field = Object.assign(document.createElement("textarea"), { value: button.dataset.copy });
      document.body.append(field);
      field.select();
      document.execCommand("copy");
      field.remove();
      button.focus();
    }
    button.dataset.copied = "yes";
    setTimeout(() => delete button.dataset.copied, 2000);
  });

  // A popover is drawn at the end of the page, far from its button in the order of Tab: opened by a key, it takes the
  // focus, and Tab stays in it. Streamlit closes it on Escape and returns the focus to its button.
  const POPOVER = "[data-testid=stPopoverBody]";
  const OPENER = "[data-testid=stPopoverButton][aria-expanded=true]";
  const REACHED = "a[href], button:enabled, input:enabled, textarea:enabled, [tabindex='0']";
  const entered = new WeakSet();
  let byKey = false;

  const reached = (body) => [...body.querySelectorAll(REACHED)].filter((item) => item.tabIndex >= 0 && item.checkVisibility());
  const enter = () => {
    const body = document.querySelector(POPOVER);
    if (!body || entered.has(body) || !byKey || !document.activeElement?.matches(OPENER)) return;
    const first = reached(body)[0];
    if (!first) return;
    entered.add(body);
    first.focus();
  };
  const wrap = (event) => {
    byKey = true;
    const body = document.querySelector(POPOVER);
    if (event.key !== "Tab" || !body) return;
    const items = reached(body);
    const [first, last] = event.shiftKey ? [items.at(-1), items[0]] : [items[0], items.at(-1)];
    const here = document.activeElement;
    if (!first || !(here === last || here === body || here.matches(OPENER))) return;
    event.preventDefault();
    first.focus();
  };
  document.addEventListener("keydown", wrap, true);
  document.addEventListener("pointerdown", () => (byKey = false), true);

  // Chat: a new message, and the answer that grows below it, remain in sight until the user looks elsewhere.
  let shown = 0;
  let follows = false;
  const follow = () => {
    const count = document.querySelectorAll("[data-testid=stChatMessage]").length;
    follows = count > 0 && (follows || (shown > 0 && count > shown));
    shown = count;
    const main = document.querySelector("[data-testid=stMain]");
    if (follows && main) main.scrollTop = main.scrollHeight;
  };
  ["wheel", "touchmove", "pointerdown"].forEach((kind) =>
    document.addEventListener(kind, () => (follows = false), { capture: true, passive: true }),
  );

  let due = 0;
  const later = () => {
    due ||= requestAnimationFrame(() => {
      due = 0;
      improve();
      enter();
      follow();
    });
  };
  new MutationObserver(later).observe(document.documentElement, { childList: true, subtree: true });
  improve();
})();
