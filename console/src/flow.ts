// Flow: the pipeline from left to right, live, with what is wrong in words.

import { ApiError, base, has, json } from "./api";
import { Chart } from "./charts";
import { fill, h, setText, svg, type Child } from "./dom";
import { bytes, count, duration, plural, short } from "./format";
import { label, live, sum, type ByName, type Series } from "./live";
import { empty, every, head, type View } from "./ui";

const MINUTE = 60_000;
/** The queue is nearly full from this part on, the budget is short from that. */
const FULL = 0.8;
const TIGHT = 0.85;
/** So many records of lag are worth a word when they grow. */
const LAG = 1000;
/** A commit is late when nothing was committed for so long although there is lag. */
const LATE = 5 * MINUTE;

/** What is not as it should be. */
interface Problem {
  kind: "bad" | "warn";
  stage: number;
  title: string;
  text: string;
  link: [string, string];
}

const status = (labels: string): string => label(labels, "status");

/** The series that are drawn; made before the figures come, whatever view is looked at first. */
export function series() {
  const p = "sluiceway_proxy_";
  const s = "sluiceway_sink_";
  const answered = live.series("proxy", "answered", sum(`${p}request_duration_seconds_count`), true);
  return {
    requests: live.series("proxy", "requests", sum(`${p}requests_total`), true),
    refused: live.series("proxy", "refused", sum(`${p}requests_total`, (l) => /^[45]/.test(status(l))), true),
    faults: live.series("proxy", "faults", sum(`${p}requests_total`, (l) => status(l).startsWith("5")), true),
    latency: live.series("proxy", "latency", sum(`${p}request_duration_seconds_sum`), true, answered),
    produced: live.series("proxy", "produced", sum(`${p}produced_records_total`), true),
    producedBytes: live.series("proxy", "bytes", sum(`${p}produced_bytes_total`), true),
    undelivered: live.series("proxy", "undelivered", sum(`${p}delivery_errors_total`), true),
    queue: live.series("proxy", "queue", sum(`${p}queued_bytes`), false),
    limit: live.series("proxy", "limit", sum(`${p}queue_limit_bytes`), false),
    inFlight: live.series("proxy", "in flight", sum(`${p}in_flight_requests`), false),
    connections: live.series("proxy", "connections", sum(`${p}open_connections`), false),
    instances: live.series("proxy", "instances", sum(`${p}consumer_instances`), false),
    kafka: live.series("proxy", "kafka", sum(`${p}kafka_up`), false),
    consumed: live.series("sink", "consumed", sum(`${s}consumed_records_total`), true),
    objects: live.series("sink", "objects", sum(`${s}objects_total`), true),
    stored: live.series("sink", "stored", sum(`${s}object_records_total`), true),
    storedBytes: live.series("sink", "stored bytes", sum(`${s}object_bytes_total`), true),
    lag: live.series("sink", "lag", sum(`${s}lag_records`), false),
    open: live.series("sink", "open", sum(`${s}open_files`), false),
    age: live.series("sink", "age", age, false),
    budget: live.series("sink", "budget", sum(`${s}budget_bytes`), false),
    used: live.series("sink", "used", sum(`${s}budget_used_bytes`), false),
    refusedRecords: live.series("sink", "record errors", sum(`${s}record_errors_total`), true),
    failures: live.series("sink", "failures", sum(`${s}task_failures_total`), true),
    failed: live.series("sink", "failed", sum(`${s}connector_tasks`, (l) => label(l, "state").toLowerCase() === "failed"), false),
    running: live.series("sink", "running", sum(`${s}connector_tasks`, (l) => label(l, "state").toLowerCase() === "running"), false),
    tasks: live.series("sink", "tasks", sum(`${s}connector_tasks`), false),
    broken: live.series("sink", "broken", sum(`${s}connector_status`, (l) => label(l, "state").toLowerCase() === "failed"), false),
    held: live.series("sink", "held", sum(`${s}task_held_back`), false),
    retries: live.series("sink", "retries", sum(`${s}upload_retries_total`), true),
    fenced: live.series("sink", "fenced", sum(`${s}worker_fenced`), false),
  };
}

/** Seconds since the oldest commit; with several connectors the oldest of them. */
function age(figures: ByName, time: number): number | null {
  let oldest = Number.POSITIVE_INFINITY;
  const running = new Set<string>();
  for (const [labels, value] of figures.get("sluiceway_sink_connector_status") ?? []) {
    if (value === 1 && label(labels, "state").toLowerCase() === "running") running.add(label(labels, "connector"));
  }
  for (const [labels, value] of figures.get("sluiceway_sink_last_commit_timestamp_seconds") ?? []) {
    // Connectors that are stopped or gone commit nothing; totals do not tell them apart.
    const connector = label(labels, "connector");
    if (value !== 0 && (connector === "" || running.has(connector))) oldest = Math.min(oldest, value);
  }
  return Number.isFinite(oldest) ? Math.max(0, time / 1000 - oldest) : null;
}

type All = ReturnType<typeof series>;

/** How many topics there are, or why that is not known. */
interface Topics {
  total: number | null;
  error: unknown;
}

/** Names with their counts: `408: 3, 500: 1`. */
function kinds(found: [string, number][]): string {
  const some = found.filter(([, number]) => number > 0).slice(0, 4);
  return some.map(([name, number]) => `${name}: ${count(number)}`).join(", ");
}

function connectorsIn(state: string): string[] {
  const found = new Set<string>();
  for (const name of ["sluiceway_sink_connector_tasks", "sluiceway_sink_connector_status"]) {
    for (const [key, value] of Object.entries(live.latest("sink"))) {
      if (!key.startsWith(`${name}{`) || value === 0) continue;
      const labels = key.slice(name.length);
      if (label(labels, "state").toLowerCase() === state) found.add(label(labels, "connector"));
    }
  }
  found.delete("");
  return [...found];
}

/** A line below a chart: counts of a metric by one of its labels, since the start. */
function byKind(program: "proxy" | "sink", name: string, of: string, some: RegExp = /./): () => string {
  return () => {
    if (Object.keys(live.latest(program)).length === 0) return "";
    const words = kinds(live.by(program, `sluiceway_${program}_${name}`, of).filter(([kind]) => some.test(kind)));
    return words === "" ? "None since the start." : `By ${of}, since the start: ${words}`;
  };
}

/** What is wrong, worst first. */
function problems(all: All, topics: Topics): Problem[] {
  const found: Problem[] = [];
  const now = (one: Series): number => one.now() ?? 0;
  const connectors: [string, string] = ["#/connectors", "Look at the connectors"];
  if (has("proxy")) {
    if (all.kafka.now() === 0) {
      found.push({
        kind: "bad",
        stage: 2,
        title: "The proxy cannot reach Kafka",
        text: "Requests to produce and to read wait or fail until a broker answers. Look whether the brokers of bootstrap.servers run, and at what /readyz of the admin listener says.",
        link: ["#/topics", "See what still answers"],
      });
    }
    if (topics.error !== null && all.kafka.now() !== 0) {
      const { error } = topics;
      found.push({
        kind: "bad",
        stage: 2,
        title: error instanceof ApiError && error.status > 0 ? `The topics cannot be listed: error ${error.code}` : "The topics cannot be listed",
        text: error instanceof Error ? error.message : String(error),
        link: ["#/topics", "Look at the topics"],
      });
    }
    const part = now(all.limit) > 0 ? now(all.queue) / now(all.limit) : 0;
    if (part >= FULL) {
      found.push({
        kind: "bad",
        stage: 1,
        title: `The queue to Kafka is ${Math.round(part * 100)} % full`,
        text: "Records come in faster than Kafka acknowledges them; at 100 % clients get 429 and have to come again. Slow brokers are the usual cause.",
        link: ["#/topics", "Look at the topics' rates"],
      });
    }
    if (all.undelivered.grown(MINUTE) > 0) {
      found.push({
        kind: "bad",
        stage: 2,
        title: `${plural(all.undelivered.grown(MINUTE), "record")} not written in the last minute`,
        text: `Kafka refused or lost them, and their senders were told. By code, since the start: ${kinds(live.by("proxy", "sluiceway_proxy_delivery_errors_total", "code"))}.`,
        link: ["#/topics", "Look at the topics"],
      });
    }
    if (all.faults.grown(MINUTE) > 0) {
      const byStatus = live.by("proxy", "sluiceway_proxy_requests_total", "status").filter(([code]) => code.startsWith("5"));
      found.push({
        kind: "bad",
        stage: 1,
        title: `${plural(all.faults.grown(MINUTE), "request")} failed with 5xx in the last minute`,
        text: `By status, since the start: ${kinds(byStatus)}. The proxy's log has a line for each.`,
        link: ["#/topics", "Look at the topics"],
      });
    } else if (all.refused.grown(MINUTE) > 0) {
      const byStatus = live.by("proxy", "sluiceway_proxy_requests_total", "status").filter(([code]) => code.startsWith("4"));
      found.push({
        kind: "warn",
        stage: 0,
        title: `${plural(all.refused.grown(MINUTE), "request")} refused with 4xx in the last minute`,
        text: `Clients asked for what is not there or sent what cannot be taken. By status, since the start: ${kinds(byStatus)}.`,
        link: ["#/topics", "Look at the topics"],
      });
    }
  }
  if (has("sink")) {
    if (now(all.failed) > 0 || now(all.broken) > 0) {
      const names = connectorsIn("failed");
      const first = names[0];
      found.push({
        kind: "bad",
        stage: 3,
        title: now(all.failed) > 0 ? `${plural(now(all.failed), "task")} failed` : `${plural(now(all.broken), "connector")} failed`,
        text: `Nothing that has failed starts by itself: read the trace, correct the cause, restart. ${names.length > 0 ? `Concerned: ${names.slice(0, 5).join(", ")}${names.length > 5 ? " and others" : ""}.` : ""}`,
        link: first === undefined ? connectors : [`#/connectors/${encodeURIComponent(first)}`, `Read the trace of ${first}`],
      });
    }
    if (now(all.fenced) > 0) {
      found.push({
        kind: "bad",
        stage: 3,
        title: "The worker has lost touch with its group",
        text: "It has ended its tasks so that others may run them, and runs nothing until Kafka answers again.",
        link: connectors,
      });
    }
    const part = now(all.budget) > 0 ? now(all.used) / now(all.budget) : 0;
    if (part >= TIGHT) {
      found.push({
        kind: "bad",
        stage: 3,
        title: `The sink's memory budget is ${Math.round(part * 100)} % used`,
        text: "Files are closed early and partitions pause until uploads catch up. S3 may be slow, or many files are open at once (sluiceway.memory.budget.bytes).",
        link: ["#/objects", "Look at the objects"],
      });
    }
    const late = (all.age.now() ?? 0) * 1000;
    if (late > LATE && now(all.lag) > 0) {
      found.push({
        kind: "warn",
        stage: 3,
        title: `Nothing was committed for ${duration(late)}`,
        text: "There are records to be stored. Files may be waiting for flush.size or rotate.schedule.interval.ms, or uploads fail.",
        link: connectors,
      });
    }
    if (all.refusedRecords.grown(MINUTE) > 0) {
      found.push({
        kind: "warn",
        stage: 3,
        title: `${plural(all.refusedRecords.grown(MINUTE), "record")} could not be processed in the last minute`,
        text: `By stage, since the start: ${kinds(live.by("sink", "sluiceway_sink_record_errors_total", "stage"))}.`,
        link: connectors,
      });
    }
    if (all.retries.grown(MINUTE) > 0) {
      found.push({
        kind: "warn",
        stage: 4,
        title: `${plural(all.retries.grown(MINUTE), "request")} to S3 had to be tried again in the last minute`,
        text: `By operation, since the start: ${kinds(live.by("sink", "sluiceway_sink_upload_retries_total", "operation"))}. Nothing is lost: each is tried until it succeeds.`,
        link: ["#/objects", "Look at the objects"],
      });
    }
    if (now(all.held) > 0) {
      found.push({
        kind: "warn",
        stage: 3,
        title: `${plural(now(all.held), "task")} held back`,
        text: "Memory or uploads are behind, so these tasks take no records for a moment.",
        link: connectors,
      });
    }
    const before = now(all.lag) - all.lag.grown(MINUTE);
    if (now(all.lag) > LAG && all.lag.grown(MINUTE) > before * 0.5) {
      found.push({
        kind: "warn",
        stage: 2,
        title: `Lag has grown by ${count(all.lag.grown(MINUTE))} records in a minute`,
        text: "Records come in faster than they are stored. More tasks (tasks.max, up to the number of partitions) share the work.",
        link: ["#/consumers", "Look at the lag by partition"],
      });
    }
  }
  return found.sort((a, b) => (a.kind === b.kind ? 0 : a.kind === "bad" ? -1 : 1));
}

/** A line of a stage: name, and its value now. */
type Line = [string, () => string];

interface Stage {
  title: string;
  href: string;
  big: [() => string, string];
  lines: Line[];
  /** Whether anything goes on from here; of the last one, whether anything comes in. */
  flows: () => boolean;
}

function stages(all: All, topics: Topics): Stage[] {
  const text = (one: Series, write: (value: number) => string): string => {
    const value = one.now();
    return value === null ? "–" : write(value);
  };
  const rate = (one: Series) => (): string => text(one, short);
  const flows = (one: Series) => (): boolean => (one.now() ?? 0) > 0;
  return [
    {
      title: "Clients",
      href: "#/consumers",
      big: [rate(all.requests), "requests/s"],
      lines: [
        ["Connections", () => text(all.connections, count)],
        ["Refused", () => text(all.refused, (value) => `${short(value)}/s`)],
        ["Instances", () => text(all.instances, count)],
      ],
      flows: flows(all.requests),
    },
    {
      title: "REST proxy",
      href: "#/topics",
      big: [rate(all.produced), "records/s"],
      lines: [
        ["Bytes", () => text(all.producedBytes, (value) => `${bytes(value)}/s`)],
        ["Time to answer", () => text(all.latency, (value) => duration(value * 1000))],
        ["In flight", () => text(all.inFlight, count)],
        ["Queue", () => text(all.queue, bytes)],
      ],
      flows: flows(all.produced),
    },
    {
      title: "Topics",
      href: "#/topics",
      big: [() => (topics.total === null ? "–" : count(topics.total)), topics.total === 1 ? "topic" : "topics"],
      lines: [
        ["Kafka", () => text(all.kafka, (value) => (value > 0 ? "reachable" : "not reachable"))],
        ["Lag", () => text(all.lag, (value) => `${short(value)} records`)],
        ["Not written", () => text(all.undelivered, (value) => `${short(value)}/s`)],
      ],
      flows: flows(all.consumed),
    },
    {
      title: "Sink tasks",
      href: "#/connectors",
      big: [rate(all.consumed), "records/s"],
      lines: [
        ["Running", () => (all.tasks.now() === null ? "–" : `${text(all.running, count)} of ${text(all.tasks, count)}`)],
        ["Commit age", () => text(all.age, (value) => duration(value * 1000))],
        ["Open files", () => text(all.open, count)],
        ["Memory", () => text(all.used, bytes)],
        ["Memory limit", () => text(all.budget, bytes)],
      ],
      flows: flows(all.stored),
    },
    {
      title: "Bucket",
      href: "#/objects",
      big: [rate(all.stored), "records/s"],
      lines: [
        ["Objects", () => text(all.objects, (value) => `${short(value)}/s`)],
        ["Bytes", () => text(all.storedBytes, (value) => `${bytes(value)}/s`)],
        ["Tried again", () => text(all.retries, (value) => `${short(value)}/s`)],
      ],
      flows: flows(all.stored),
    },
  ];
}

/** A stage as it is drawn; the returned function draws it anew. */
function drawStage(stage: Stage): [HTMLElement, (kind: string, words: string) => void] {
  const big = h("span", null, "–");
  const cells = stage.lines.map(() => h("dd", null, "–"));
  const words = h("span", { class: "visually-hidden" });
  const link = h(
    "a",
    { class: "stage", href: stage.href },
    h("h2", null, stage.title, words),
    h("div", { class: "big" }, big, " ", h("small", null, stage.big[1])),
    h("dl", null, stage.lines.map(([name], index) => [h("dt", null, name), cells[index] ?? null])),
  );
  const draw = (kind: string, said: string): void => {
    link.className = `stage ${kind}`;
    setText(words, said);
    setText(big, stage.big[0]());
    stage.lines.forEach(([, value], index) => {
      const cell = cells[index];
      if (cell) setText(cell, value());
    });
  };
  return [link, draw];
}

function arrow(): HTMLElement {
  return h(
    "li",
    { class: "arrow", "aria-hidden": "true" },
    svg("svg", { viewBox: "0 0 44 20" }, svg("line", { x1: 4, y1: 10, x2: 36, y2: 10 }), svg("path", { d: "M30 4l7 6-7 6" })),
  );
}

export function flow(view: View): void {
  const all = series();
  const topics: Topics = { total: null, error: null };
  const said = h("div", { "aria-live": "polite" });
  const list = h("ol", { class: "pipeline" });
  const drawn: [(kind: string, words: string) => void, Stage, HTMLElement | null][] = [];
  stages(all, topics).forEach((stage, index, every_) => {
    const [element, draw] = drawStage(stage);
    const next = index < every_.length - 1 ? arrow() : null;
    list.append(h("li", { class: "place" }, element));
    if (next) list.append(next);
    drawn.push([draw, stage, next]);
  });
  const perSecond = (value: number): string => `${short(value)}/s`;
  const bytesPerSecond = (value: number): string => `${bytes(value)}/s`;
  const charts: Chart[] = [];
  const chart = (title: string, one: Series, write: (value: number) => string, parts?: () => string): Chart => {
    const made = new Chart(title, one, write, write === bytes || write === bytesPerSecond ? 1024 : 1000, parts);
    charts.push(made);
    return made;
  };
  const proxy = [
    chart("Requests", all.requests, perSecond),
    chart("Refused or failed", all.refused, perSecond, byKind("proxy", "requests_total", "status", /^[45]/)),
    chart("Time to answer", all.latency, (value) => duration(value * 1000)),
    chart("Records to Kafka", all.produced, perSecond),
    chart("Bytes to Kafka", all.producedBytes, bytesPerSecond),
    chart("Queue to Kafka", all.queue, bytes),
    chart("Records not written", all.undelivered, perSecond, byKind("proxy", "delivery_errors_total", "code")),
  ];
  const sink = [
    chart("Records from Kafka", all.consumed, perSecond),
    chart("Records stored", all.stored, perSecond),
    chart("Objects written", all.objects, perSecond),
    chart("Lag, in records", all.lag, short),
    chart("Commit age", all.age, (value) => duration(value * 1000)),
    chart("Memory in use", all.used, bytes),
    chart("Records in error", all.refusedRecords, perSecond, byKind("sink", "record_errors_total", "stage")),
    chart("S3 requests tried again", all.retries, perSecond, byKind("sink", "upload_retries_total", "operation")),
  ];
  const section = (title: string, shown: boolean, some: Chart[], program: string): Child =>
    h(
      "section",
      { class: "card" },
      h("h2", null, title),
      shown
        ? h("div", { class: "charts" }, some.map((one) => one.element))
        : empty(
            `This console does not show the ${program}.`,
            h("p", null, "Set ", h("code", null, "sluiceway.console.other.url"), ` to the ${program}'s admin listener and start this program again.`),
          ),
    );
  fill(
    view.main,
    head("Flow"),
    said,
    list,
    section("Proxy, last 15 minutes", has("proxy"), proxy, "proxy"),
    section("Sink, last 15 minutes", has("sink"), sink, "sink"),
  );
  let told = "";
  const draw = (): void => {
    if (document.hidden) return;
    const found = problems(all, topics);
    const words = found.map((one) => `${one.title}|${one.text}`).join("\n");
    if (words !== told) {
      told = words;
      fill(
        said,
        found.map((one) =>
          h("div", { class: `notice ${one.kind}` }, h("strong", null, one.title), h("p", null, one.text, " ", h("a", { href: one.link[0] }, one.link[1]))),
        ),
      );
    }
    drawn.forEach(([redraw, stage, next], index) => {
      const own = found.filter((one) => one.stage === index);
      const kind = own.some((one) => one.kind === "bad") ? "bad" : own.length > 0 ? "warn" : stage.flows() ? "" : "idle";
      redraw(kind, own.length > 0 ? ` (${own[0]?.title})` : "");
      next?.classList.toggle("flows", stage.flows());
    });
    for (const one of charts) one.draw();
  };
  live.addEventListener("change", draw, { signal: view.signal });
  window.addEventListener("resize", draw, { signal: view.signal });
  document.addEventListener("themechange", draw, { signal: view.signal });
  view.signal.addEventListener("abort", () => charts.forEach((one) => one.destroy()));
  if (has("proxy")) {
    every(15_000, view.signal, async () => {
      try {
        topics.total = (await json<string[]>(`${base("proxy")}/topics`, { signal: view.signal })).length;
        topics.error = null;
      } catch (error) {
        if (view.signal.aborted) return;
        topics.total = null;
        // That nobody answers at all is said above every page.
        topics.error = error instanceof ApiError && error.status === 0 ? null : error;
      }
    });
  }
  requestAnimationFrame(draw);
}
