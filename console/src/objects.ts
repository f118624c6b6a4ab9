// Objects: what a connector has written, as a tree, with a preview of rows and links that S3 signs.

import { base, has, json, segment, text } from "./api";
import { reason } from "./connector-form";
import { fill, h, type Child } from "./dom";
import { bytes, count, plural, time } from "./format";
import { isObject, parse, print, type Json } from "./json";
import { copy, crumbs, dialog, empty, failure, head, missing, pager, show, table, type View } from "./ui";

interface Listed {
  key: string;
  bytes: number;
  last_modified: number | null;
  topic: string | null;
  partition: number | null;
  first_offset: number | null;
  last_offset: number | null;
  records: number | null;
  reason: string | null;
}

interface Listing {
  bucket: string;
  root: string;
  prefix: string;
  delimiter: string;
  folders: string[];
  objects: Listed[];
  next: string | null;
}

const LIMIT = 100;
const ROWS = 20;

export function objects(view: View): void {
  if (!has("sink")) {
    fill(view.main, head("Objects"), h("section", { class: "card" }, missing("Objects", "sink")));
    return;
  }
  const [name] = view.path;
  if (name === undefined || name === "") choose(view);
  else tree(view, name);
}

/** One connector has its objects shown at once; of several one is chosen. */
function choose(view: View): void {
  const place = h("section", { class: "card" });
  fill(view.main, head("Objects"), place);
  void show(place, view.signal, async () => {
    const names = await json<string[]>(`${base("sink")}/connectors`, { signal: view.signal });
    if (names.length === 1 && names[0] !== undefined) {
      location.replace(`#/objects/${segment(names[0])}`);
      return null;
    }
    if (names.length === 0) return empty("There is no connector, so there are no objects.", h("a", { href: "#/connectors/-/new" }, "Create a connector"));
    return [
      h("p", null, "Whose objects?"),
      pages(names.sort((a, b) => a.localeCompare(b))),
    ];
  });
}

/** Connectors' names, a page at a time. */
function pages(names: string[]): HTMLElement {
  const place = h("div");
  const draw = (skip: number): void =>
    fill(
      place,
      h("ul", { class: "tree" }, names.slice(skip, skip + LIMIT).map((name) => h("li", null, h("a", { href: `#/objects/${segment(name)}` }, name)))),
      names.length > LIMIT ? pager(skip, LIMIT, names.length, draw) : null,
    );
  draw(0);
  return place;
}

function tree(view: View, connector: string): void {
  const place = h("section", { class: "card" });
  const bucket = h("span", { class: "dim" });
  fill(view.main, crumbs(["#/connectors", "Connectors"], [`#/connectors/${segment(connector)}`, connector]), head("Objects", bucket), place);
  const list = (prefix: string | null, after: string | null): Promise<Listing> => {
    const query = new URLSearchParams({ limit: String(LIMIT) });
    if (prefix !== null) query.set("prefix", prefix);
    if (after !== null) query.set("after", after);
    return json<Listing>(`${base("sink")}/connectors/${segment(connector)}/objects?${query}`, { signal: view.signal });
  };
  /** Fills a folder's place with a page of it. */
  const open = (into: HTMLElement, prefix: string | null, after: string | null): Promise<void> =>
    show(into, view.signal, async () => {
      const page = await list(prefix, after);
      if (prefix === null) bucket.textContent = `bucket ${page.bucket}`;
      if (page.folders.length + page.objects.length === 0) {
        return prefix === null
          ? empty("Nothing has been written yet.", h("p", null, "An object is there once flush.size records are read, or a rotation interval has passed. Look at the connector's tasks if nothing comes."))
          : h("p", { class: "dim" }, "Nothing is in this folder.");
      }
      return [
        h("ul", { class: "tree" }, page.folders.map((folder) => branch(folder, page))),
        page.objects.length > 0 ? leaves(page.objects, page.prefix) : null,
        after !== null || page.next !== null
          ? h(
              "div",
              { class: "row" },
              after !== null ? h("button", { type: "button", onclick: () => void open(into, prefix, null) }, "To the first page") : null,
              page.next !== null ? h("button", { type: "button", onclick: () => void open(into, prefix, page.next) }, "Next page") : null,
            )
          : null,
      ];
    });
  const branch = (folder: string, page: Listing): HTMLElement => {
    const inside = h("div", { class: "nest", hidden: true });
    const name = folder.slice(page.prefix.length);
    const button = h("button", { type: "button", class: "plain mono", "aria-expanded": "false" }, "▸ ", name);
    button.addEventListener("click", () => {
      const opens = inside.hidden;
      inside.hidden = !opens;
      button.setAttribute("aria-expanded", String(opens));
      fill(button, opens ? "▾ " : "▸ ", name);
      if (opens) void open(inside, folder, null);
      else fill(inside);
    });
    return h("li", null, button, inside);
  };
  const leaves = (all: Listed[], prefix: string): HTMLElement =>
    table(
      `Objects in ${prefix}`,
      ["Name", "#First offset", "#Last offset", "#Records", "#Size", "Closed because", "Written", ""],
      all.map((one) => {
        const name = one.key.slice(prefix.length);
        return [
          { name: h("span", { class: "mono" }, name) },
          { number: number(one.first_offset) },
          { number: number(one.last_offset) },
          { number: number(one.records) },
          { number: bytes(one.bytes) },
          one.reason === null ? h("span", { class: "dim" }, "not remembered") : reason(one.reason),
          time(one.last_modified),
          h(
            "div",
            { class: "row tight" },
            h("button", { type: "button", "aria-label": `Preview ${name}`, onclick: () => preview(view, connector, one) }, "Preview"),
            h("button", { type: "button", "aria-label": `Link to ${name}`, onclick: () => link(view, connector, one) }, "Link"),
          ),
        ];
      }),
    );
  void open(place, null, null);
}

function number(value: number | null): string {
  return value === null ? "–" : count(value);
}

function preview(view: View, connector: string, one: Listed): void {
  dialog("Rows of the object", (close) => {
    const place = h("div");
    void show(place, view.signal, async () => {
      const query = new URLSearchParams({ key: one.key, rows: String(ROWS) });
      const answer = parse(await text(`${base("sink")}/connectors/${segment(connector)}/objects/preview?${query}`, { signal: view.signal }));
      if (!isObject(answer)) return null;
      const rows = Array.isArray(answer.rows) ? answer.rows : [];
      return [
        h("p", { class: "dim" }, `${String(answer.format)}, ${plural(rows.length, "row")}${answer.more === true ? ", and there are more" : ", which is all"}.`),
        drawRows(rows),
      ];
    });
    return [h("p", { class: "mono" }, one.key), place, h("div", { class: "row end" }, h("button", { type: "button", onclick: close }, "Close"))];
  });
}

function drawRows(rows: Json[]): Child {
  if (rows.length === 0) return empty("The object has no row.");
  return h("pre", { class: "code", tabindex: "0", "aria-label": "Rows" }, rows.map((row) => print(row, 0).slice(0, 20_000)).join("\n"));
}

function link(view: View, connector: string, one: Listed): void {
  dialog("A link to the object", (close) => {
    const place = h("div");
    const path = `${base("sink")}/connectors/${segment(connector)}/objects/link?${new URLSearchParams({ key: one.key })}`;
    json<{ url: string; expires_in: number }>(path, { signal: view.signal }).then(
      (found) =>
        fill(
          place,
          h("p", null, `Signed by S3's rules with the connector's credentials; whoever has it can fetch this object for ${plural(Math.round(found.expires_in / 60), "minute")}.`),
          h("pre", { class: "code", tabindex: "0", "aria-label": "Link" }, found.url),
          h("div", { class: "row" }, h("a", { class: "button", href: found.url, target: "_blank", rel: "noopener noreferrer", download: "" }, "Download"), copy(() => found.url)),
        ),
      (error: unknown) => fill(place, failure(error)),
    );
    return [h("p", { class: "mono" }, one.key), place, h("div", { class: "row end" }, h("button", { type: "button", onclick: close }, "Close"))];
  });
}
