// A Java trace in readable form: what went wrong, cause by cause, and the whole of it on demand.

import { h } from "./dom";

/** The causes of a trace, outermost first: class and message. */
export function causes(trace: string): { name: string; message: string }[] {
  const found: { name: string; message: string }[] = [];
  for (const line of trace.split("\n")) {
    if (/^\s+at /.test(line) || /^\s*\.\.\. \d+ (more|common)/.test(line)) continue;
    const begun = /^(?:Caused by: )?((?:[a-z_][\w$]*\.)+[A-Z][\w$]*)(?:: ?(.*))?$/.exec(line);
    const last = found[found.length - 1];
    if (begun) found.push({ name: begun[1]?.split(".").pop() ?? "", message: begun[2] ?? "" });
    else if (last && line.trim() !== "") last.message += `\n${line}`;
    else if (line.trim() !== "") found.push({ name: "", message: line });
  }
  return found;
}

/** A trace as it is shown. */
export function readable(trace: string): HTMLElement {
  const all = causes(trace);
  return h(
    "div",
    { class: "notice bad" },
    h(
      "ol",
      null,
      all.map((cause) => h("li", null, h("strong", null, cause.name || "Error"), h("span", null, cause.message))),
    ),
    h("details", null, h("summary", null, "The whole trace"), h("pre", { class: "code", tabindex: "0" }, trace)),
  );
}
