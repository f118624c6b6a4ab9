// A browser, and what all tests in it share: steps with their pictures, the check for accessibility, what must never happen.
import { readFileSync, mkdirSync } from "node:fs";
import { createServer, connect } from "node:net";
import { createRequire } from "node:module";
import { chromium } from "playwright-core";

const env = (name) => process.env[name] ?? "";
export const target = {
  name: env("CONSOLE_NAME") || "console",
  console: env("CONSOLE_URL"),
  other: env("CONSOLE_OTHER"),
  proxy: env("CONSOLE_PROXY"),
  connect: env("CONSOLE_CONNECT"),
  docs: env("CONSOLE_DOCS"),
  storage: Object.fromEntries(env("CONSOLE_STORAGE").split("\n").filter(Boolean).map((line) => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)])),
  registry: env("CONSOLE_REGISTRY"),
  whole: env("CONSOLE_REGISTRY") !== "",
};
const pictures = env("CONSOLE_SCREENSHOTS") || "screenshots";
mkdirSync(pictures, { recursive: true });
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** Text that would do something if it were read as markup. */
export const MARKUP = `<img src=x onerror="window.__xss=1"><script>window.__xss=1</script>"'><svg onload=window.__xss=1>`;

export function check(condition, words) {
  if (!condition) throw new Error(words);
}

export async function until(words, condition, limit = 30_000) {
  const deadline = Date.now() + limit;
  let last;
  for (;;) {
    try {
      if (await condition()) return;
      last = undefined;
    } catch (error) {
      last = error;
    }
    if (Date.now() > deadline) throw new Error(`${words}: not within ${limit / 1000} s${last ? ` (${last.message})` : ""}`);
    await new Promise((done) => setTimeout(done, 100));
  }
}

/** Requests past the browser; an answer of 400 and above is an error unless it is expected. */
export async function call(url, { method = "GET", type = "application/json", body, accept = "*/*", expect } = {}) {
  const headers = { Accept: accept };
  if (body !== undefined) headers["Content-Type"] = type;
  const response = await fetch(url, { method, headers, body: body === undefined || typeof body === "string" ? body : JSON.stringify(body) });
  const text = await response.text();
  if (expect ? response.status !== expect : response.status >= 400) throw new Error(`${method} ${url}: ${response.status} ${text}`);
  return text === "" ? null : /json/.test(response.headers.get("content-type") ?? "") ? JSON.parse(text) : text;
}

/** A TCP port in front of the console: closing it is the server going away. */
async function gate(url) {
  const to = new URL(url);
  const open = new Set();
  const server = createServer((near) => {
    const far = connect(Number(to.port), to.hostname);
    for (const [one, other] of [[near, far], [far, near]]) {
      open.add(one);
      one.pipe(other);
      one.on("error", () => other.destroy());
      one.on("close", () => {
        open.delete(one);
        other.destroy();
      });
    }
  });
  const listen = (port) => new Promise((done, failed) => server.once("error", failed).listen(port, "127.0.0.1", done));
  await listen(0);
  const { port } = server.address();
  return {
    url: `http://127.0.0.1:${port}`,
    close: () =>
      new Promise((done) => {
        server.close(done);
        open.forEach((socket) => socket.destroy());
      }),
    open: () => listen(port),
  };
}

/** Longest time of a step. */
const STEP = 90_000;

function within(promise, limit) {
  let timer;
  const late = new Promise((_, failed) => {
    timer = setTimeout(() => failed(new Error(`it takes longer than ${limit / 1000} s`)), limit);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

export class Walk {
  static async start() {
    const walk = new Walk();
    walk.gate = await gate(target.console);
    walk.browser = await chromium.launch({
      executablePath: env("CONSOLE_CHROMIUM") || "/usr/bin/chromium",
      args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
    });
    // A zone that is not UTC, so that both are shown.
    walk.context = await walk.browser.newContext({ viewport: { width: 1280, height: 860 }, timezoneId: "Europe/Berlin", locale: "en-GB", colorScheme: "light", reducedMotion: "reduce" });
    walk.page = await walk.context.newPage();
    walk.page.setDefaultTimeout(20_000);
    walk.wrong = [];
    walk.watch(walk.page, walk.gate.url);
    walk.number = 0;
    return walk;
  }

  /** Notes what must never happen in a page, which asks nobody but `origin`. */
  watch(page, origin) {
    page.on("pageerror", (error) => this.wrong.push(`an error in the page: ${error.message}`));
    page.on("dialog", (dialog) => {
      this.wrong.push(`markup ran: ${dialog.message()}`);
      void dialog.dismiss();
    });
    page.on("console", (message) => {
      // Answers of 400 and above, and a server that is away, are told there by the browser itself.
      if (message.type() === "error" && !/Failed to load resource|ERR_CONNECTION|ERR_EMPTY_RESPONSE|ERR_INCOMPLETE/.test(message.text())) this.wrong.push(`the browser says: ${message.text()}`);
    });
    page.on("request", (request) => {
      if (!request.url().startsWith(origin) && !request.url().startsWith("data:")) this.wrong.push(`a request to elsewhere: ${request.url()}`);
    });
  }

  /** A step in a page of its own, of another server. */
  async beside(name, url, run) {
    const page = await this.context.newPage();
    page.setDefaultTimeout(20_000);
    this.watch(page, new URL(url).origin);
    const own = this.page;
    this.page = page;
    try {
      await this.step(name, async () => {
        await page.goto(url);
        await run(page);
      });
    } finally {
      this.page = own;
      await page.close();
    }
  }

  /** Does a step, takes its picture, and looks whether any markup has run. */
  async step(name, run, limit = STEP) {
    const started = Date.now();
    this.number += 1;
    const file = `${pictures}/${target.name}-${String(this.number).padStart(2, "0")}-${name.replaceAll(/[^a-z0-9]+/gi, "-").toLowerCase()}.png`;
    try {
      await within(run(this.page), limit);
      check((await this.page.evaluate(() => window.__xss)) === undefined, "markup ran");
      check((await this.page.locator("img[src=x], main script, main svg[onload]").count()) === 0, "markup became elements");
      check(this.wrong.length === 0, this.wrong.join("; "));
    } catch (error) {
      await this.page.screenshot({ path: file, fullPage: true }).catch(() => undefined);
      console.error(`FAILED ${target.name}: ${name}: ${error.message}\n  at ${this.page.url()}, picture ${file}`);
      const text = await this.page.locator("body").innerText().catch(() => "");
      console.error(text.slice(0, 3000));
      throw error;
    }
    await this.page.screenshot({ path: file, fullPage: true });
    console.log(`ok ${target.name}: ${name} (${((Date.now() - started) / 1000).toFixed(1)} s)`);
  }

  async go(path) {
    const url = `${this.gate.url}/console#/${path}`;
    if (this.page.url() === url) await this.page.reload();
    else await this.page.goto(url);
  }

  main() {
    return this.page.locator("main");
  }

  /** Contrast, labels, roles, focus: no violation; with `rules` only these. */
  async axe(name, rules) {
    if (!(await this.page.evaluate(() => "axe" in window))) await this.page.evaluate(axe);
    const found = await this.page.evaluate(async (only) => {
      const all = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"];
      const result = await window.axe.run(document, { runOnly: only ? { type: "rule", values: only } : all, resultTypes: ["violations"] });
      return result.violations.map((one) => `${one.id}: ${one.help}: ${one.nodes.slice(0, 3).map((node) => `${node.target.join(" ")} (${node.failureSummary?.split("\n")[1]?.trim()})`).join(" | ")}`);
    }, rules);
    check(found.length === 0, `axe on ${name}:\n  ${found.join("\n  ")}`);
  }

  /** The same in dark and on a small screen; no view is wider than the screen. */
  async looks(name) {
    // The same page, whatever is behind it: once is enough.
    if (target.whole) return;
    await this.axe(`${name}, light`);
    const theme = (dark) => this.page.evaluate((dark_) => {
      document.documentElement.dataset.theme = dark_ ? "dark" : "light";
    }, dark);
    await theme(true);
    // Colours are all that is another.
    await this.axe(`${name}, dark`, ["color-contrast"]);
    await this.page.setViewportSize({ width: 390, height: 844 });
    await this.page.evaluate(() => new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn))));
    const wide = await this.page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    check(wide <= 1, `${name} is ${wide} px wider than a small screen`);
    const cut = await this.page.evaluate(() =>
      [...document.querySelectorAll(".tabs a[aria-current]")].some((one) => {
        const [own, bar] = [one.getBoundingClientRect(), one.parentElement.getBoundingClientRect()];
        return own.left < bar.left - 1 || own.right > bar.right + 1;
      }),
    );
    check(!cut, `the current tab of ${name} is cut off on a small screen`);
    this.number += 1;
    await this.page.screenshot({ path: `${pictures}/${target.name}-${String(this.number).padStart(2, "0")}-${name.replaceAll(/[^a-z0-9]+/gi, "-").toLowerCase()}-small-dark.png`, fullPage: true });
    await theme(false);
    await this.page.setViewportSize({ width: 1280, height: 860 });
  }

  /** What the page holds once all garbage is collected: bytes of its heap, nodes, listeners. */
  async memory() {
    const session = await this.context.newCDPSession(this.page);
    try {
      // What the first leaves to finalizers the second collects.
      for (let time = 0; time < 2; time += 1) await session.send("HeapProfiler.collectGarbage");
      const { usedSize } = await session.send("Runtime.getHeapUsage");
      const { nodes, jsEventListeners } = await session.send("Memory.getDOMCounters");
      return { heap: usedSize, nodes, listeners: jsEventListeners };
    } finally {
      await session.detach();
    }
  }

  async end() {
    await this.browser.close();
    await this.gate.close().catch(() => undefined);
  }
}
