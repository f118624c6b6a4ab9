// A form that posts a record, with the curl line and the request that it stands for.

import { base, known, segment, text } from "./api";
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
  type: string;
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
  const wrong = h("p", { class: "wrong", role: "alert" });
  const curl = h("pre", { class: "code", tabindex: "0", "aria-label": "curl line" });
  const request = h("pre", { class: "code", tabindex: "0", "aria-label": "Request" });
  const result = h("div", { "aria-live": "polite" });
  const go = h("button", { type: "submit", class: "primary" }, "Post it");

  const make = (): Request | string => {
    const record: string[] = [];
    const written = kind.value as Kind;
    if (written === "text") {
      if (key.value !== "") record.push(`"key": ${JSON.stringify(base64(key.value))}`);
      record.push(`"value": ${JSON.stringify(base64(value.value))}`);
    } else {
      if (key.value !== "") record.push(`"key": ${written === "json" ? asJson(key.value) : JSON.stringify(key.value)}`);
      try {
        JSON.parse(value.value);
      } catch (error) {
        return `The value is no JSON: ${error instanceof Error ? error.message : String(error)}`;
      }
      record.push(`"value": ${value.value.trim()}`);
    }
    if (partition.value !== "") record.push(`"partition": ${partition.value}`);
    const head = written === "json" || written === "text" ? [] : [`"value_schema": ${JSON.stringify(schema.value)}`];
    if (head.length > 0 && key.value !== "") head.push(`"key_schema": ${JSON.stringify(written === "avro" ? '"string"' : '{"type": "string"}')}`);
    const type = written === "json" ? JSON_V2 : written === "text" ? BINARY_V2 : `application/vnd.kafka.${written}.v2+json`;
    return { type, body: `{${[...head, `"records": [{${record.join(", ")}}]`].join(", ")}}` };
  };
  const draw = (): Request | null => {
    schemaField.hidden = kind.value === "json" || kind.value === "text";
    const made = make();
    wrong.textContent = typeof made === "string" ? made : "";
    go.disabled = typeof made === "string";
    if (typeof made === "string") return null;
    const path = `/topics/${segment(topic)}`;
    const through = `${location.origin}${base("proxy")}${path}`;
    fill(curl, `curl -X POST -H 'Content-Type: ${made.type}' \\\n  --data ${quoted(made.body)} \\\n  ${quoted(through)}`);
    fill(request, `POST ${path} HTTP/1.1\nContent-Type: ${made.type}\nAccept: application/vnd.kafka.v2+json\nContent-Length: ${new TextEncoder().encode(made.body).length}\n\n${made.body}`);
    return made;
  };
  const form = h(
    "form",
    { class: "card stack" },
    h("h2", null, "The record"),
    h("div", { class: "row" }, field("Written as", kind), field("Key", key, { wide: true }), field("Partition", partition)),
    field("Value", value),
    schemaField,
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
    text(`${base("proxy")}/topics/${segment(topic)}`, { method: "POST", type: made.type, body: made.body, accept: "application/vnd.kafka.v2+json", signal: view.signal })
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
  const parsed = JSON.parse(answer) as { offsets?: { partition: number | null; offset: number | null; error_code?: number | null; error?: string | null }[] };
  const first = parsed.offsets?.[0];
  if (first?.error_code !== null && first?.error_code !== undefined) {
    return notice("bad", `Error ${first.error_code}`, h("p", null, first.error ?? ""));
  }
  return notice("good", "Written", h("p", null, `Partition ${count(first?.partition ?? Number.NaN)}, offset ${count(first?.offset ?? Number.NaN)}. `));
}

function base64(text: string): string {
  return btoa(String.fromCharCode(...new TextEncoder().encode(text)));
}

/** A word of a shell's command line. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
