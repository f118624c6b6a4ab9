// The console where there is much: topics, connectors, objects, large records, and hours of figures. Not in the gate: it takes
// minutes. Prints what it measured.
import { linkSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Walk, call, check, target, until } from "./browser.mjs";

const TOPICS = Number(process.env.CONSOLE_TOPICS || 10_000);
const CONNECTORS = Number(process.env.CONSOLE_CONNECTORS || 2_000);
const OBJECTS = Number(process.env.CONSOLE_OBJECTS || 1_000_000);
/** Names of one file; file systems have limits. */
const LINKS = 30_000;
/** The first view of a page, from its address to what it shows, and a page of a list, from the click; in ms. */
const FIRST = 1000;
const ROWS = ["tbody tr", ".stage .big > span", "ul.tree button", ".record"];

const cluster = (await call(`${target.proxy}/v3/clusters`)).data[0].cluster_id;
const v3 = `${target.proxy}/v3/clusters/${cluster}`;
const segment = encodeURIComponent;

async function many(number, at, run) {
  let next = 0;
  await Promise.all(
    Array.from({ length: at }, async () => {
      while (next < number) {
        next += 1;
        await run(next - 1);
      }
    }),
  );
}

const [connector] = await call(`${target.connect}/connectors`);
const config = await call(`${target.connect}/connectors/${connector}/config`);
let started = Date.now();
await many(TOPICS, 16, (number) => call(`${v3}/topics`, { method: "POST", body: { topic_name: `scale.${String(number).padStart(6, "0")}`, partitions_count: 1 } }));
console.log(`${TOPICS} topics made in ${((Date.now() - started) / 1000).toFixed(0)} s`);
started = Date.now();
await many(CONNECTORS, 8, (number) =>
  call(`${target.connect}/connectors`, {
    method: "POST",
    body: { name: `scale-${number}`, initial_state: "STOPPED", config: { ...config, name: `scale-${number}`, "topics.regex": `scale.${number}`, "aws.access.key.id": "dev", "aws.secret.access.key": "devsecret" } },
  }),
);
console.log(`${CONNECTORS} stopped connectors made in ${((Date.now() - started) / 1000).toFixed(0)} s`);
started = Date.now();
const folder = join(process.env.CONSOLE_DATA, "s3", config["s3.bucket.name"], "topics", "scale.objects", "partition=0");
mkdirSync(folder, { recursive: true });
// Most are links: a million files of their own take minutes to be removed.
let written = "";
for (let number = 0; number < OBJECTS; number += 1) {
  const path = join(folder, `scale.objects+0+${String(number * 10).padStart(10, "0")}.json`);
  if (number % LINKS > 0) linkSync(written, path);
  else writeFileSync((written = path), '{"n":1}\n');
}
console.log(`${OBJECTS} objects laid down in ${((Date.now() - started) / 1000).toFixed(0)} s`);
const large = "x".repeat(950_000);
for (let number = 0; number < 8; number += 1) {
  await call(`${target.proxy}/topics/scale.000000`, { method: "POST", type: "application/vnd.kafka.json.v2+json", body: { records: [{ value: { number, large } }] } });
}

const walk = await Walk.start();
const { page } = walk;
const main = walk.main();
/** Notes in each page when what is waited for was there and drawn, in ms since the page was asked for. */
await page.addInitScript((rows) => {
  window.firstSeen = {};
  const look = () => {
    for (const selector of rows) {
      const found = document.querySelector(`main ${selector}`);
      if (found === null || found.textContent === "–" || selector in window.firstSeen) continue;
      window.firstSeen[selector] = 0;
      requestAnimationFrame(() => setTimeout(() => (window.firstSeen[selector] = performance.now())));
    }
  };
  new MutationObserver(look).observe(document, { childList: true, subtree: true, characterData: true });
}, ROWS);
/** What came too late; told at the end, so that one run shows all. */
const late = [];
const told = (name, took) => {
  console.log(`${name} after ${took.toFixed(0)} ms`);
  if (took >= FIRST) late.push(`${name} after ${took.toFixed(0)} ms`);
};
/** Opens a page from its address and measures until what is waited for is there. */
const first = async (name, path, selector) => {
  await page.goto("about:blank");
  await walk.go(path);
  await page.waitForFunction((wanted) => window.firstSeen[wanted] > 0, selector);
  told(`${name}: first view`, await page.evaluate((wanted) => window.firstSeen[wanted], selector));
};
/** Clicks and measures until text is in an element of the page. */
const click = async (name, button, selector, text) => {
  const took = await button.evaluate(
    (element, [wanted, words]) =>
      new Promise((done) => {
        const begun = performance.now();
        const observer = new MutationObserver(() => {
          if (![...document.querySelectorAll(`main ${wanted}`)].some((one) => one.textContent.includes(words))) return;
          observer.disconnect();
          requestAnimationFrame(() => setTimeout(() => done(performance.now() - begun)));
        });
        observer.observe(document, { childList: true, subtree: true });
        element.click();
      }),
    [selector, text],
  );
  told(name, took);
};

try {
  // The browser itself has started by then.
  await walk.go("nothing");
  await main.locator("h1").waitFor();
  await walk.step(`${TOPICS} topics`, async () => {
    await first("topics", "topics", "tbody tr");
    check((await main.locator("tbody tr").count()) <= 50, "more than a page is drawn");
    check((await main.innerText()).includes("of "), "the number of all is not told");
    await click("the next page", main.getByRole("button", { name: "Next →" }), ".pages span", "51–100 of");
    check((await main.locator("tbody tr").count()) <= 50, "pages pile up");
    await main.getByLabel("Search").fill("000777");
    await until("one is found", async () => (await main.locator("tbody tr").count()) === 1);
  });
  await walk.step("flow", () => first("flow", "flow", ".stage .big > span"));
  await walk.step(`${CONNECTORS} connectors`, async () => {
    await first("connectors", "connectors", "tbody tr");
    check((await main.locator("tbody tr").count()) <= 50, "more than a page is drawn");
    await click("the next page", main.getByRole("button", { name: "Next →" }), ".pages span", "51–100 of");
    check((await main.locator("tbody tr").count()) <= 50, "pages pile up");
  });
  await walk.step(`${OBJECTS} objects`, async () => {
    await first("objects", `objects/${segment(connector)}`, "ul.tree button");
    await click("folder of the topic", main.getByRole("button", { name: "scale.objects" }), "ul.tree button", "partition=0");
    await click("its first page", main.getByRole("button", { name: "partition=0" }).last(), "tbody td", "+0000000000.json");
    check((await main.locator("tbody tr").count()) === 100, "more than a page is drawn");
    await click("the next page", main.getByRole("button", { name: "Next page" }), "tbody td", "+0000001000.json");
    check((await main.locator("tbody tr").count()) === 100, "pages pile up");
  });
  await walk.step("records of a megabyte", async () => {
    await first("records", "topics/scale.000000", ".record");
    check((await main.innerText()).length < 400_000, "all of every value is drawn");
    await main.getByRole("button", { name: /^Show the whole value/ }).first().click();
    await until("one is shown whole", async () => (await main.innerText()).length > 900_000);
    await until("a page is read", async () => (await main.getByRole("button", { name: "Earlier records" }).count()) === 1);
    const shown = async () => (await main.locator(".record header b").allInnerTexts()).filter((_, index) => index % 2 === 1);
    const newest = await shown();
    check(newest.length > 0 && newest.length < 8, `the last ones are ${newest}`);
    await main.getByRole("button", { name: "Earlier records" }).click();
    await until("earlier ones are shown", async () => (await shown())[0] === String(Number(newest[0]) - newest.length));
  });
  await walk.step("hours of figures", async () => {
    // Another source of events: as many as two hours have, with all figures of the real one.
    await page.addInitScript(() => {
      const Real = window.EventSource;
      window.EventSource = class extends EventTarget {
        constructor(url) {
          super();
          const real = new Real(url);
          this.readyState = 1;
          real.addEventListener("figures", (event) => {
            if (this.figures) return;
            this.figures = JSON.parse(event.data);
            real.close();
            this.onopen?.();
            window.feed = (number) => {
              for (let step = 0; step < number; step += 1) {
                this.figures.time += 1000;
                for (const name of Object.keys(this.figures.figures)) this.figures.figures[name] += 1;
                this.dispatchEvent(new MessageEvent("figures", { data: JSON.stringify(this.figures) }));
              }
            };
          });
        }
      };
    });
    await walk.go("flow");
    await page.reload();
    await page.waitForFunction(() => window.feed !== undefined);
    const feed = async (events) => {
      for (let left = events; left > 0; left -= 100) await page.evaluate(() => window.feed(100));
    };
    await feed(1000);
    const quarter = (await walk.memory()).heap;
    await feed(7200);
    const hours = (await walk.memory()).heap;
    console.log(`heap of the page: ${(quarter / 1e6).toFixed(1)} MB after 15 minutes of figures, ${(hours / 1e6).toFixed(1)} MB after two hours more`);
    check(hours < quarter * 1.25 + 1e6, "the page grows");
  }, 600_000);
  check(late.length === 0, `too late: ${late.join(", ")}`);
} catch (error) {
  console.error(error.stack);
  process.exitCode = 1;
} finally {
  await walk.end();
}
