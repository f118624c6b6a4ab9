// Charts of the last 15 minutes.

import uPlot from "uplot";

import { h, setText } from "./dom";
import { SPAN, type Series } from "./live";

const HEIGHT = 96;
/** Width of the numbers on the left. */
const AXIS = 58;
/** What is shown at least, in ms: figures of a few seconds would be a dot in 15 minutes. */
const LEAST = 60_000;

/** A chart of one series, drawn anew with `draw`. */
export class Chart {
  readonly element: HTMLElement;
  private readonly value = h("span", { class: "value" }, "–");
  private readonly canvas = h("div", { "aria-hidden": "true" });
  private readonly kinds = h("p", { class: "kinds" });
  private plot: uPlot | null = null;
  private theme = "";

  constructor(
    title: string,
    private readonly series: Series,
    private readonly text: (value: number) => string,
    /** What its units are multiples of: 1000, or 1024 for bytes. */
    private readonly multiple: number,
    /** What the series is made of, in a line below it. */
    private readonly parts?: () => string,
  ) {
    this.element = h("section", { class: "chart" }, h("header", null, h("h3", null, title), this.value), this.canvas, parts && this.kinds);
    // A window that grew or shrank is followed at once, not with the next figures.
    new ResizeObserver(() => this.draw()).observe(this.canvas);
  }

  draw(): void {
    const now = this.series.now();
    setText(this.value, now === null ? "–" : this.text(now));
    if (this.parts) setText(this.kinds, this.parts());
    const width = this.canvas.clientWidth;
    if (width === 0) return;
    const theme = document.documentElement.dataset.theme ?? "";
    if (this.plot !== null && theme !== this.theme) this.destroy();
    this.theme = theme;
    const times = this.series.times;
    const data: uPlot.AlignedData = [
      times.map((time) => time / 1000),
      times.map((_, index) => this.series.point(index)),
    ];
    if (this.plot === null) this.plot = new uPlot(this.options(width), data, this.canvas);
    else {
      if (this.plot.width !== width) this.plot.setSize({ width, height: HEIGHT });
      this.plot.setData(data);
    }
  }

  destroy(): void {
    this.plot?.destroy();
    this.plot = null;
  }

  /** Whether anything but zeros is drawn: else the height says nothing. */
  private seen(plot: uPlot): boolean {
    return (plot.data[1] ?? []).some((value) => typeof value === "number" && value > 0);
  }

  private options(width: number): uPlot.Options {
    const style = getComputedStyle(document.documentElement);
    const colour = (name: string): string => style.getPropertyValue(name).trim();
    const axis = { stroke: colour("--dim"), font: "11px system-ui, sans-serif", ticks: { show: false } };
    return {
      width,
      height: HEIGHT,
      legend: { show: false },
      cursor: { show: false },
      padding: [10, 4, 0, 0],
      scales: {
        x: {
          time: true,
          range: () => {
            const end = this.series.times[this.series.times.length - 1] ?? Date.now();
            const span = Math.min(SPAN, Math.max(LEAST, end - (this.series.times[0] ?? end)));
            return [(end - span) / 1000, end / 1000];
          },
        },
        y: { range: (_, __, most) => [0, round(most ?? 0, this.multiple)] },
      },
      axes: [
        {
          ...axis,
          size: 22,
          gap: 4,
          space: 60,
          grid: { show: false },
          // One that would stand out at either end is left out: there are the numbers of the other axis.
          values: (plot, ticks, _, __, step) =>
            ticks.map((tick) => {
              const left = plot.valToPos(tick, "x");
              return Math.min(left, plot.width - AXIS - left) < 24 ? "" : clock(tick, step < 60);
            }),
        },
        {
          ...axis,
          size: AXIS,
          gap: 3,
          grid: { stroke: colour("--line"), width: 1 },
          splits: (_, __, ___, most) => [0, most / 2, most],
          values: (plot, ticks) => ticks.map((tick) => (tick > 0 && !this.seen(plot) ? "" : this.text(tick))),
        },
      ],
      series: [{}, { stroke: colour("--plot"), width: 1.8, fill: `${colour("--plot")}22`, points: { show: false } }],
    };
  }
}

/** The next number above that people count by, whose half is one, too. */
function round(most: number, multiple: number): number {
  if (!(most > 0)) return 1;
  const unit = multiple === 1000 ? 1 : multiple ** Math.floor(Math.log(Math.max(most, 1)) / Math.log(multiple));
  const ten = 10 ** Math.floor(Math.log10(most / unit));
  const step = [1, 2, 3, 4, 6, 8, 10].find((one) => one * ten * unit >= most) ?? 10;
  return step * ten * unit;
}

function clock(seconds: number, whole: boolean): string {
  const date = new Date(seconds * 1000);
  const two = (part: number): string => String(part).padStart(2, "0");
  return `${date.getHours()}:${two(date.getMinutes())}${whole ? `:${two(date.getSeconds())}` : ""}`;
}
