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
/** Records looked through for a filter before one is asked whether to go on, and bytes of them. */
const SCAN = 20_000;
const SCAN_BYTES = 64 << 20;
/** Bytes of keys and values on a page that is not filtered: a page is a table, not a download. */
const PAGE_BYTES = 4 << 20;
/** Bytes of one answer: the first is to be there soon. While a filter looks through, there may be more. */
const ANSWER = 1 << 20;
const SCAN_ANSWER = 8 << 20;
/** Partitions read at once. */
const AT_ONCE = 4;
/** Characters of a value that are drawn until more is asked for. */
const CUT = 20_000;

interface Place {
  partition: number;
  begin: number;
  end: number;
  /** Where to read on; from the end, the record that was read last. */
  next: Start;
  /** Nothing is left. */
  done: boolean;
  /** Bytes of a record, of those that were read last; 0: none was read yet. */
  size: number;
  /** Offsets to a record, of those that were read last: a compacted topic lacks some. */
  sparse: number;
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
        let next: Start = { offset: String(own.beginning_offset) };
        if (from.value === "end") next = { offset: String(own.end_offset) };
        if (from.value === "offset") next = { offset: String(Math.min(Math.max(Number(offset.value), own.beginning_offset), own.end_offset)) };
        if (from.value === "time" && when.value !== "") next = { timestamp: String(new Date(when.value).getTime()) };
        const nothing = own.end_offset <= own.beginning_offset || (from.value === "offset" && "offset" in next && Number(next.offset) >= own.end_offset);
        places.push({ partition: number, begin: own.beginning_offset, end: own.end_offset, next, done: nothing, size: 0, sparse: 1 });
      }
    }
  };

  const answer = (): number => (filtered() ? SCAN_ANSWER : ANSWER);
  /** So many records of a partition, or fewer, where they are large. */
  const ask = (one: Place, start: Start, limit: number): Promise<Rec[]> =>
    read({ topic, partition: one.partition, start, limit, bytes: answer(), format: format.value as Format, signal: running.signal });

  /** Goes on towards the end. */
  const forwards = async (one: Place, limit: number): Promise<Rec[]> => {
    const left = "offset" in one.next ? one.end - Number(one.next.offset) : limit;
    const records = await ask(one, one.next, Math.max(1, Math.min(limit, left)));
    const last = records[records.length - 1];
    one.done = last === undefined || last.offset + 1 >= one.end;
    if (last !== undefined) one.next = { offset: String(last.offset + 1) };
    return records;
  };

  /** Goes on towards the start. What is asked for is guessed by the size of what came before, one record at first. */
  const backwards = async (one: Place, limit: number): Promise<Rec[]> => {
    const before = "offset" in one.next ? Number(one.next.offset) : one.end;
    const fit = one.size === 0 ? 1 : Math.max(1, Math.floor(answer() / one.size));
    let size = Math.min(Math.ceil(Math.min(limit, fit) * one.sparse), before - one.begin);
    for (;;) {
      const first = before - size;
      const records: Rec[] = [];
      let at = first;
      let cut = false;
      while (at < before && !cut) {
        const some = (await ask(one, { offset: String(at) }, before - at)).filter((record) => record.offset < before);
        records.push(...some);
        const last = some[some.length - 1];
        if (last === undefined) break;
        at = last.offset + 1;
        // They are larger than was thought: the last of them are wanted first.
        cut = at < before && size > 1 && weight(records) * 2 > answer();
      }
      if (records.length > 0) one.size = weight(records) / records.length;
      if (cut) {
        size = Math.max(1, Math.min(size - 1, records.length >> 1));
        continue;
      }
      one.sparse = records.length > 0 ? size / records.length : one.sparse * 8;
      one.next = { offset: String(first) };
      one.done = first <= one.begin;
      return records;
    }
  };

  const collect = async (): Promise<void> => {
    const found: Rec[] = [];
    let seen = 0;
    let heavy = 0;
    const newest = from.value === "end";
    const sifts = filtered();
    const own = running;
    const elements = new Map<Rec, HTMLElement>();
    const draw = (): void => {
      found.sort((a, b) => (a.timestamp ?? 0) - (b.timestamp ?? 0) || a.partition - b.partition || a.offset - b.offset);
      if (newest) found.reverse();
      // What is there already stays as it is, opened or not.
      fill(list, found.map((record) => {
        const element = elements.get(record) ?? drawn(record);
        elements.set(record, element);
        return element;
      }));
    };
    const step = async (one: Place, limit: number): Promise<void> => {
      const records = await (newest ? backwards(one, limit) : forwards(one, limit));
      if (own.signal.aborted) return;
      const before = found.length;
      seen += records.length;
      heavy += weight(records);
      found.push(...(sifts ? records.map(unfolded) : records).filter(matches));
      said.textContent = `Looking: ${plural(seen, "record")} read, ${count(found.length)} match…`;
      if (found.length > before) draw();
    };
    const enough = (): boolean => found.length >= SHOWN || seen >= SCAN || heavy >= (sifts ? SCAN_BYTES : PAGE_BYTES);
    while (!enough() && places.some((one) => !one.done)) {
      const round = places.filter((one) => !one.done);
      const limit = sifts ? PAGE : Math.max(1, Math.min(PAGE, Math.ceil((SHOWN - found.length) / round.length)));
      for (let first = 0; first < round.length && !enough(); first += AT_ONCE) {
        await Promise.all(round.slice(first, first + AT_ONCE).map((one) => step(one, limit)));
      }
    }
    const open = places.filter((one) => !one.done);
    said.textContent = `${plural(found.length, "record")} shown, ${plural(seen, "record")} read (${bytes(heavy)}).${found.length < 2 ? "" : newest ? " Newest first." : " Oldest first."}`;
    if (found.length === 0) {
      fill(list, open.length > 0 ? null : h("li", null, empty("No record here.", h("p", null, sifts ? "Nothing matches the filter: read from the start, or loosen it." : "Read from the start, or post a record."))));
    }
    const on = found.length === 0 ? "Look further" : newest ? "Earlier records" : "Further records";
    fill(more, open.length > 0 ? h("button", { type: "button", onclick: () => void run(collect) }, on) : null);
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

/** Bytes of keys and values. */
function weight(records: Rec[]): number {
  return records.reduce((sum, { key, value }) => sum + key.bytes + value.bytes, 0);
}

/** The record with all of its key and value, for a filter. */
function unfolded(record: Rec): Rec {
  return { ...record, key: record.key.whole?.() ?? record.key, value: record.value.whole?.() ?? record.value };
}

function body(value: Shown): HTMLElement {
  if (value.text === null) return h("p", { class: "dim" }, "null (a tombstone, where the topic is compacted)");
  const text = value.text;
  const shown = h("pre", { tabindex: "0" }, value.whole ? `${cut(text, CUT)}…` : cut(text, CUT));
  if (text.length <= CUT && value.whole === undefined) return shown;
  const all = h("button", { type: "button" }, `Show the whole value (${bytes(value.bytes)})`);
  all.addEventListener("click", () => {
    fill(shown, value.whole?.().text ?? text);
    shown.focus();
    all.remove();
  });
  return h("div", null, shown, all);
}
