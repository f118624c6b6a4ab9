// Records of a topic: from the start, the end, an offset, a time; filtered by key, text or a JSON path.

import { base, json, segment } from "./api";
import { fill, h } from "./dom";
import { bytes, count, plural, time, zone } from "./format";
import { at, Num, print, type Json } from "./json";
import { FORMATS, read, type Format, type Rec, type Shown, type Start } from "./records";
import { aborted, empty, failure, field, select, type View } from "./ui";

/** Records asked for at once. */
const PAGE = 100;
/** Matching records shown on a page. */
const SHOWN = 100;
/** Records looked through for a filter before one is asked whether to go on. */
const SCAN = 20_000;
/** Characters of a value that are drawn until more is asked for. */
const CUT = 20_000;

interface Place {
  partition: number;
  begin: number;
  end: number;
  next: Start;
  /** Nothing is left before the end as it was. */
  done: boolean;
}

export function browse(view: View, place: HTMLElement, topic: string): void {
  const query = view.query;
  const from = select(
    [
      ["end", "the last records"],
      ["start", "the start"],
      ["offset", "an offset"],
      ["time", "a time"],
    ],
    query.get("from") ?? "end",
  );
  const offset = h("input", { type: "number", min: 0, value: query.get("offset") ?? "0" });
  const when = h("input", { type: "datetime-local", step: 1 });
  const partition = select([["", "all"]], "");
  const format = select(FORMATS, "auto");
  const key = h("input", { type: "search", placeholder: "part of a key" });
  const words = h("input", { type: "search", placeholder: "part of a value or header" });
  const path = h("input", { placeholder: "$.user.id", spellcheck: "false" });
  const equals = h("input", { placeholder: "any value", spellcheck: "false" });
  const stop = h("button", { type: "button", hidden: true }, "Stop");
  const go = h("button", { type: "submit", class: "primary" }, "Read");
  const said = h("p", { class: "dim", role: "status" });
  const list = h("ol", { class: "records", "aria-label": "Records" });
  const more = h("div");
  const offsetField = field("Offset", offset);
  const timeField = field(`Time (${zone()})`, when);
  let running = new AbortController();
  let places: Place[] = [];
  view.signal.addEventListener("abort", () => running.abort());

  const shape = (): void => {
    offsetField.hidden = from.value !== "offset";
    timeField.hidden = from.value !== "time";
  };
  from.addEventListener("change", shape);
  shape();

  const matches = (record: Rec): boolean => {
    if (key.value !== "" && !(record.key.text ?? "").includes(key.value)) return false;
    if (words.value !== "") {
      const inHeaders = record.headers.some(([name, value]) => name.includes(words.value) || (value ?? "").includes(words.value));
      const flat = record.value.json === undefined ? "" : print(record.value.json, 0);
      if (!(record.value.text ?? "").includes(words.value) && !flat.includes(words.value) && !inHeaders) return false;
    }
    if (path.value.trim() !== "") {
      const found = record.value.json === undefined ? undefined : at(record.value.json, path.value);
      if (found === undefined) return false;
      if (equals.value !== "" && flat(found) !== equals.value) return false;
    }
    return true;
  };

  const begin = async (): Promise<void> => {
    const root = `${base("proxy")}/topics/${segment(topic)}/partitions`;
    const all = await json<{ partition: number }[]>(root, { signal: running.signal });
    if (partition.options.length !== all.length + 1) {
      const chosen = partition.value;
      fill(partition, [["", "all"] as [string, string], ...all.map((one) => [String(one.partition), String(one.partition)] as [string, string])].map(([value, name]) => h("option", { value }, name)));
      partition.value = chosen;
    }
    const wanted = all.filter((one) => partition.value === "" || String(one.partition) === partition.value);
    places = [];
    for (let first = 0; first < wanted.length; first += 16) {
      const some = wanted.slice(first, first + 16).map(async ({ partition: number }) => {
        const own = await json<{ beginning_offset: number; end_offset: number }>(`${root}/${number}/offsets`, { signal: running.signal });
        return { number, own };
      });
      for (const { number, own } of await Promise.all(some)) {
        const last = Math.max(own.beginning_offset, own.end_offset - Math.ceil(SHOWN / wanted.length));
        let next: Start = { offset: String(own.beginning_offset) };
        if (from.value === "end") next = { offset: String(last) };
        if (from.value === "offset") next = { offset: String(Math.min(Math.max(Number(offset.value), own.beginning_offset), own.end_offset)) };
        if (from.value === "time" && when.value !== "") next = { timestamp: String(new Date(when.value).getTime()) };
        const nothing = own.end_offset <= own.beginning_offset || ("offset" in next && Number(next.offset) >= own.end_offset);
        places.push({ partition: number, begin: own.beginning_offset, end: own.end_offset, next, done: nothing });
      }
    }
  };

  const collect = async (): Promise<void> => {
    const found: Rec[] = [];
    let seen = 0;
    const newest = from.value === "end";
    while (found.length < SHOWN && seen < SCAN && places.some((one) => !one.done)) {
      for (const one of places.filter((place_) => !place_.done)) {
        const limit = Math.max(1, Math.min(PAGE, newest ? PAGE : Math.ceil(SHOWN / Math.max(1, places.length))));
        const records = await read(topic, one.partition, one.next, limit, format.value as Format, running.signal);
        seen += records.length;
        const last = records[records.length - 1];
        if (last === undefined) one.done = true;
        else {
          one.next = { offset: String(last.offset + 1) };
          one.done = last.offset + 1 >= one.end;
        }
        found.push(...records.filter(matches));
        said.textContent = `Looking: ${plural(seen, "record")} read, ${count(found.length)} match…`;
        if (found.length >= SHOWN * 2) break;
      }
    }
    found.sort((a, b) => (a.timestamp ?? 0) - (b.timestamp ?? 0) || a.partition - b.partition || a.offset - b.offset);
    if (newest) found.reverse();
    fill(list, found.slice(0, SHOWN * 2).map(drawn));
    const open = places.filter((one) => !one.done);
    said.textContent = `${plural(found.length, "record")} shown, ${plural(seen, "record")} read.${found.length < 2 ? "" : newest ? " Newest first." : " Oldest first."}`;
    if (found.length === 0 && open.length === 0) {
      fill(list, h("li", null, empty("No record here.", h("p", null, filtered() ? "Nothing matches the filter: read from the start, or loosen it." : "Read from the start, or post a record."))));
    }
    fill(
      more,
      open.length > 0
        ? h("button", { type: "button", onclick: () => void run(collect) }, found.length === 0 ? "Look further" : "Further records")
        : null,
    );
  };

  const filtered = (): boolean => [key, words, path].some((one) => one.value !== "");

  const run = async (work: () => Promise<void>): Promise<void> => {
    running.abort();
    running = new AbortController();
    const own = running;
    stop.hidden = false;
    fill(more);
    try {
      await work();
    } catch (error) {
      if (own.signal.aborted || aborted(error)) {
        if (own === running) said.textContent = "Stopped.";
      } else {
        fill(list, h("li", null, failure(error, () => void run(work))));
        said.textContent = "";
      }
    } finally {
      if (own === running) stop.hidden = true;
    }
  };
  const anew = (): void =>
    void run(async () => {
      await begin();
      await collect();
    });
  stop.addEventListener("click", () => running.abort());

  const form = h(
    "form",
    { class: "card stack", "aria-label": "Which records" },
    h("div", { class: "row" }, field("From", from), offsetField, timeField, field("Partition", partition), field("Show as", format)),
    h(
      "div",
      { class: "row" },
      field("Key contains", key, { wide: true }),
      field("Text contains", words, { wide: true }),
      field("JSON path", path, { wide: true }),
      field("is", equals, { wide: true }),
      go,
      stop,
    ),
  );
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    anew();
  });
  fill(place, form, h("section", { class: "card" }, said, list, more));
  anew();
}

function flat(value: Json): string {
  if (value instanceof Num) return value.text;
  return typeof value === "string" ? value : print(value, 0);
}

function drawn(record: Rec): HTMLElement {
  return h(
    "li",
    { class: "record" },
    h(
      "header",
      null,
      h("span", null, "partition ", h("b", null, count(record.partition))),
      h("span", null, "offset ", h("b", null, count(record.offset))),
      time(record.timestamp),
      h("span", null, `${bytes(record.value.bytes)} ${record.value.kind}`),
    ),
    h("div", { class: "headers" }, h("span", { class: "dim" }, "key "), record.key.text === null ? h("span", { class: "dim" }, "none") : h("span", { class: "mono" }, cut(record.key.text, 500))),
    record.headers.length === 0
      ? null
      : h(
          "div",
          { class: "headers" },
          record.headers.map(([name, value]) => h("div", null, h("span", { class: "dim" }, `${name}: `), h("span", { class: "mono" }, value === null ? "null" : cut(value, 500)))),
        ),
    body(record.value),
  );
}

function cut(text: string, limit: number): string {
  return text.length > limit ? `${text.slice(0, limit)}…` : text;
}

function body(value: Shown): HTMLElement {
  if (value.text === null) return h("p", { class: "dim" }, "null (a tombstone, where the topic is compacted)");
  const text = value.text;
  const shown = h("pre", { tabindex: "0" }, cut(text, CUT));
  if (text.length <= CUT) return shown;
  const all = h("button", { type: "button" }, `Show all ${count(text.length)} characters`);
  all.addEventListener("click", () => {
    fill(shown, text);
    all.remove();
  });
  return h("div", null, shown, all);
}
