// A connector's configuration as a form: made from what the validate endpoint says of each key, with the errors beside the
// fields, and with the objects that would be written.

import { base, json, segment, text } from "./api";
import { fill, h, id, type Child } from "./dom";
import { bytes, count, plural } from "./format";
import { causes } from "./trace";
import { aborted, brieflyNamed, debounced, empty, failure, field, notice, table, toast, type View } from "./ui";

interface Definition {
  name: string;
  type: string;
  required: boolean;
  default_value: string | null;
  importance: string;
  documentation: string;
  group: string | null;
  order_in_group: number;
  display_name: string;
}

interface Info {
  /** None for a key that only its error makes known. */
  definition: Definition | null;
  value: { name: string; value: string | null; recommended_values: string[]; errors: string[]; visible: boolean };
}

interface Infos {
  name: string;
  error_count: number;
  groups: string[];
  configs: Info[];
}

interface File {
  key: string;
  first_offset: number;
  last_offset: number;
  records: number;
  bytes: number;
  reason: string | null;
}

interface Explanation {
  objects: File[];
  open: File[];
  written: number;
  skipped: { record: string; reason: string }[];
  refused: { record: string; reason: string }[];
  committed: Record<string, number>;
  failure: { record: string; reason: string } | null;
}

const PLUGIN = "S3SinkConnector";
const SAMPLE = `[
  {"value": {"id": 1, "name": "one"}, "key": "a"},
  {"value": {"id": 2, "name": "two"}, "key": "b"}
]`;

/** Reasons in words. */
const REASONS: Record<string, string> = {
  flush_size: "flush.size was reached",
  flush_bytes: "sluiceway.flush.bytes was reached",
  rotate_interval: "rotate.interval.ms by the records' times",
  schedule: "rotate.schedule.interval.ms by the clock",
  schema_change: "the schema changed",
  partition_change: "the folder changed",
  max_open_files: "too many open files",
  idle: "nothing came for a while",
  clock_changes: "too many changes of the clock's folder",
  plan: "a boundary that a former task had planned",
  memory: "memory was short",
};

export function reason(name: string | null): string {
  return name === null ? "still open" : (REASONS[name] ?? name);
}

/** Text whose words in backticks are code. */
function prose(words: string): Child[] {
  return words.split("`").map((part, index) => (index % 2 === 1 ? h("code", null, part) : part));
}

/** A key that the form shows. */
interface Known extends Info {
  definition: Definition;
}

/** Whether the form has a field for a key: what it is has to be known, and nobody sets the type of a converter by hand. */
function isShown(info: Info): info is Known {
  return info.definition !== null && !info.definition.name.endsWith(".converter.type");
}

/** One key's field. */
class Row {
  readonly element: HTMLElement;
  readonly control: HTMLInputElement | HTMLSelectElement;
  private readonly wrong = h("span", { class: "wrong", id: id(), "aria-live": "polite" });

  constructor(
    readonly info: Known,
    value: string | undefined,
    changed: () => void,
  ) {
    const { definition } = info;
    const known = info.value.recommended_values;
    if (definition.type === "BOOLEAN") {
      const words = [["", `default (${definition.default_value ?? "none"})`], ["true", "true"], ["false", "false"]];
      this.control = h("select", null, words.map(([key, word]) => h("option", { value: key, selected: key === (value ?? "") }, word)));
    } else {
      const list = known.length > 0 ? h("datalist", { id: id() }, known.map((one) => h("option", { value: one }))) : null;
      this.control = h("input", {
        value: value ?? "",
        placeholder: definition.default_value === null || definition.default_value === "" ? "" : `default: ${definition.default_value}`,
        type: definition.type === "PASSWORD" ? "password" : "text",
        inputmode: /INT|LONG|SHORT/.test(definition.type) ? "numeric" : null,
        autocomplete: "off",
        spellcheck: "false",
        list: list?.id,
      });
      if (list) this.control.append(list);
    }
    this.control.id = id();
    const help = h("span", { class: "help", id: id() }, prose(definition.documentation));
    this.control.setAttribute("aria-describedby", `${this.wrong.id} ${help.id}`);
    this.control.addEventListener("input", changed);
    this.element = h(
      "div",
      { class: "field" },
      h(
        "label",
        { for: this.control.id },
        h("span", { class: "mono" }, definition.name),
        definition.required ? " (required)" : "",
        definition.importance === "HIGH" ? "" : h("span", { class: "dim" }, ` ${definition.importance.toLowerCase()} importance`),
      ),
      this.control,
      this.wrong,
      help,
    );
  }

  get name(): string {
    return this.info.definition.name;
  }

  say(errors: string[]): void {
    const words = errors.join(" ");
    if (this.wrong.textContent !== words) this.wrong.textContent = words;
    if (errors.length > 0) this.control.setAttribute("aria-invalid", "true");
    else this.control.removeAttribute("aria-invalid");
  }
}

/** The form of a new connector (`name` is null), or of one that there is. */
export function connectorForm(view: View, given: { name: string | null; config: Record<string, string> }): HTMLElement {
  const rows = new Map<string, Row>();
  const config = new Map(Object.entries(given.config));
  const groups = h("div");
  const others = h("div");
  const search = h("input", { type: "search", placeholder: "Part of a key or of what it does" });
  const importance = h("select", null, [["HIGH", "the important"], ["MEDIUM", "important and medium"], ["LOW", "all"]].map(([value, word]) => h("option", { value }, word)));
  const summary = h("p", { role: "status" });
  const said = h("div", { "aria-live": "polite" });
  const go = h("button", { type: "submit", class: "primary", disabled: true }, given.name === null ? "Create" : "Save and restart");
  const further = h("textarea", { spellcheck: "false" });
  const sample = h("textarea", { spellcheck: "false" });
  sample.value = SAMPLE;
  const explained = h("div", { "aria-live": "polite" }, h("p", { class: "dim" }, "Once the configuration has no errors, the objects stand here."));
  let running = new AbortController();
  view.signal.addEventListener("abort", () => running.abort());

  const collect = (): Record<string, string> => {
    const all: Record<string, string> = {};
    for (const [key, row] of rows) {
      if (row.control.value !== "") all[key] = row.control.value;
    }
    for (const line of further.value.split("\n")) {
      const at = line.indexOf("=");
      if (at > 0 && !line.trim().startsWith("#")) all[line.slice(0, at).trim()] = line.slice(at + 1).trim();
    }
    if (given.name !== null) all.name = given.name;
    return all;
  };

  const filter = (): void => {
    const words = search.value.toLowerCase();
    const levels = importance.value === "HIGH" ? ["HIGH"] : importance.value === "MEDIUM" ? ["HIGH", "MEDIUM"] : ["HIGH", "MEDIUM", "LOW"];
    for (const row of rows.values()) {
      const { definition } = row.info;
      const wanted = words === "" ? levels.includes(definition.importance) || row.control.value !== "" || definition.required || row.control.hasAttribute("aria-invalid") : `${definition.name} ${definition.documentation}`.toLowerCase().includes(words);
      row.element.hidden = !wanted;
    }
    groups.querySelectorAll<HTMLDetailsElement>("details.group").forEach((group) => {
      const some = [...group.querySelectorAll<HTMLElement>(".field")].some((one) => !one.hidden);
      group.hidden = !some;
    });
  };

  const build = (infos: Infos): void => {
    rows.clear();
    const known = infos.configs.filter(isShown);
    fill(
      groups,
      infos.groups.map((group) => {
        const own = known.filter((info) => info.definition.group === group).sort((a, b) => a.definition.order_in_group - b.definition.order_in_group);
        const drawn = own.map((info) => {
          const row = new Row(info, config.get(info.definition.name), changed);
          rows.set(row.name, row);
          return row.element;
        });
        return h("details", { class: "group", open: true }, h("summary", null, group), h("div", null, drawn));
      }),
    );
    const ungrouped = known.filter((info) => !rows.has(info.definition.name));
    if (ungrouped.length > 0) {
      const drawn = ungrouped.map((info) => {
        const row = new Row(info, config.get(info.definition.name), changed);
        rows.set(row.name, row);
        return row.element;
      });
      groups.append(h("details", { class: "group" }, h("summary", null, "Other"), h("div", null, drawn)));
    }
    const rest = [...config].filter(([key]) => !rows.has(key));
    further.value = rest.map(([key, value]) => `${key}=${value}`).join("\n");
  };

  const check = async (): Promise<void> => {
    running.abort();
    running = new AbortController();
    const signal = running.signal;
    const all = rows.size === 0 ? Object.fromEntries(config) : collect();
    try {
      const infos = await json<Infos>(`${base("sink")}/connector-plugins/${PLUGIN}/config/validate`, { method: "PUT", body: JSON.stringify(all), signal });
      if (rows.size === 0) build(infos);
      const loose: string[] = [];
      for (const info of infos.configs) {
        const row = rows.get(info.value.name);
        if (row) row.say(info.value.errors);
        else loose.push(...info.value.errors.map((error) => `${info.value.name}: ${error}`));
      }
      fill(others, loose.map((error) => notice("bad", "Not right", h("p", null, error))));
      const wrong = infos.error_count;
      summary.textContent = wrong === 0 ? "The configuration can be used." : `${plural(wrong, "thing")} not right yet: see the fields.`;
      summary.className = wrong === 0 ? "" : "dim";
      go.disabled = wrong > 0;
      filter();
      if (wrong === 0) await explain(all, signal);
      else fill(explained, h("p", { class: "dim" }, "Once the configuration has no errors, the objects stand here."));
    } catch (error) {
      if (signal.aborted || aborted(error)) return;
      go.disabled = true;
      fill(others, failure(error, () => void check()));
    }
  };

  const explain = async (all: Record<string, string>, signal: AbortSignal): Promise<void> => {
    let records: unknown;
    try {
      records = JSON.parse(sample.value);
    } catch (error) {
      fill(explained, notice("bad", "The sample is no JSON", h("p", null, error instanceof Error ? error.message : String(error))));
      return;
    }
    const body = JSON.stringify({ config: all, records });
    try {
      const explanation = await json<Explanation>(`${base("sink")}/connector-plugins/${PLUGIN}/config/explain`, { method: "PUT", body, signal });
      fill(explained, drawExplanation(explanation));
    } catch (error) {
      if (!signal.aborted && !aborted(error)) fill(explained, failure(error));
    }
  };
  const changed = debounced(() => void check(), 400);
  further.addEventListener("input", changed);
  sample.addEventListener("input", changed);
  search.addEventListener("input", filter);
  importance.addEventListener("change", filter);

  const form = h(
    "form",
    { "aria-label": "Configuration" },
    h(
      "section",
      { class: "card" },
      h("div", { class: "row" }, field("Search", search, { wide: true }), field("Shown are", importance)),
      h("p"),
      groups,
      h("details", { class: "group" }, h("summary", null, "Further keys, one a line (key=value)"), further),
      others,
    ),
    h(
      "section",
      { class: "card stack" },
      h("h2", null, "What would be written"),
      field("Records", sample, { help: "A JSON array of records: topic, partition, offset, timestamp, key, value, headers; what is left out has a default." }),
      explained,
    ),
    h("section", { class: "card stack" }, summary, said, h("div", { class: "row" }, go)),
  );
  further.setAttribute("aria-label", "Further keys");
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const all = collect();
    const name = given.name ?? all.name ?? "";
    go.disabled = true;
    text(`${base("sink")}/connectors/${segment(name)}/config`, { method: "PUT", body: JSON.stringify(all) }).then(
      () => {
        toast("good", `${brieflyNamed(name)} was ${given.name === null ? "created" : "saved"}`);
        location.hash = `#/connectors/${segment(name)}`;
      },
      (error: unknown) => {
        go.disabled = false;
        fill(said, failure(error));
      },
    );
  });
  void check();
  return form;
}

function drawExplanation(found: Explanation): Child {
  const file = (one: File): [{ name: Child }, { number: string }, { number: string }, { number: string }, string] => [
    { name: h("span", { class: "mono" }, one.key) },
    { number: one.first_offset === one.last_offset ? count(one.first_offset) : `${count(one.first_offset)}–${count(one.last_offset)}` },
    { number: count(one.records) },
    { number: bytes(one.bytes) },
    reason(one.reason),
  ];
  const notes = (title: string, some: { record: string; reason: string }[]): Child =>
    some.length === 0 ? null : notice("warn", title, h("ul", null, some.slice(0, 20).map((one) => h("li", null, `${one.record}: ${one.reason}`))));
  return [
    found.failure === null
      ? null
      : notice("bad", `The task would fail at ${found.failure.record}`, h("ul", null, causes(found.failure.reason).map((cause) => h("li", null, `${cause.name}: ${cause.message}`)))),
    found.objects.length + found.open.length === 0
      ? empty("No object would be written.")
      : table("Objects that would be written", ["Object", "#Offsets", "#Records", "#Size", "Closed because"], [...found.objects, ...found.open].slice(0, 100).map(file)),
    notes("Passed over by rule", found.skipped),
    notes("Refused", found.refused),
  ];
}
