// The frame: bar, views, keys, theme, and what is said when the server goes away.

import { forget, load, known, reachability } from "./api";
import { fill, h, setText } from "./dom";
import { connectors } from "./connectors";
import { consumers } from "./consumers";
import { flow, series } from "./flow";
import { live } from "./live";
import { objects } from "./objects";
import { topics } from "./topics";
import { dialog, empty, failure, head, type View } from "./ui";

type Open = (view: View) => void;

const VIEWS: { name: string; title: string; key: string; open: Open }[] = [
  { name: "flow", title: "Flow", key: "f", open: flow },
  { name: "topics", title: "Topics", key: "t", open: topics },
  { name: "consumers", title: "Consumers", key: "c", open: consumers },
  { name: "connectors", title: "Connectors", key: "k", open: connectors },
  { name: "objects", title: "Objects", key: "o", open: objects },
];

const main = h("main", { id: "main", tabindex: "-1" });
const links = new Map(VIEWS.map(({ name, title }) => [name, h("a", { href: `#/${name}` }, title)]));
const dot = h("span", { class: "dot" });
const words = h("span", null, "connecting");
const away = h("div", { class: "away", role: "alert", hidden: true });
let current = new AbortController();
/** Whether something was written or chosen in the view that is shown. */
let edited = false;

function route(): void {
  current.abort();
  current = new AbortController();
  edited = false;
  const [path = "", query = ""] = location.hash.replace(/^#\/?/, "").split("?");
  const [name = "", ...rest] = path.split("/").map(decode);
  const found = VIEWS.find((view) => view.name === (name || "flow"));
  for (const [other, link] of links) {
    if (other === found?.name) {
      link.setAttribute("aria-current", "page");
      link.scrollIntoView({ block: "nearest", inline: "nearest" });
    } else link.removeAttribute("aria-current");
  }
  document.querySelectorAll("dialog").forEach((open) => open.close());
  window.scrollTo(0, 0);
  if (found === undefined) {
    fill(main, head("Not found"), empty("There is no such page.", h("a", { href: "#/flow" }, "To the flow")));
    return;
  }
  try {
    found.open({ main, path: rest, query: new URLSearchParams(query), signal: current.signal });
  } catch (error) {
    fill(main, failure(error, route));
  }
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function theme(next?: string): string {
  const stored = next ?? read() ?? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
  document.documentElement.dataset.theme = stored;
  if (next !== undefined) {
    try {
      localStorage.setItem("theme", next);
    } catch {
      // It holds until the page is loaded again.
    }
  }
  document.dispatchEvent(new Event("themechange"));
  return stored;
}

function read(): string | null {
  try {
    return localStorage.getItem("theme");
  } catch {
    return null;
  }
}

function help(): void {
  dialog("Keys", (close) => [
    h(
      "dl",
      { class: "facts" },
      VIEWS.map(({ key, title }) => [h("dt", null, h("kbd", null, "g"), " ", h("kbd", null, key)), h("dd", null, title)]),
      h("dt", null, h("kbd", null, "/")),
      h("dd", null, "to the search field of a page"),
      h("dt", null, h("kbd", null, "t")),
      h("dd", null, "light or dark"),
      h("dt", null, h("kbd", null, "?")),
      h("dd", null, "this list"),
    ),
    h("div", { class: "row end" }, h("button", { type: "button", onclick: close }, "Close")),
  ]);
}

/** When `g` was pressed; the page may be younger than a moment. */
let led = Number.NEGATIVE_INFINITY;

function onKey(event: KeyboardEvent): void {
  const target = event.target as HTMLElement;
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (/^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName) || document.querySelector("dialog[open]")) return;
  if (event.key === "g") led = event.timeStamp;
  else if (event.timeStamp - led < 1500 && VIEWS.some((view) => view.key === event.key)) {
    location.hash = `#/${VIEWS.find((view) => view.key === event.key)?.name ?? ""}`;
    led = Number.NEGATIVE_INFINITY;
  } else if (event.key === "/") {
    const search = main.querySelector<HTMLInputElement>("input[type=search]");
    if (search === null) return;
    event.preventDefault();
    search.focus();
  } else if (event.key === "t") theme(document.documentElement.dataset.theme === "dark" ? "light" : "dark");
  else if (event.key === "?") help();
}

function frame(): void {
  const toggle = h(
    "button",
    {
      type: "button",
      class: "plain",
      title: "Light or dark (t)",
      "aria-label": "Light or dark",
      onclick: () => theme(document.documentElement.dataset.theme === "dark" ? "light" : "dark"),
    },
    "◐",
  );
  const keys = h("button", { type: "button", class: "plain", title: "Keys (?)", "aria-label": "Keys", onclick: help }, "?");
  const skip = h("a", { class: "skip", href: "#main" }, "To the content");
  skip.addEventListener("click", (event) => {
    event.preventDefault();
    main.focus();
  });
  document.body.append(
    skip,
    h(
      "header",
      { class: "bar" },
      h("a", { class: "brand", href: "#/flow" }, h("img", { src: "/console/icon.svg", width: 26, height: 26, alt: "" }), "Sluiceway"),
      h("nav", { "aria-label": "Views" }, [...links.values()]),
      h("div", { class: "status", role: "status" }, dot, words),
      toggle,
      keys,
    ),
    away,
    main,
  );
}

/** What is said when figures do not come: of which program, and why where that is known. */
function lack(): string {
  const { lost, error } = live.missing();
  if (error === null && lost.length === known().programs.length) {
    return "The server does not answer. What is shown is as it was; the page goes on by itself once the server is back.";
  }
  const why = error === null ? "" : ` Error ${error.code}: ${error.message.replace(/[.!]?$/, ".")}`;
  return `The figures of the ${lost.join(" and the ")} do not come.${why} What is shown of them is as it was; the page goes on by itself once they come.`;
}

function connection(): void {
  const open = live.open && known().programs.length > 0;
  dot.className = `dot ${open ? "good" : "bad"}`;
  setText(words, open ? "live" : "not connected");
  const lost = !open && lostSince > 0 && Date.now() - lostSince > 1500;
  if (open) lostSince = 0;
  else if (lostSince === 0) lostSince = Date.now();
  if (lost) setText(away, lack());
  if (away.hidden === lost) {
    away.hidden = !lost;
    if (!lost) back();
  }
}

let lostSince = 0;

/** The server is back: it may be another one. What somebody is about to fill in stays. */
function back(): void {
  setText(away, "");
  forget();
  load().then(
    () => {
      if (!edited && document.querySelector("dialog[open]") === null) route();
    },
    () => undefined,
  );
}

async function start(): Promise<void> {
  theme();
  frame();
  window.addEventListener("hashchange", route);
  document.addEventListener("keydown", onKey);
  main.addEventListener("input", () => {
    edited = true;
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => theme());
  for (;;) {
    try {
      await load();
      break;
    } catch (error) {
      fill(main, failure(error));
      await new Promise((done) => setTimeout(done, 2000));
    }
  }
  live.addEventListener("change", connection);
  reachability.addEventListener("change", connection);
  setInterval(connection, 1000);
  series();
  live.start();
  route();
}

void start();
