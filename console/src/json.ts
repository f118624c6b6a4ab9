// JSON whose numbers stay as they are written: offsets and ids beyond 2^53 are shown as they are.

/** A number's text. */
export class Num {
  constructor(readonly text: string) {}
}

export type Json = null | boolean | string | Num | Json[] | JsonObject;
export interface JsonObject {
  [key: string]: Json;
}

const DEPTH = 500;

/** Reads JSON text. */
export function parse(text: string): Json {
  let at = 0;
  const fail = (): never => {
    throw new SyntaxError(`no JSON at character ${at}`);
  };
  const space = (): void => {
    while (at < text.length && " \t\n\r".includes(text[at] as string)) at += 1;
  };
  const word = <T>(expected: string, value: T): T => {
    if (!text.startsWith(expected, at)) fail();
    at += expected.length;
    return value;
  };
  const string = (): string => {
    const begin = at;
    for (;;) {
      const end = text.indexOf('"', at + 1);
      if (end < 0) fail();
      at = end;
      // A quote behind an odd number of backslashes is one of the string.
      let slashes = 0;
      while (text[end - 1 - slashes] === "\\") slashes += 1;
      if (slashes % 2 === 0) break;
    }
    at += 1;
    return JSON.parse(text.slice(begin, at)) as string;
  };
  const value = (depth: number): Json => {
    if (depth > DEPTH) fail();
    space();
    const first = text[at];
    if (first === "{") {
      const object: JsonObject = Object.create(null) as JsonObject;
      at += 1;
      space();
      if (text[at] === "}") return word("}", object);
      for (;;) {
        space();
        if (text[at] !== '"') fail();
        const key = string();
        space();
        word(":", null);
        object[key] = value(depth + 1);
        space();
        if (text[at] === "}") return word("}", object);
        word(",", null);
      }
    }
    if (first === "[") {
      const array: Json[] = [];
      at += 1;
      space();
      if (text[at] === "]") return word("]", array);
      for (;;) {
        array.push(value(depth + 1));
        space();
        if (text[at] === "]") return word("]", array);
        word(",", null);
      }
    }
    if (first === '"') return string();
    if (first === "t") return word("true", true);
    if (first === "f") return word("false", false);
    if (first === "n") return word("null", null);
    const number = /^-?\d+(\.\d+)?([eE][+-]?\d+)?/.exec(text.slice(at, at + 400));
    if (number === null) return fail();
    at += number[0].length;
    return new Num(number[0]);
  };
  const result = value(0);
  space();
  if (at < text.length) fail();
  return result;
}

/** Writes it in lines, or with `width` 0 in one. */
export function print(value: Json, width = 2, indent = ""): string {
  if (value instanceof Num) return value.text;
  if (value === null || typeof value !== "object") return JSON.stringify(value);
  const [open, close] = Array.isArray(value) ? ["[", "]"] : ["{", "}"];
  const deeper = indent + " ".repeat(width);
  const items = Array.isArray(value)
    ? value.map((item) => print(item, width, deeper))
    : Object.entries(value).map(([key, item]) => `${JSON.stringify(key)}:${width ? " " : ""}${print(item, width, deeper)}`);
  if (items.length === 0) return open + close;
  if (width === 0) return open + items.join(",") + close;
  return `${open}\n${deeper}${items.join(`,\n${deeper}`)}\n${indent}${close}`;
}

export function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Num);
}

/** The number, as far as JavaScript can tell. */
export function num(value: Json | undefined): number {
  return value instanceof Num ? Number(value.text) : Number.NaN;
}

/** What lies at a path such as `$.a.b[0]`, `a.b` or `$['a b']`; `undefined` where nothing does. */
export function at(value: Json, path: string): Json | undefined {
  const steps = path.trim().replace(/^\$/, "").match(/\[\s*(?:\d+|'[^']*'|"[^"]*")\s*\]|[^.[\]]+/g) ?? [];
  let here: Json | undefined = value;
  for (const step of steps) {
    const key = step.startsWith("[") ? step.slice(1, -1).trim().replace(/^['"]|['"]$/g, "") : step;
    if (Array.isArray(here)) here = here[Number(key)];
    else if (isObject(here)) here = here[key];
    else return undefined;
  }
  return here;
}
