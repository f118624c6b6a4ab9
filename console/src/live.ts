// Live figures: the programs' server-sent events, kept for 15 minutes.

import { ApiError, known, reachability, refusal } from "./api";

/** How long figures are kept, in ms. */
export const SPAN = 15 * 60_000;
/** Points a series has at most. */
const POINTS = 1200;
/** Between two attempts at a stream that is refused, in ms. */
const RETRY = 3000;

type Figures = Record<string, number>;

/** Figures by their names: the labels of each, with its value. */
export type ByName = Map<string, [labels: string, value: number][]>;

/** A number made of figures; `null` where there is none. */
export type Measure = (figures: ByName, time: number) => number | null;

/** Sums all figures of a name, whatever their labels, unless `labels` says which. */
export function sum(name: string, labels?: (labels: string) => boolean): Measure {
  return (figures) => {
    let total = 0;
    let seen = false;
    for (const [own, value] of figures.get(name) ?? []) {
      if (labels !== undefined && !labels(own)) continue;
      total += value;
      seen = true;
    }
    return seen ? total : null;
  };
}

/** Adds a figure; its key is a name, or a name with labels in braces. */
function put(figures: ByName, key: string, value: number): void {
  const brace = key.indexOf("{");
  const name = brace < 0 ? key : key.slice(0, brace);
  const own = figures.get(name);
  if (own === undefined) figures.set(name, [[brace < 0 ? "" : key.slice(brace), value]]);
  else own.push([brace < 0 ? "" : key.slice(brace), value]);
}

/** The value of a label in `{a="x",b="y"}`. */
export function label(labels: string, name: string): string {
  const found = new RegExp(`[{,]${name}="((?:[^"\\\\]|\\\\.)*)"`).exec(labels);
  if (found === null) return "";
  try {
    return JSON.parse(`"${found[1]}"`) as string;
  } catch {
    return found[1] ?? "";
  }
}

/** A number over time. */
export class Series {
  readonly times: number[] = [];
  readonly values: (number | null)[] = [];

  constructor(
    readonly measure: Measure,
    /** Whether it counts up, and what is wanted is its rate in a second. */
    readonly counts: boolean,
    /** Another one that it is divided by, rate by rate. */
    readonly by?: Series,
  ) {}

  add(time: number, figures: ByName): void {
    const last = this.times[this.times.length - 1];
    if (last !== undefined && time <= last) return;
    this.times.push(time);
    const value = this.measure(figures, time);
    // A counter without any label yet has counted nothing.
    this.values.push(value === null && this.counts ? 0 : value);
    let old = 0;
    while (old < this.times.length && ((this.times[old] ?? 0) < time - SPAN || this.times.length - old > POINTS)) old += 1;
    this.times.splice(0, old);
    this.values.splice(0, old);
  }

  clear(): void {
    this.times.length = 0;
    this.values.length = 0;
  }

  /** The value at a point: as it is, or the rate since some seconds before. */
  point(index: number, window = 5000): number | null {
    const value = this.values[index];
    if (value === undefined || value === null) return null;
    if (!this.counts) return value;
    const time = this.times[index] ?? 0;
    let before = index - 1;
    while (before > 0 && time - (this.times[before] ?? 0) < window) before -= 1;
    if (before < 0) return null;
    const seconds = (time - (this.times[before] ?? 0)) / 1000;
    // A counter that is not there yet is 0; one that goes back has begun anew.
    const grown = value - (this.values[before] ?? 0);
    if (seconds <= 0 || grown < 0) return null;
    if (this.by === undefined) return grown / seconds;
    const same = this.by.times[index] === time ? index : this.by.times.indexOf(time);
    const other = this.by.point(same, window);
    return other === null || other === 0 ? null : grown / seconds / other;
  }

  /** The newest value. */
  now(window?: number): number | null {
    return this.point(this.values.length - 1, window);
  }

  /** How much it has grown in so many ms. */
  grown(ms: number): number {
    const last = this.values.length - 1;
    const end = this.times[last];
    if (end === undefined) return 0;
    let first = last;
    while (first > 0 && end - (this.times[first] ?? 0) < ms) first -= 1;
    return Math.max(0, (this.values[last] ?? 0) - (this.values[first] ?? 0));
  }
}

/** Figures of the last minutes, in columns. */
interface History {
  times: number[];
  series: Record<string, (number | null)[]>;
}

/** The stream of one address, and the series that are made of it. */
class Stream {
  private source: EventSource | null = null;
  /** What is made of its figures, by the programs that they are of: both may be in one stream. */
  private readonly sets = new Set<Set<Series>>();
  latest: Figures = {};
  open = false;
  /** Why it was refused, if it was. */
  error: ApiError | null = null;

  constructor(
    readonly url: string,
    private readonly changed: () => void,
  ) {}

  feed(series: Set<Series>): void {
    this.sets.add(series);
  }

  private add(time: number, figures: ByName): void {
    for (const set of this.sets) for (const series of set) series.add(time, figures);
  }

  start(): void {
    const source = new EventSource(this.url);
    this.source = source;
    source.onopen = () => {
      this.error = null;
      this.set(true);
    };
    source.onerror = () => {
      this.set(false);
      // A refusal ends an event source for good: it is made anew.
      if (source.readyState === EventSource.CLOSED && this.source === source) {
        this.source = null;
        void this.again();
      }
    };
    source.addEventListener("history", (event) => {
      this.refill(JSON.parse((event as MessageEvent<string>).data) as History);
      this.changed();
    });
    source.addEventListener("figures", (event) => {
      const sample = JSON.parse((event as MessageEvent<string>).data) as { time: number; figures: Figures };
      this.latest = sample.figures;
      const figures: ByName = new Map();
      for (const [key, value] of Object.entries(sample.figures)) put(figures, key, value);
      this.add(sample.time, figures);
      this.changed();
    });
  }

  /** Asks why the stream was refused, which an event source does not tell, until it is no longer. */
  private async again(): Promise<void> {
    do {
      this.error = await refusal(this.url);
      this.changed();
      await new Promise((done) => setTimeout(done, RETRY));
    } while (this.error !== null);
    this.start();
  }

  private refill(history: History): void {
    for (const set of this.sets) for (const series of set) series.clear();
    const columns = Object.entries(history.series);
    history.times.forEach((time, index) => {
      const figures: ByName = new Map();
      for (const [key, column] of columns) {
        const value = column[index];
        if (value !== null && value !== undefined) put(figures, key, value);
      }
      this.add(time, figures);
    });
  }

  private set(open: boolean): void {
    if (this.open === open) return;
    this.open = open;
    this.changed();
  }
}

/** All streams of the page. */
class Live extends EventTarget {
  private readonly streams = new Map<string, Stream>();
  private readonly cached = new Map<string, Series>();
  private readonly wanted = new Map<string, Set<Series>>();

  /** Opens the streams of the programs that are known by now. */
  start(): void {
    for (const program of known().programs) {
      const shared = this.streams.get(program.live);
      const stream = shared ?? new Stream(program.live, () => this.dispatchEvent(new Event("change")));
      this.streams.set(program.live, stream);
      stream.feed(this.of(program.name));
      if (shared === undefined) stream.start();
    }
  }

  /** Whether all streams are open. */
  get open(): boolean {
    return [...this.streams.values()].every((stream) => stream.open);
  }

  /** Programs whose figures do not come, and why the first of them that tells it does not. */
  missing(): { lost: string[]; error: ApiError | null } {
    const lost = known().programs.filter((program) => this.streams.get(program.live)?.open !== true);
    const errors = lost.map((program) => this.streams.get(program.live)?.error ?? null);
    return { lost: lost.map((program) => program.name), error: errors.find((error) => error !== null) ?? null };
  }

  /** What is made of a program's figures. */
  private of(program: "proxy" | "sink"): Set<Series> {
    let series = this.wanted.get(program);
    if (series === undefined) {
      series = new Set();
      this.wanted.set(program, series);
    }
    return series;
  }

  private stream(program: "proxy" | "sink"): Stream | undefined {
    const found = known().programs.find((one) => one.name === program);
    return found && this.streams.get(found.live);
  }

  /** A series of a program, made once: before `start`, or it lacks the figures of before. */
  series(program: "proxy" | "sink", name: string, measure: Measure, counts: boolean, by?: Series): Series {
    const key = `${program} ${name}`;
    let series = this.cached.get(key);
    if (series === undefined) {
      series = new Series(measure, counts, by);
      this.cached.set(key, series);
      this.of(program).add(series);
    }
    return series;
  }

  /** The newest figures of a program. */
  latest(program: "proxy" | "sink"): Figures {
    return this.stream(program)?.latest ?? {};
  }

  /** Figures of a name by one of their labels. */
  by(program: "proxy" | "sink", name: string, of: string): [string, number][] {
    const found = new Map<string, number>();
    for (const [key, value] of Object.entries(this.latest(program))) {
      if (!key.startsWith(`${name}{`)) continue;
      const which = label(key.slice(name.length), of);
      found.set(which, (found.get(which) ?? 0) + value);
    }
    return [...found].sort((a, b) => b[1] - a[1]);
  }
}

export const live = new Live();

reachability.addEventListener("change", () => live.dispatchEvent(new Event("change")));
