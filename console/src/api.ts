// Requests to the programs' public APIs. What the page asks for here, curl can ask for, too.

import { parse, type Json } from "./json";

/** A program that this console shows. */
export interface Program {
  name: "proxy" | "sink";
  api: string;
  live: string;
  url: string | null;
}

export interface Info {
  version: string;
  programs: Program[];
}

/** An answer of 400 and above, or none at all. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly request: string,
  ) {
    super(message);
  }
}

export interface Call {
  method?: string;
  accept?: string;
  type?: string;
  body?: string;
  signal?: AbortSignal;
  headers?: Record<string, string>;
}

/** What to say of a server that does not answer. */
const AWAY = "The server does not answer. It may have been stopped; the page goes on by itself once it is back.";

/** Reports whether the server answers. */
export const reachability = new EventTarget();

let answered = true;

function reached(yes: boolean): void {
  if (yes === answered) return;
  answered = yes;
  reachability.dispatchEvent(new CustomEvent("change", { detail: yes }));
}

/** Sends a request to a path of this server; the text of its answer. */
export async function text(path: string, call: Call = {}): Promise<string> {
  const method = call.method ?? "GET";
  const shown = `${method} ${path}`;
  const headers: Record<string, string> = { ...call.headers };
  if (call.accept) headers.Accept = call.accept;
  if (call.body !== undefined) headers["Content-Type"] = call.type ?? "application/json";
  let response: Response;
  try {
    response = await fetch(path, { method, headers, body: call.body, signal: call.signal, cache: "no-store" });
  } catch (error) {
    if (call.signal?.aborted) throw error;
    reached(false);
    throw new ApiError(0, "unreachable", AWAY, shown);
  }
  const body = await response.text();
  reached(true);
  if (response.status >= 400) throw refused(response.status, body, shown);
  return body;
}

/** Why a stream of events is refused; `null` if it is not, or if nobody answers. */
export async function refusal(path: string): Promise<ApiError | null> {
  const stop = new AbortController();
  try {
    const response = await fetch(path, { headers: { Accept: "text/event-stream" }, signal: stop.signal, cache: "no-store" });
    return response.status < 400 ? null : refused(response.status, await response.text(), `GET ${path}`);
  } catch {
    return null;
  } finally {
    stop.abort();
  }
}

function refused(status: number, body: string, request: string): ApiError {
  let code = String(status);
  let message = body.slice(0, 2000) || `HTTP ${status} without a text`;
  try {
    const parsed = JSON.parse(body) as { error_code?: unknown; message?: unknown };
    if (parsed.error_code !== undefined) code = String(parsed.error_code);
    if (typeof parsed.message === "string") message = parsed.message;
  } catch {
    // It is shown as it came.
  }
  return new ApiError(status, code, message, request);
}

/** The same for an answer in JSON. */
export async function json<T>(path: string, call: Call = {}): Promise<T> {
  const body = await text(path, { accept: "application/json, */*;q=0.1", ...call });
  return (body === "" ? null : JSON.parse(body)) as T;
}

/** The same with numbers kept as they are written. */
export async function exact(path: string, call: Call = {}): Promise<Json> {
  return parse(await text(path, call));
}

/** A segment of a path. */
export function segment(name: string): string {
  return encodeURIComponent(name);
}

let info: Info = { version: "", programs: [] };

/** Learns what this console shows. */
export async function load(): Promise<Info> {
  info = await json<Info>("/console/info");
  return info;
}

export function known(): Info {
  return info;
}

export function has(name: Program["name"]): boolean {
  return info.programs.some((program) => program.name === name);
}

/** The beginning of a program's paths. */
export function base(name: Program["name"]): string {
  return `/console/api/${name}`;
}

let cluster: string | null = null;

/** The beginning of v3's paths for the cluster. */
export async function v3(): Promise<string> {
  if (cluster === null) {
    const found = await json<{ data: { cluster_id: string }[] }>(`${base("proxy")}/v3/clusters`);
    cluster = found.data[0]?.cluster_id ?? "";
  }
  return `${base("proxy")}/v3/clusters/${segment(cluster)}`;
}

/** Forgets what was learnt of a server that went away. */
export function forget(): void {
  cluster = null;
}
