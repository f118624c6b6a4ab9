// A form that posts a record, with the curl line and the request that it stands for.

import { base, known, segment, text, v3 } from "./api";
import { fill, h } from "./dom";
import { count } from "./format";
import { copy, failure, field, notice, select, type View } from "./ui";

const JSON_V2 = "application/vnd.kafka.json.v2+json";
const BINARY_V2 = "application/vnd.kafka.binary.v2+json";

type Kind = "json" | "text" | "avro" | "jsonschema" | "protobuf";
const KINDS: [Kind, string][] = [
  ["json", "JSON"],
  ["text", "text"],
  ["avro", "Avro"],
  ["jsonschema", "JSON Schema"],
  ["protobuf", "Protobuf"],
];

interface Request {
  /** Behind the beginning of the proxy's paths. */
  path: string;
  type: string;
  accept: string;
  body: string;
}

export function post(view: View, place: HTMLElement, topic: string): void {
  const kind = select(KINDS, "json");
  const key = h("input", { placeholder: "none", spellcheck: "false" });
  const partition = h("input", { type: "number", min: 0, placeholder: "any", class: "narrow" });
  const value = h("textarea", { spellcheck: "false" });
  value.value = '{"hello": "world"}';
  const schema = h("textarea", { spellcheck: "false", placeholder: '{"type": "record", "name": "hello", "fields": […]}' });
  const schemaField = field("Schema of the value", schema, { help: "It is registered if need be. For Avro and JSON Schema write JSON, for Protobuf a .proto." });
  const headers = h("textarea", { spellcheck: "false", placeholder: "trace-id: abc" });
  headers.rows = 2;
  const wrong = h("p", { class: "wrong", role: "alert" });
  let cluster = "";
  const curl = h("pre", { class: "code", tabindex: "0", "aria-label": "curl line" });
  const request = h("pre", { class: "code", tabindex: "0", "aria-label": "Request" });
  const result = h("div", { "aria-live": "polite" });
  const go = h("button", { type: "submit", class: "primary" }, "Post it");

  const make = (): Request | string => {
    const record: string[] = [];
    const written = kind.value as Kind;
    if (written !== "text") {
      try {
        JSON.parse(value.value);
      } catch (error) {
        return `The value is no JSON: ${error instanceof Error ? error.message : String(error)}`;
      }
    }
    const named = headers.value.split("\n").filter((line) => line.trim() !== "");
    if (named.some((line) => line.indexOf(":") < 1)) return "Headers are lines of name: value.";
    // Only v3 takes headers without a setting.
    if (named.length > 0) return versioned(written, named);
    if (written === "text") {
      if (key.value !== "") record.push(`"key": ${JSON.stringify(base64(key.value))}`);
      record.push(`"value": ${JSON.stringify(base64(value.value))}`);
    } else {
      if (key.value !== "") record.push(`"key": ${written === "json" ? asJson(key.value) : JSON.stringify(key.value)}`);
      record.push(`"value": ${value.value.trim()}`);
    }
    if (partition.value !== "") record.push(`"partition": ${partition.value}`);
    const head = written === "json" || written === "text" ? [] : [`"value_schema": ${JSON.stringify(schema.value)}`];
    if (head.length > 0 && key.value !== "") head.push(`"key_schema": ${JSON.stringify(written === "avro" ? '"string"' : '{"type": "string"}')}`);
    const type = written === "json" ? JSON_V2 : written === "text" ? BINARY_V2 : `application/vnd.kafka.${written}.v2+json`;
    const body = `{${[...head, `"records": [{${record.join(", ")}}]`].join(", ")}}`;
    return { path: `/topics/${segment(topic)}`, type, accept: "application/vnd.kafka.v2+json", body };
  };
  const versioned = (written: Kind, named: string[]): Request => {
    const data = (content: string, plain: boolean): string => {
      if (written === "text" || plain) return `{"type": "BINARY", "data": ${JSON.stringify(base64(content))}}`;
      if (written === "json") return `{"type": "JSON", "data": ${content.trim()}}`;
      return `{"type": "${written.toUpperCase()}", "schema": ${JSON.stringify(schema.value)}, "data": ${content.trim()}}`;
    };
    const members = named.map((line) => {
      const at = line.indexOf(":");
      return `{"name": ${JSON.stringify(line.slice(0, at).trim())}, "value": ${JSON.stringify(base64(line.slice(at + 1).trim()))}}`;
    });
    const record = [`"headers": [${members.join(", ")}]`];
    if (partition.value !== "") record.push(`"partition_id": ${partition.value}`);
    if (key.value !== "") record.push(`"key": ${written === "json" ? data(asJson(key.value), false) : data(key.value, true)}`);
    record.push(`"value": ${data(value.value, false)}`);
    return { path: `${cluster}/topics/${segment(topic)}/records`, type: "application/json", accept: "application/json", body: `{${record.join(", ")}}` };
  };
  const draw = (): Request | null => {
    schemaField.hidden = kind.value === "json" || kind.value === "text";
    const made = make();
    wrong.textContent = typeof made === "string" ? made : "";
    go.disabled = typeof made === "string";
    if (typeof made === "string") return null;
    const through = `${location.origin}${base("proxy")}${made.path}`;
    fill(curl, `curl -X POST -H 'Content-Type: ${made.type}' \\\n  --data ${quoted(made.body)} \\\n  ${quoted(through)}`);
    fill(request, `POST ${made.path} HTTP/1.1\nContent-Type: ${made.type}\nAccept: ${made.accept}\nContent-Length: ${new TextEncoder().encode(made.body).length}\n\n${made.body}`);
    return made;
  };
  const form = h(
    "form",
    { class: "card stack" },
    h("h2", null, "The record"),
    h("div", { class: "row" }, field("Written as", kind), field("Key", key, { wide: true }), field("Partition", partition)),
    field("Value", value),
    schemaField,
    field("Headers, one a line", headers),
    wrong,
    h("div", { class: "row" }, go),
    result,
  );
  form.addEventListener("input", () => draw());
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const made = draw();
    if (made === null) return;
    go.disabled = true;
    text(`${base("proxy")}${made.path}`, { method: "POST", type: made.type, body: made.body, accept: made.accept, signal: view.signal })
      .then((answer) => fill(result, written(answer)))
      .catch((error: unknown) => fill(result, failure(error)))
      .finally(() => {
        go.disabled = false;
      });
  });
  const url = known().programs.find((one) => one.name === "proxy")?.url;
  fill(
    place,
    h(
      "div",
      { class: "columns" },
      form,
      h(
        "section",
        { class: "card stack" },
        h("h2", null, "The same with curl"),
        curl,
        h("div", { class: "row" }, copy(() => curl.textContent ?? "")),
        h("p", { class: "dim" }, `This goes by the console's own address; ${url ?? "the proxy's listener"} takes the same request without ${base("proxy")}.`),
        h("h2", null, "The request"),
        request,
      ),
    ),
  );
  draw();
  v3().then(
    (path) => {
      cluster = path.slice(base("proxy").length);
      draw();
    },
    () => undefined,
  );
}

function asJson(text: string): string {
  try {
    JSON.parse(text);
    return text;
  } catch {
    return JSON.stringify(text);
  }
}

function written(answer: string): HTMLElement {
  interface Result {
    partition?: number | null;
    partition_id?: number | null;
    offset: number | null;
    error_code?: number | null;
    error?: string | null;
    message?: string;
  }
  const parsed = JSON.parse(answer) as { offsets?: Result[] } & Result;
  const first = parsed.offsets === undefined ? parsed : parsed.offsets[0];
  // v3 answers 200 with a code of its own in each result.
  if (first?.error_code === 200) first.error_code = null;
  if (first?.error_code !== null && first?.error_code !== undefined) {
    return notice("bad", `Error ${first.error_code}`, h("p", null, first.error ?? first.message ?? ""));
  }
  return notice("good", "Written", h("p", null, `Partition ${count(first?.partition ?? first?.partition_id ?? Number.NaN)}, offset ${count(first?.offset ?? Number.NaN)}. `));
}

function base64(text: string): string {
  return btoa(String.fromCharCode(...new TextEncoder().encode(text)));
}

/** A word of a shell's command line. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
