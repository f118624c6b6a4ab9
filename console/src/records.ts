// Records as the page shows them: read as bytes and decoded here, or by the proxy where a schema is needed.

import { ApiError, base, segment, text } from "./api";
import { isObject, num, parse, print, type Json, type JsonObject } from "./json";

/** How values are shown. */
export type Format = "auto" | "json" | "text" | "hex" | "avro" | "jsonschema" | "protobuf";

export const FORMATS: [Format, string][] = [
  ["auto", "as it seems"],
  ["json", "JSON"],
  ["text", "text"],
  ["hex", "hex"],
  ["avro", "Avro"],
  ["jsonschema", "JSON Schema"],
  ["protobuf", "Protobuf"],
];

/** One record. */
export interface Rec {
  partition: number;
  offset: number;
  timestamp: number | null;
  headers: [string, string | null][];
  key: Shown;
  value: Shown;
}

/** A key or a value. */
export interface Shown {
  /** What is read; `null`: there is none. */
  text: string | null;
  /** What it is, in a word. */
  kind: string;
  bytes: number;
  /** For JSON paths, where it is JSON. */
  json?: Json;
  /** Reads the whole of it, where `text` is only its beginning. */
  whole?: () => Shown;
}

const ACCEPT: Record<string, string> = {
  binary: "application/vnd.kafka.binary.v2+json",
  avro: "application/vnd.kafka.avro.v2+json",
  jsonschema: "application/vnd.kafka.jsonschema.v2+json",
  protobuf: "application/vnd.kafka.protobuf.v2+json",
};

/** Topics whose values look as if they had schemas and could not be read by them: they are not tried again and again. */
const opaque = new Set<string>();
/** Registries count their schemas from 1. */
const HIGHEST_ID = 10_000_000;

/** Where a read begins. */
export type Start = { offset: string } | { timestamp: string };

/** What is read of a partition. */
export interface Want {
  topic: string;
  partition: number;
  start: Start;
  /** Records at most. */
  limit: number;
  /** Bytes of keys and values at most, unless one record has more. */
  bytes: number;
  format: Format;
  signal: AbortSignal;
}

/** Reads records of a partition. */
export async function read(want: Want): Promise<Rec[]> {
  const { topic, format } = want;
  const schema = format === "avro" || format === "jsonschema" || format === "protobuf" ? format : null;
  if (schema !== null) return page(want, schema);
  const records = await page(want, "binary");
  if (format === "auto" && !opaque.has(topic) && records.some((record) => record.value.kind.startsWith("schema"))) {
    for (const kind of ["avro", "jsonschema", "protobuf"] as const) {
      try {
        return await page(want, kind);
      } catch (error) {
        if (!(error instanceof ApiError) || error.status === 0) throw error;
        // Of another kind, or some of the records are: they are shown as bytes.
      }
    }
    opaque.add(topic);
  }
  return format === "auto" ? records : records.map((record) => ({ ...record, value: as(record.value, format), key: as(record.key, format) }));
}

async function page({ topic, partition, start, limit, bytes, signal }: Want, kind: keyof typeof ACCEPT): Promise<Rec[]> {
  const query = new URLSearchParams({ ...start, count: String(limit), include: "headers,timestamp", timeout: "300", max_bytes: String(bytes) });
  const path = `${base("proxy")}/topics/${segment(topic)}/partitions/${partition}/records?${query}`;
  const answer = parse(await text(path, { accept: ACCEPT[kind], signal }));
  if (!Array.isArray(answer)) return [];
  const make = kind === "binary" ? begun : decoded;
  return answer.filter(isObject).map((record) => ({
    partition: num(record.partition),
    offset: num(record.offset),
    timestamp: time(record.timestamp),
    headers: headers(record.headers),
    key: make(record.key, kind),
    value: make(record.value, kind),
  }));
}

function time(value: Json | undefined): number | null {
  const ms = typeof value === "string" ? Date.parse(value) : num(value);
  return Number.isFinite(ms) ? ms : null;
}

function headers(value: Json | undefined): [string, string | null][] {
  if (!Array.isArray(value)) return [];
  return value.filter(isObject).map((header: JsonObject) => {
    const name = typeof header.name === "string" ? header.name : String(header.key ?? "");
    const bytes = typeof header.value === "string" ? unbase64(header.value) : null;
    return [name, bytes === null ? null : utf8(bytes) ?? `0x${hex(bytes)}`];
  });
}

/** What the proxy decoded by a schema. */
function decoded(value: Json | undefined, kind: string): Shown {
  if (value === null || value === undefined) return { text: null, kind: "null", bytes: 0 };
  const written = pretty(value);
  return { text: written, kind, bytes: written.length, json: value };
}

/** Bytes of a value that are decoded before all of it is asked for, and characters of base64 that they are. */
const HEAD = 12 * 1024;
const HEAD_CHARS = (HEAD / 3) * 4;

/** A value, or the beginning of a large one. */
function begun(value: Json | undefined): Shown {
  if (typeof value !== "string") return { text: null, kind: "null", bytes: 0 };
  if (value.length <= 4 * HEAD_CHARS) return decode(unbase64(value));
  const bytes = (value.length / 4) * 3 - (/=*$/.exec(value.slice(-2))?.[0].length ?? 0);
  const head = unbase64(value.slice(0, HEAD_CHARS));
  const all = (): Shown => decode(unbase64(value));
  const framed = schemaOf(head);
  const written = framed === null ? utf8(head, true) : null;
  if (written === null) return { text: hex(head.subarray(0, 1024)), kind: framed ?? "bytes", bytes, whole: all };
  return { text: written, kind: /^\s*[[{]/.test(written) ? "json" : "text", bytes, whole: all };
}

/** The id of the schema that a value was written by, as registries' clients put it in front. */
function schemaOf(bytes: Uint8Array): string | null {
  if (bytes[0] !== 0 || bytes.length <= 5) return null;
  const id = new DataView(bytes.buffer).getUint32(1);
  return id > 0 && id < HIGHEST_ID ? `schema ${id}` : null;
}

function decode(bytes: Uint8Array): Shown {
  const framed = schemaOf(bytes);
  const written = framed === null ? utf8(bytes) : null;
  if (written === null) return { text: hex(bytes), kind: framed ?? "bytes", bytes: bytes.length };
  return json(written, bytes.length) ?? { text: written, kind: "text", bytes: bytes.length };
}

function json(written: string, bytes: number): Shown | null {
  if (!/^\s*[[{"\-0-9tfn]/.test(written)) return null;
  try {
    const value = parse(written);
    return { text: pretty(value), kind: "json", bytes, json: value };
  } catch {
    return null;
  }
}

/** In one line where that is short, else in several. */
function pretty(value: Json): string {
  const line = print(value, 0);
  return line.length <= 120 ? line : print(value);
}

function as(shown: Shown, format: Format): Shown {
  const { whole } = shown;
  return { ...cast(shown, format), whole: whole && (() => as(whole(), format)) };
}

function cast(shown: Shown, format: Format): Shown {
  if (shown.text === null || format === "json") return shown;
  if (format === "text" && shown.json !== undefined) return { ...shown, text: print(shown.json, 0), kind: "text" };
  if (format === "hex" && !shown.kind.startsWith("schema") && shown.kind !== "bytes") {
    return { ...shown, text: hex(new TextEncoder().encode(shown.json === undefined ? shown.text : print(shown.json, 0))), kind: "hex" };
  }
  return shown;
}

export function unbase64(text: string): Uint8Array {
  const raw = atob(text);
  const bytes = new Uint8Array(raw.length);
  for (let index = 0; index < bytes.length; index += 1) bytes[index] = raw.charCodeAt(index);
  return bytes;
}

/** As text, if it is; where it is `cut` the last letter may be half one. */
function utf8(bytes: Uint8Array, cut = false): string | null {
  try {
    const written = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes, { stream: cut });
    // Text has no control characters but tabs and line ends.
    return /[\u0000-\u0008\u000b\u000c\u000e-\u001f]/.test(written) ? null : written;
  } catch {
    return null;
  }
}

/** `00 01 ff`, sixteen a line. */
function hex(bytes: Uint8Array): string {
  const out: string[] = [];
  for (let at = 0; at < bytes.length; at += 16) {
    out.push([...bytes.subarray(at, at + 16)].map((byte) => byte.toString(16).padStart(2, "0")).join(" "));
  }
  return out.join("\n");
}
