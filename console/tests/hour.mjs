// The console left open on the quick start, whose traffic goes on: every minute each view is visited, the flow is looked at for
// the rest of it, and what the page holds is measured. Not in the gate. Prints what it measured.
import { Walk, call, check, target, until } from "./browser.mjs";

const MINUTES = Number(process.env.CONSOLE_MINUTES || 60);
const MINUTE = 60_000;
/**
 * Mostly, the second half may hold so much more than the first ever did. (Figures are kept for 15 minutes: until then some is
 * added. A minute in which something is wrong and told holds more, which is no growth.)
 */
const MORE = 1.1;

const [connector] = await call(`${target.connect}/connectors`);
const [topic] = await call(`${target.proxy}/topics`);
const segment = encodeURIComponent;
/** Views, and what is there once they have drawn themselves. */
const VIEWS = [
  ["topics", "tbody tr"],
  [`topics/${segment(topic)}`, ".record"],
  [`topics/${segment(topic)}/post`, "pre.code"],
  [`topics/${segment(topic)}/partitions`, "tbody tr"],
  [`topics/${segment(topic)}/settings`, "tbody tr"],
  ["consumers", "tbody tr"],
  [`consumers/${segment(`connect-${connector}`)}`, "tbody tr"],
  ["connectors", "tbody tr"],
  [`connectors/${segment(connector)}`, "tbody tr"],
  [`connectors/${segment(connector)}/offsets`, "tbody tr"],
  [`connectors/${segment(connector)}/configuration`, ".field"],
  ["connectors/-/new", ".field"],
  [`objects/${segment(connector)}`, "ul.tree button"],
];

const walk = await Walk.start();
const { page } = walk;
const main = walk.main();
const open = async (path, selector) => {
  await page.evaluate((hash) => {
    location.hash = hash;
  }, `#/${path}`);
  await main.locator(selector).first().waitFor();
};
const flow = async () => {
  await open("flow", ".chart canvas");
  await until("records flow", async () => Number(await page.locator(".stage .big > span").nth(1).innerText()) > 0);
};

try {
  await walk.go("flow");
  await flow();
  const samples = [];
  for (let minute = 1; minute <= MINUTES; minute += 1) {
    const begun = Date.now();
    for (const [path, selector] of VIEWS) await open(path, selector);
    await flow();
    check(walk.wrong.length === 0, walk.wrong.join("; "));
    await new Promise((done) => setTimeout(done, Math.max(0, begun + MINUTE - Date.now())));
    const sample = await walk.memory();
    samples.push(sample);
    console.log(`minute ${minute}: heap ${(sample.heap / 1e6).toFixed(2)} MB, ${sample.nodes} nodes, ${sample.listeners} listeners`);
  }
  await page.screenshot({ path: `${process.env.CONSOLE_SCREENSHOTS || "screenshots"}/hour-flow.png`, fullPage: true });
  const half = samples.length >> 1;
  for (const name of ["heap", "nodes", "listeners"]) {
    const sorted = (some) => some.map((sample) => sample[name]).sort((a, b) => a - b);
    const first = sorted(samples.slice(0, half)).pop();
    const late = sorted(samples.slice(half));
    const second = late[late.length >> 1];
    console.log(`${name}: at most ${first} in the first half; ${second} mostly in the second, ${late[late.length - 1]} at most`);
    check(half === 0 || second <= first * MORE, `${name} grew from ${first} to ${second}`);
  }
} catch (error) {
  await page.screenshot({ path: `${process.env.CONSOLE_SCREENSHOTS || "screenshots"}/hour-failed.png` }).catch(() => undefined);
  console.error(error.stack);
  process.exitCode = 1;
} finally {
  await walk.end();
}
