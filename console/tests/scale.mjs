// The console where there is much: topics, connectors, objects, large records, and hours of figures. Not in the gate: it takes
// minutes. Prints what it measured.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Walk, call, check, target, until } from "./browser.mjs";

const TOPICS = Number(process.env.CONSOLE_TOPICS || 10_000);
const CONNECTORS = Number(process.env.CONSOLE_CONNECTORS || 2_000);
const OBJECTS = Number(process.env.CONSOLE_OBJECTS || 1_000_000);
/** The first view of a page, in ms. */
const FIRST = 1000;
/** The same of eight records of a megabyte, which have to be read whole: what a debug build gives at twice the load of two cores. */
const LARGE = 5000;

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
for (let number = 0; number < OBJECTS; number += 1) {
  writeFileSync(join(folder, `scale.objects+0+${String(number * 10).padStart(10, "0")}.json`), '{"n":1}\n');
}
console.log(`${OBJECTS} objects laid down in ${((Date.now() - started) / 1000).toFixed(0)} s`);
const large = "x".repeat(950_000);
for (let number = 0; number < 8; number += 1) {
  await call(`${target.proxy}/topics/scale.000000`, { method: "POST", type: "application/vnd.kafka.json.v2+json", body: { records: [{ value: { number, large } }] } });
}

const walk = await Walk.start();
const { page } = walk;
const main = walk.main();
/** Opens a page and measures until what is waited for is there. */
const first = async (name, path, selector, limit = FIRST) => {
  await walk.go("nothing");
  const begun = Date.now();
  await page.evaluate((hash) => {
    location.hash = hash;
  }, `#/${path}`);
  await main.locator(selector).first().waitFor();
  const took = Date.now() - begun;
  console.log(`${name}: first view after ${took} ms`);
  check(took < limit, `${name}: the first view came after ${took} ms`);
};
const heap = async () => {
  const session = await page.context().newCDPSession(page);
  await session.send("HeapProfiler.collectGarbage");
  const { usedSize } = await session.send("Runtime.getHeapUsage");
  await session.detach();
  return usedSize;
};

try {
  await walk.step(`${TOPICS} topics`, async () => {
    await first("topics", "topics", "tbody tr");
    check((await main.locator("tbody tr").count()) <= 50, "more than a page is drawn");
    check((await main.innerText()).includes("of "), "the number of all is not told");
    await main.getByLabel("Search").fill("000777");
    await until("one is found", async () => (await main.locator("tbody tr").count()) === 1);
  });
  await walk.step("flow", () => first("flow", "flow", ".stage"));
  await walk.step(`${CONNECTORS} connectors`, async () => {
    await first("connectors", "connectors", "tbody tr");
    check((await main.locator("tbody tr").count()) <= 50, "more than a page is drawn");
  });
  await walk.step(`${OBJECTS} objects`, async () => {
    await first("objects", `objects/${segment(connector)}`, "ul.tree button");
    await main.getByRole("button", { name: "scale.objects" }).click();
    await main.getByRole("button", { name: "partition=0" }).last().click();
    await until("a page of it is shown", async () => (await main.locator("tbody tr").count()) === 100);
    await main.getByRole("button", { name: "Next page" }).click();
    await until("the next one is", async () => (await main.locator("tbody").innerText()).includes("+0000001000.json"));
    check((await main.locator("tbody tr").count()) === 100, "pages pile up");
  });
  await walk.step("records of a megabyte", async () => {
    await first("records", "topics/scale.000000", ".record", LARGE);
    check((await main.innerText()).length < 400_000, "all of every value is drawn");
    await main.getByRole("button", { name: /^Show all/ }).first().click();
    await until("one is shown whole", async () => (await main.innerText()).length > 900_000);
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
    const quarter = await heap();
    await feed(7200);
    const hours = await heap();
    console.log(`heap of the page: ${(quarter / 1e6).toFixed(1)} MB after 15 minutes of figures, ${(hours / 1e6).toFixed(1)} MB after two hours more`);
    check(hours < quarter * 1.25 + 1e6, "the page grows");
  });
} catch (error) {
  console.error(error.stack);
  process.exitCode = 1;
} finally {
  await walk.end();
}
