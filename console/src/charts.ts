// Charts of the last 15 minutes.

import uPlot from "uplot";

import { h, setText } from "./dom";
import { SPAN, type Series } from "./live";

const HEIGHT = 92;

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

  private options(width: number): uPlot.Options {
    const style = getComputedStyle(document.documentElement);
    const colour = (name: string): string => style.getPropertyValue(name).trim();
    const axis = { stroke: colour("--dim"), font: "11px system-ui, sans-serif", ticks: { show: false } };
    return {
      width,
      height: HEIGHT,
      legend: { show: false },
      cursor: { show: false },
      padding: [6, 4, 0, 0],
      scales: {
        x: {
          time: true,
          range: () => {
            const end = (this.series.times[this.series.times.length - 1] ?? Date.now()) / 1000;
            return [end - SPAN / 1000, end];
          },
        },
        y: { range: (_, __, most) => [0, most > 0 ? most * 1.12 : 1] },
      },
      axes: [
        { ...axis, size: 20, gap: 2, grid: { show: false }, values: (_, ticks) => ticks.map(hour) },
        {
          ...axis,
          size: 58,
          gap: 3,
          grid: { stroke: colour("--line"), width: 1 },
          splits: (_, __, ___, most) => [0, most / 2.24, most / 1.12],
          values: (_, ticks) => ticks.map((tick) => this.text(tick)),
        },
      ],
      series: [{}, { stroke: colour("--plot"), width: 1.8, fill: `${colour("--plot")}22`, points: { show: false } }],
    };
  }
}

function hour(seconds: number): string {
  const date = new Date(seconds * 1000);
  return `${date.getHours()}:${String(date.getMinutes()).padStart(2, "0")}`;
}
