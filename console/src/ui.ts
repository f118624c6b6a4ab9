// What all views share: errors, notices, dialogs, tables, pages.

import { ApiError, reachability } from "./api";
import { fill, h, id, type Child } from "./dom";
import { count } from "./format";

/** What a view is given. */
export interface View {
  /** Where it draws. */
  main: HTMLElement;
  /** The path behind the view's name. */
  path: string[];
  query: URLSearchParams;
  /** Aborted when another view comes. */
  signal: AbortSignal;
}

/** An error in words, with its code. */
export function failure(error: unknown, retry?: () => void): HTMLElement {
  const again = retry && h("p", null, h("button", { type: "button", onclick: () => retry() }, "Try again"));
  if (error instanceof ApiError) {
    const box = h(
      "div",
      { class: "notice bad", role: "alert" },
      h("strong", null, error.status === 0 ? "No answer" : `Error ${error.code}`),
      h("p", null, error.message),
      h("p", { class: "dim mono" }, error.request, error.status === 0 ? "" : ` → ${error.status}`),
      again,
    );
    if (retry && error.status === 0) onceBack(box, retry);
    return box;
  }
  const text = error instanceof Error ? error.message : String(error);
  return h("div", { class: "notice bad", role: "alert" }, h("strong", null, "This page failed"), h("p", null, text), again);
}

/** Tries again once the server answers, if the notice is still shown. */
function onceBack(box: HTMLElement, retry: () => void): void {
  const changed = (event: Event): void => {
    if ((event as CustomEvent<boolean>).detail !== true) return;
    reachability.removeEventListener("change", changed);
    if (box.isConnected) retry();
  };
  reachability.addEventListener("change", changed);
}

/** An error in a cell or a line. */
export function brief(error: unknown): HTMLElement {
  const code = error instanceof ApiError && error.status > 0 ? `Error ${error.code}: ` : "";
  const text = `${code}${error instanceof Error ? error.message : String(error)}`;
  return h("span", { class: "brief", title: text }, text.length > BRIEF ? `${text.slice(0, BRIEF)}…` : text);
}

/** Letters of an error in a cell. */
const BRIEF = 160;

/** Whether an answer says that there is none. */
export function isMissing(error: unknown): boolean {
  return error instanceof ApiError && error.status === 404;
}

/** A box with words. */
export function notice(kind: "good" | "warn" | "bad" | "", title: string, ...children: Child[]): HTMLElement {
  return h("div", { class: `notice ${kind}` }, h("strong", null, title), children);
}

export function empty(title: string, ...children: Child[]): HTMLElement {
  return h("div", { class: "empty" }, h("p", null, h("strong", null, title)), children);
}

/** Fills a place anew with what is nearly the same: what has the focus keeps it. */
export function redraw(place: Element, ...children: Child[]): void {
  const active = document.activeElement;
  const name = (element: Element): string => element.getAttribute("aria-label") ?? element.textContent ?? "";
  const focused = active !== null && active !== place && place.contains(active) ? active : null;
  fill(place, children);
  if (focused === null || name(focused) === "") return;
  const same = [...place.querySelectorAll<HTMLElement>(focused.tagName)].find((one) => name(one) === name(focused));
  same?.focus({ preventScroll: true });
}

/** Letters of a name in a message. */
const NAME = 40;

/** A name in a message that goes away by itself: its beginning, if it is long. */
export function brieflyNamed(name: string): string {
  return name.length > NAME ? `${name.slice(0, NAME)}…` : name;
}

let toasts: HTMLElement | null = null;

/** A message that goes away by itself. */
export function toast(kind: "good" | "bad", text: string): void {
  if (toasts === null) {
    toasts = h("div", { class: "toasts", role: "status", "aria-live": "polite" });
    document.body.append(toasts);
  }
  const shown = notice(kind, text);
  shown.append(h("button", { type: "button", class: "plain", "aria-label": "Close the message", onclick: () => shown.remove() }, "×"));
  toasts.append(shown);
  while (toasts.childElementCount > 4) toasts.firstElementChild?.remove();
  setTimeout(() => shown.remove(), 6000);
}

export function aborted(error: unknown): boolean {
  return error instanceof DOMException && error.name === "AbortError";
}

/** Fills a place with what a promise gives, or with its error. */
export async function show(place: Element, signal: AbortSignal, make: () => Promise<Child>): Promise<void> {
  place.setAttribute("aria-busy", "true");
  try {
    const child = await make();
    if (!signal.aborted) redraw(place, child);
  } catch (error) {
    if (!signal.aborted && !aborted(error)) fill(place, failure(error, () => void show(place, signal, make)));
  } finally {
    place.removeAttribute("aria-busy");
  }
}

/** Does something now and every so many ms while the view is there and can be seen. */
export function every(ms: number, signal: AbortSignal, run: () => Promise<void> | void): void {
  let busy = false;
  const tick = async (): Promise<void> => {
    if (busy || document.hidden) return;
    busy = true;
    try {
      await run();
    } finally {
      busy = false;
    }
  };
  void tick();
  const timer = setInterval(() => void tick(), ms);
  signal.addEventListener("abort", () => clearInterval(timer));
}

/** A field with its label. */
export function field(
  name: string,
  control: HTMLInputElement | HTMLSelectElement | HTMLTextAreaElement,
  options: { help?: string; wide?: boolean } = {},
): HTMLElement {
  if (control.id === "") control.id = id();
  const help = options.help === undefined ? null : h("span", { class: "help", id: `${control.id}h` }, options.help);
  if (help !== null) control.setAttribute("aria-describedby", help.id);
  return h("div", { class: options.wide ? "field wide" : "field" }, h("label", { for: control.id }, name), control, help);
}

export function select(values: [string, string][], value: string, change?: (value: string) => void): HTMLSelectElement {
  const element = h(
    "select",
    null,
    values.map(([key, text]) => h("option", { value: key, selected: key === value }, text)),
  );
  if (change) element.addEventListener("change", () => change(element.value));
  return element;
}

/** A cell of a table: its content, or with a class. */
export type Cell = Child | { number: Child } | { name: Child };

/** A table; columns that begin with `#` are numbers. */
export function table(caption: string, columns: string[], rows: Cell[][]): HTMLElement {
  const cell = (content: Cell, column: number): HTMLElement => {
    // On small screens each row is a list of cells, each with its name in front.
    const name = columns[column]?.replace(/^#/, "") ?? "";
    const made = (kind: string | null, child: Child): HTMLElement => h("td", { class: kind, "data-label": name }, child);
    if (content !== null && typeof content === "object" && !(content instanceof Node) && !Array.isArray(content)) {
      return "number" in content ? made("number", content.number) : made("name", content.name);
    }
    return made(name === "" ? "actions" : null, content);
  };
  const head = columns.map((name) =>
    name.startsWith("#")
      ? h("th", { scope: "col", class: "number" }, name.slice(1))
      : h("th", { scope: "col" }, name === "" ? h("span", { class: "visually-hidden" }, "Actions") : name),
  );
  return h(
    "div",
    { class: "scroll", tabindex: "0", role: "region", "aria-label": caption },
    h(
      "table",
      null,
      h("caption", { class: "visually-hidden" }, caption),
      h("thead", null, h("tr", null, head)),
      h("tbody", null, rows.map((row) => h("tr", null, row.map(cell)))),
    ),
  );
}

/** Where one is in a long list, and the ways on. */
export function pager(offset: number, limit: number, total: number, go: (offset: number) => void): HTMLElement {
  const last = Math.min(offset + limit, total);
  const text = total === 0 ? "none" : `${count(offset + 1)}–${count(last)} of ${count(total)}`;
  const button = (name: string, to: number, off: boolean): HTMLElement =>
    h("button", { type: "button", disabled: off, onclick: () => go(to) }, name);
  if (total <= limit) return h("p", { class: "dim" }, text);
  return h(
    "div",
    { class: "row pages", role: "navigation", "aria-label": "Pages" },
    button("← Back", Math.max(0, offset - limit), offset === 0),
    button("Next →", offset + limit, last >= total),
    h("span", { class: "dim" }, text),
  );
}

/** Waits for typing to pause. */
export function debounced(run: () => void, ms = 250): () => void {
  let timer = 0;
  return () => {
    clearTimeout(timer);
    timer = window.setTimeout(run, ms);
  };
}

/** A dialog; `make` is given what closes it. */
export function dialog(title: string, make: (close: () => void) => Child): void {
  const heading = h("h2", { id: id() }, title);
  const box = h("dialog", { "aria-labelledby": heading.id }, heading);
  const before = document.activeElement;
  const close = (): void => box.close();
  box.append(h("div", { class: "stack" }, make(close)));
  box.addEventListener("close", () => {
    box.remove();
    if (before instanceof HTMLElement) before.focus();
  });
  document.body.append(box);
  box.showModal();
}

/** Asks for the name of what is to go before it does `run`. */
export function confirmByName(
  title: string,
  name: string,
  consequences: string,
  action: string,
  run: () => Promise<void>,
): void {
  dialog(title, (close) => {
    const typed = h("input", { autocomplete: "off", spellcheck: "false" });
    const place = h("div");
    const go = h("button", { type: "submit", class: "primary danger", disabled: true }, action);
    typed.addEventListener("input", () => {
      go.disabled = typed.value !== name;
    });
    const form = h(
      "form",
      { class: "stack" },
      h("p", null, consequences),
      field(`Type the name to go on: ${name}`, typed),
      place,
      h("div", { class: "row end" }, h("button", { type: "button", onclick: close }, "Cancel"), go),
    );
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      if (typed.value !== name) return;
      go.disabled = true;
      run().then(close, (error: unknown) => {
        go.disabled = false;
        fill(place, failure(error));
      });
    });
    return form;
  });
}

/** Does something at a click, and says how it went. */
export function action(name: string, run: () => Promise<string>, className = ""): HTMLButtonElement {
  const button = h("button", { type: "button", class: className }, name);
  button.addEventListener("click", () => {
    button.disabled = true;
    run()
      .then((text) => toast("good", text))
      .catch((error: unknown) => {
        const code = error instanceof ApiError && error.status > 0 ? `${error.code}: ` : "";
        toast("bad", `${name} failed. ${code}${error instanceof Error ? error.message : String(error)}`);
      })
      .finally(() => {
        button.disabled = false;
      });
  });
  return button;
}

/** A button that copies a text. */
export function copy(text: () => string): HTMLElement {
  return h(
    "button",
    {
      type: "button",
      onclick: () => {
        navigator.clipboard?.writeText(text()).then(
          () => toast("good", "Copied"),
          () => toast("bad", "The browser does not let the page copy: select the text by hand"),
        );
      },
    },
    "Copy",
  );
}

/** The head of a view. */
export function head(title: string, ...actions: Child[]): HTMLElement {
  document.title = `${title} · Sluiceway`;
  return h("div", { class: "head" }, h("h1", { tabindex: "-1" }, title), actions);
}

/** The parts of a view; the current one is in sight, however narrow the screen. */
export function tabs(label: string, parts: [href: string, title: string, current: boolean][]): HTMLElement {
  const links = parts.map(([href, title, current]) => h("a", { href, "aria-current": current ? "page" : null }, title));
  const bar = h("nav", { class: "tabs", "aria-label": label }, links);
  const current = links.find((one) => one.hasAttribute("aria-current"));
  requestAnimationFrame(() => {
    if (current) bar.scrollLeft = current.offsetLeft + current.offsetWidth - bar.offsetLeft - bar.clientWidth;
  });
  return bar;
}

export function crumbs(...steps: [string, string][]): HTMLElement {
  return h(
    "nav",
    { class: "crumbs", "aria-label": "Where this page is" },
    steps.map(([href, name], index) => [index > 0 ? " / " : "", h("a", { href }, name)]),
  );
}

/** Says that a program is not shown here, and what to do about it. */
export function missing(what: string, program: string): HTMLElement {
  return empty(
    `${what} are in the ${program}, which this console does not show.`,
    h("p", null, "Set ", h("code", null, "sluiceway.console.other.url"), ` to the ${program}'s admin listener (http://host:port) and start this program again.`),
  );
}
