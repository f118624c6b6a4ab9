// Numbers with their units, and times in the viewer's zone with UTC beside it.

import { h } from "./dom";

const whole = new Intl.NumberFormat(undefined, { maximumFractionDigits: 0 });
const tenth = new Intl.NumberFormat(undefined, { maximumFractionDigits: 1 });
const hundredth = new Intl.NumberFormat(undefined, { maximumFractionDigits: 2 });

/** 1,234 */
export function count(value: number): string {
  return Number.isFinite(value) ? whole.format(value) : "–";
}

/** 1.2k, 3.4M: for places with little room. */
export function short(value: number): string {
  if (!Number.isFinite(value)) return "–";
  const size = Math.abs(value);
  if (size >= 1e9) return `${tenth.format(value / 1e9)}G`;
  if (size >= 1e6) return `${tenth.format(value / 1e6)}M`;
  if (size >= 1e4) return `${tenth.format(value / 1e3)}k`;
  if (size >= 100 || Number.isInteger(value)) return whole.format(value);
  return size >= 1 ? tenth.format(value) : hundredth.format(value);
}

/** 12.3 KiB */
export function bytes(value: number): string {
  if (!Number.isFinite(value)) return "–";
  const units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
  let size = value;
  let unit = 0;
  while (Math.abs(size) >= 1024 && unit < units.length - 1) {
    size /= 1024;
    unit += 1;
  }
  return `${unit === 0 || size >= 100 ? whole.format(size) : tenth.format(size)} ${units[unit]}`;
}

/** 12 ms, 3.4 s, 5 min, 2 h, 3 d */
export function duration(ms: number): string {
  if (!Number.isFinite(ms)) return "–";
  if (ms < 1000) return `${ms < 10 ? tenth.format(ms) : whole.format(ms)} ms`;
  const s = ms / 1000;
  if (s < 10) return `${tenth.format(s)} s`;
  if (s < 120) return `${whole.format(s)} s`;
  if (s < 7200) return `${whole.format(s / 60)} min`;
  if (s < 172800) return `${whole.format(s / 3600)} h`;
  return `${whole.format(s / 86400)} d`;
}

/** one object, two objects */
export function plural(number: number, one: string, many = `${one}s`): string {
  return `${count(number)} ${number === 1 ? one : many}`;
}

const two = (n: number): string => String(n).padStart(2, "0");
const three = (n: number): string => String(n).padStart(3, "0");

function clock(date: Date): string {
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return `${day} ${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}.${three(date.getMilliseconds())}`;
}

/** The viewer's zone, as UTC+2 or so. */
export function zone(date = new Date()): string {
  const minutes = -date.getTimezoneOffset();
  if (minutes === 0) return "UTC";
  const size = Math.abs(minutes);
  const rest = size % 60 === 0 ? "" : `:${two(size % 60)}`;
  return `UTC${minutes < 0 ? "−" : "+"}${Math.floor(size / 60)}${rest}`;
}

/** A time in the viewer's zone, with UTC beside it. */
export function time(ms: number | null | undefined): HTMLElement {
  const date = ms === null || ms === undefined || ms < 0 ? null : new Date(ms);
  if (date === null || Number.isNaN(date.getTime())) return h("span", { class: "dim" }, "none");
  const iso = date.toISOString();
  const utc = iso.replace("T", " ").replace("Z", "");
  if (zone(date) === "UTC") return h("time", { datetime: iso }, utc, h("span", { class: "utc" }, " UTC"));
  const own = h("span", { class: "whole" }, clock(date), h("span", { class: "utc" }, ` ${zone(date)}`));
  return h("time", { datetime: iso }, own, " ", h("span", { class: "utc whole beside" }, `${utc} UTC`));
}
