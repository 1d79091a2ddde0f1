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

    // On a narrow screen the open tab may be beyond the edge of its row: scroll the row to it, once per tab.
    each("[data-testid=stTabs] [role=tablist]", (row) => {
      const open = row.querySelector("[aria-selected=true]");
      if (!open || row.studioOpen === open.textContent || !row.clientWidth) return;
      row.studioOpen = open.textContent;
      const [tab, frame] = [open, row].map((element) => element.getBoundingClientRect());
      if (row.scrollWidth > row.clientWidth) row.scrollLeft += tab.left - frame.left - (frame.width - tab.width) / 2;
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
  let lastKey = "";

  const controls = (within) => [...within.querySelectorAll(REACHED)].filter((item) => item.tabIndex >= 0);
  const reached = (body) => controls(body).filter((item) => item.checkVisibility());
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
    lastKey = event.key;
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

  // A menu opened by a key marks its first item without focusing it, so that Enter would do nothing.
  document.addEventListener("focusin", ({ target }) => {
    if (!byKey || !target.matches?.("[role=menu]")) return;
    requestAnimationFrame(() => document.activeElement === target && target.querySelector("[role^=menuitem]")?.focus());
  });

  // A rerun that removes or disables the focused control leaves the focus nowhere. For users of the keyboard it returns to
  // the same control, or to the one after it; another screen, or another step of a wizard, begins at its title, a
  // chat at its input.
  const MAIN = "[data-testid=stMain]";
  // The key of a wizard's control ends with a number that changes with the draft (pages/ui/wizard/draft_state.py).
  const keyed = (item) => item.closest("[class*=st-key-]")?.className.match(/st-key-\S+?(?=_\d+n?(\s|$)|\s|$)/)?.[0];
  const here = () => location.pathname + location.search;
  let place = null;
  let wait = 0;

  document.addEventListener("focusin", ({ target }) => {
    const main = target.closest?.(MAIN);
    if (!main || target === main || target.matches("h1, h2, h3")) return;
    const all = controls(main);
    const message = target.closest("[data-testid=stChatMessage]");
    place = { control: target, key: keyed(target), message, address: here(), after: all.slice(all.indexOf(target) + 1) };
  });
  const take = (item) => {
    if (item?.isConnected && item.checkVisibility()) item.focus();
    return !!item && document.activeElement === item;
  };
  let atTop = false;
  document.addEventListener("studio-new-step", () => (atTop = byKey));
  document.addEventListener("pointerdown", () => (atTop = false), true);
  // A dialog that closes may leave the focus to a toast, or to the first control of the page.
  let astray = null;
  let inDialog = false;
  document.addEventListener("focusin", ({ target }) => {
    const outside = !target.closest?.(`${MAIN}, [role=dialog], [role=menu], ${POPOVER}`);
    astray = inDialog && outside && lastKey !== "Tab" ? target : null;
    inDialog = !!target.closest?.("[role=dialog]");
    if (astray) later();
  });
  const lost = () => {
    const focused = document.activeElement;
    return atTop || (byKey && place && (focused === document.body || focused === astray));
  };
  const title = () => {
    if (take(document.querySelector("[data-testid=stChatInput] textarea:enabled"))) return;
    const first = document.querySelector(`${MAIN} :is(h1, h2, h3)`);
    if (first) put(first, "tabindex", "-1");
    take(first);
  };
  const restore = () => {
    wait = 0;
    if (!lost() || document.querySelector("[data-testid=stApp][data-test-script-state=running]")) return;
    const dialog = [...document.querySelectorAll("[role=dialog]")].at(-1);
    if (dialog) return void controls(dialog).some(take);
    const begins = atTop;
    atTop = false;
    if (begins) return title();
    const near = place.key ? [...document.querySelectorAll(`${MAIN} [class*="${place.key}"]`)] : [];
    const same = near.find((item) => keyed(item) === place.key);
    const alike = (same ? controls(same) : []).filter((item) => item.tagName === place.control.tagName);
    const candidates = [place.control, ...alike];
    if (candidates.some(take)) return;
    if (place.address === here() && [...(place.message ? controls(place.message) : []), ...place.after].some(take)) return;
    title();
  };

  // Chat: a new message, and the answer that grows below it, remain in sight until the user looks elsewhere.
  let shown = 0;
  let follows = false;
  const follow = () => {
    const count = document.querySelectorAll("[data-testid=stChatMessage]").length;
    follows = count > 0 && (follows || (shown > 0 && count > shown));
    shown = count;
    const main = document.querySelector(MAIN);
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
      if (lost()) wait ||= setTimeout(restore, 150);
    });
  };
  new MutationObserver(later).observe(document.documentElement, {
    childList: true,
    subtree: true,
    attributes: true,
    attributeFilter: ["data-test-script-state"],
  });
  improve();
})();
