// Walks through every task of the console as a person does, on the programs that the environment names.
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { promisify } from "node:util";
import { MARKUP, Walk, call, check, target, until } from "./browser.mjs";

const shell = promisify(execFile);
const run = `${process.pid}`;
const topic = `console.walk-${run}`;
const storage = { ...target.storage };
if (!target.whole) {
  // The quick start's connector knows the bucket; the keys of its S3 guard nothing.
  const name = (await call(`${target.connect}/connectors`)).find((one) => one.startsWith("s3-sink-"));
  const config = await call(`${target.connect}/connectors/${encodeURIComponent(name)}/config`);
  for (const key of ["s3.bucket.name", "s3.region", "store.url"]) storage[key] = config[key];
  storage["aws.access.key.id"] = "dev";
  storage["aws.secret.access.key"] = "devsecret";
}
const connector = `${MARKUP} ${run}`;
const segment = encodeURIComponent;
const cluster = (await call(`${target.proxy}/v3/clusters`)).data[0].cluster_id;
const v3 = `${target.proxy}/v3/clusters/${cluster}`;
const base64 = (text) => Buffer.from(text).toString("base64");
const v2 = { method: "POST", type: "application/vnd.kafka.v2+json" };
/** A metric of the sink, over all its labels. */
const figure = async (name) => {
  const lines = String(await call(`${target.other || target.console}/metrics`)).split("\n");
  return lines.filter((line) => line.startsWith(name)).reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(" "))), 0);
};
/** The lines of the documentation, as they stand there, on this console. */
const documented = readFileSync(target.docs, "utf8").split("\n").filter((line) => line.startsWith("curl "));
const curled = Promise.all(documented.map((line) => shell("bash", ["-o", "pipefail", "-c", `${line.replaceAll("http://127.0.0.1:9102", target.console)}; code=$?; [ $code = 0 ] || [ $code = 28 ]`])));
curled.catch(() => undefined);

const walk = await Walk.start();
const { page } = walk;
const main = walk.main();
const dialog = page.locator("dialog[open]");
/** Answers in a program's place, until `answers.clear()`. */
const answers = {
  set: (path, body, status = 200) => page.route((url) => url.pathname.startsWith("/console/") && path.test(url.pathname), (route) => route.fulfill({ status, json: body })),
  clear: () => page.unrouteAll({ behavior: "ignoreErrors" }),
};
const refused = { error_code: 50099, message: `Refused: ${MARKUP}` };
const cells = (row) => row.locator("td").allInnerTexts();
const byName = async (button, name) => {
  await main.getByRole("button", { name: button, exact: true }).first().click();
  const go = dialog.locator("button.primary");
  check(await go.isDisabled(), "it asks for no name");
  await dialog.locator("input").fill(name);
  await go.click();
};

try {
  await walk.step("flow", async () => {
    await walk.go("flow");
    check((await page.locator(".stage").count()) === 5, "there are not five stages");
    await until("figures come", async () => (await page.locator(".status").innerText()).includes("live"));
    await until("charts are drawn", async () => (await page.locator(".chart canvas").count()) === 15);
    if (!target.whole) await until("posts are seen", async () => Number(await page.locator(".stage .big > span").nth(1).innerText()) > 0);
    await walk.looks("flow");
  });

  await walk.step("create a topic", async () => {
    await walk.go("topics");
    await main.getByRole("button", { name: "Create a topic" }).click();
    await dialog.getByLabel("Name", { exact: true }).fill(topic);
    await dialog.getByLabel("Partitions").fill("2");
    await walk.axe("the dialog");
    await dialog.getByRole("button", { name: "Create", exact: true }).click();
    await until("it is shown", async () => (await main.locator("h1").innerText()) === topic);
  });

  await walk.step("no topics match", async () => {
    await walk.go("topics");
    await main.getByLabel("Search").fill(`${MARKUP}`);
    await until("nothing is found", async () => (await main.innerText()).includes("No topic's name contains that"));
  });

  await walk.step("a topic that is there already", async () => {
    await walk.go("topics");
    await main.getByRole("button", { name: "Create a topic" }).click();
    await dialog.getByLabel("Name", { exact: true }).fill(topic);
    await dialog.getByRole("button", { name: "Create", exact: true }).click();
    await until("the error is shown", async () => /Error 40002[\s\S]*already exists/.test(await dialog.innerText()));
    await page.keyboard.press("Escape");
    check((await dialog.count()) === 0, "Escape does not close the dialog");
  });

  await walk.step("post a record", async () => {
    await walk.go(`topics/${topic}/post`);
    await main.getByLabel("Key", { exact: true }).fill(`k${MARKUP}`);
    await main.getByLabel("Partition").fill("0");
    await main.getByLabel("Value", { exact: true }).fill(JSON.stringify({ user: { id: "a1" }, big: 0, text: MARKUP }).replace('"big":0', '"big":12345678901234567890'));
    await main.getByRole("button", { name: "Post it" }).click();
    await until("it is written", async () => (await main.innerText()).includes("Partition 0, offset 0."));
    // What the page does, curl does: the line as it is shown.
    const line = await main.getByLabel("curl line").innerText();
    const answer = JSON.parse((await shell("bash", ["-c", line.replace(/^curl/, "curl -s")])).stdout);
    check(answer.offsets?.[0]?.offset === 1, `the curl line says ${JSON.stringify(answer)}`);
    check((await main.getByLabel("Request").innerText()).startsWith(`POST /topics/${topic} HTTP/1.1`), "the request is not shown");
    await walk.looks("post");
  });

  await walk.step("post a record with headers", async () => {
    await main.getByLabel("Headers, one a line").fill(`trace: ${MARKUP}`);
    await main.getByRole("button", { name: "Post it" }).click();
    await until("it is written", async () => (await main.innerText()).includes("Partition 0, offset 2."));
    check((await main.getByLabel("Request").innerText()).includes("/records HTTP/1.1"), "it does not go by v3");
  });

  await walk.step("a value that is no JSON", async () => {
    await main.getByLabel("Value", { exact: true }).fill("{");
    check((await main.innerText()).includes("The value is no JSON"), "nothing is said");
    check(await main.getByRole("button", { name: "Post it" }).isDisabled(), "it can be posted");
  });

  const records = Array.from({ length: 30 }, (_, index) => ({ key: `key-${index}`, value: { user: { id: `u${index}` }, note: index % 10 === 0 ? MARKUP : "plain" }, partition: index % 2 }));
  await call(`${target.proxy}/topics/${topic}`, { method: "POST", type: "application/vnd.kafka.json.v2+json", body: { records } });
  await call(`${v3}/topics/${topic}/records`, {
    method: "POST",
    body: {
      partition_id: 1,
      headers: [{ name: `h${MARKUP}`, value: base64(MARKUP) }],
      value: { type: "BINARY", data: base64("\u0000\u0001\u00ff not text") },
    },
  });

  // Somebody joins a group, which takes its time: it is looked at later.
  const joined = `joined-${run}`;
  const two = `two-${run}`;
  const member = `${target.proxy}/consumers/${joined}/instances/${two}`;
  await call(`${target.proxy}/consumers/${joined}`, { ...v2, body: { name: two, format: "binary", "auto.offset.reset": "earliest" } });
  await call(`${member}/subscription`, { ...v2, body: { topics: [topic] } });
  const join = async () => {
    // On a busy machine a group takes more than one answer's time to come together.
    for (let tries = 0, read = []; read.length === 0 && tries < 10; tries += 1) read = await call(`${member}/records?timeout=5000`, { accept: "application/vnd.kafka.binary.v2+json" });
    await call(`${member}/offsets`, { ...v2, body: { offsets: [{ topic, partition: 0, offset: 3 }] } });
  };
  const joining = join().catch(() => undefined);

  const shown = () => main.locator(".record").count();
  const read = () => main.getByRole("button", { name: "Read", exact: true }).click();
  await walk.step("browse the end", async () => {
    await walk.go(`topics/${topic}`);
    await until("all are shown", async () => (await shown()) === 34);
    const text = await main.innerText();
    check(text.includes("12345678901234567890"), "a large number is not shown as it is");
    check(/UTC\+[12]/.test(text) && / UTC/.test(text), "times have not both zones");
    check(text.includes("onerror"), "markup is not shown as text");
    await walk.looks("browse");
  });
  await walk.step("browse with filters", async () => {
    await main.getByLabel("From", { exact: true }).selectOption("start");
    await main.getByLabel("Partition").selectOption("1");
    await main.getByLabel("JSON path").fill("$.user.id");
    await main.getByLabel("is", { exact: true }).fill("u7");
    await read();
    await until("one is found by its path", async () => (await shown()) === 1 && (await main.locator(".record").innerText()).includes("u7"));
    await main.getByLabel("JSON path").fill("");
    await main.getByLabel("is", { exact: true }).fill("");
    await main.getByLabel("Partition").selectOption("");
    await main.getByLabel("Key contains").fill("key-2");
    await read();
    await until("keys are filtered", async () => (await shown()) === 11);
    await main.getByLabel("Key contains").fill("");
    await main.getByLabel("Text contains").fill("onerror");
    await read();
    await until("text and headers are looked through", async () => (await shown()) === 7);
  });
  await walk.step("browse from an offset and a time, in hex", async () => {
    await main.getByLabel("Text contains").fill("");
    await main.getByLabel("From", { exact: true }).selectOption("offset");
    await main.getByLabel("Offset", { exact: true }).fill("15");
    await main.getByLabel("Show as").selectOption("hex");
    await read();
    await until("the rest is shown", async () => (await shown()) === 4);
    check(/7b 22/.test(await main.innerText()), "no hex is shown");
    await main.getByLabel("From", { exact: true }).selectOption("time");
    await main.getByLabel(/^Time/).fill("2030-01-01T00:00:00");
    await read();
    await until("nothing is later", async () => (await main.innerText()).includes("No record here."));
  });

  await walk.step("a large record, and pages back from the end", async () => {
    const large = `large-${run}`;
    await call(`${v3}/topics`, { method: "POST", body: { topic_name: large, partitions_count: 1 } });
    const values = [...Array.from({ length: 130 }, (_, n) => ({ n })), { text: "x".repeat(300_000), end: "of it" }];
    await call(`${target.proxy}/topics/${large}`, { method: "POST", type: "application/vnd.kafka.json.v2+json", body: { records: values.map((value) => ({ value })) } });
    await walk.go(`topics/${large}`);
    await until("the last are shown", async () => (await shown()) === 100 && /offset 130\b/.test(await main.locator(".record").first().innerText()));
    check((await main.innerText()).length < 60_000, "all of the large one is drawn");
    await main.getByRole("button", { name: "Show the whole value (293 KiB)" }).click();
    await until("it is shown whole", async () => /"end": "of it"/.test(await main.locator(".record").first().innerText()));
    await main.getByRole("button", { name: "Earlier records" }).click();
    await until("the rest is shown", async () => (await shown()) === 31 && /offset 0\b/.test(await main.locator(".record").last().innerText()));
    check((await main.getByRole("button", { name: "Earlier records" }).count()) === 0, "there is more than all");
    await main.getByLabel("Text contains").fill('"end":"of it"');
    await read();
    await until("a filter looks at the whole of it", async () => (await shown()) === 1 && (await main.innerText()).includes("1 record shown, 131 records read"));
    await call(`${v3}/topics/${large}`, { method: "DELETE" });
  });

  if (target.whole) {
    await walk.step("Avro, posted and read", async () => {
      await walk.go(`topics/${topic}.avro/post`);
      await main.getByLabel("Written as").selectOption("avro");
      await main.getByLabel("Schema of the value").fill('{"type":"record","name":"walk","fields":[{"name":"text","type":"string"},{"name":"n","type":"long"}]}');
      await main.getByLabel("Value", { exact: true }).fill(JSON.stringify({ text: MARKUP, n: 0 }).replace('"n":0', '"n":9007199254740993'));
      for (const offset of [0, 1]) {
        await main.getByRole("button", { name: "Post it" }).click();
        await until("it is written", async () => (await main.innerText()).includes(`offset ${offset}.`));
      }
      await main.getByRole("link", { name: "Records" }).click();
      await until("it is decoded", async () => (await main.innerText()).includes("9007199254740993"));
      check((await main.innerText()).includes("avro"), "the format is not told");
    });
  }

  await walk.step("settings of a topic", async () => {
    await walk.go(`topics/${topic}/settings`);
    await main.getByLabel("Search").fill("retention.ms");
    await main.getByRole("button", { name: "Change retention.ms", exact: true }).click();
    await dialog.getByLabel("Value").fill("12345678");
    await dialog.getByRole("button", { name: "Set", exact: true }).click();
    await until("it is set", async () => /retention\.ms\s+12345678\s+of this topic/.test(await main.innerText()));
    await main.getByRole("button", { name: "Change retention.ms", exact: true }).click();
    await dialog.getByLabel("Value").fill("never");
    await dialog.getByRole("button", { name: "Set", exact: true }).click();
    await until("the error is shown", async () => /Error 4\d+/.test(await dialog.innerText()));
    await page.keyboard.press("Escape");
    await walk.looks("settings");
  });

  await walk.step("more partitions", async () => {
    await walk.go(`topics/${topic}/partitions`);
    await until("two are shown", async () => (await main.locator("tbody tr").count()) === 2);
    await main.getByRole("button", { name: "More partitions" }).click();
    await dialog.getByLabel("Partitions in all").fill("3");
    await dialog.getByRole("button", { name: "Add" }).click();
    await until("three are shown", async () => (await main.locator("tbody tr").count()) === 3);
    await walk.looks("partitions");
  });

  await walk.step("topics", async () => {
    await walk.go("topics");
    await main.getByLabel("Search").fill("console.WALK");
    await until("it is found", async () => (await main.locator("tbody tr").count()) >= 1 && (await main.locator("tbody").innerText()).includes(topic));
    await until("records are counted", async () => /\b34\b/.test(await main.locator("tbody").innerText()));
    if (target.whole) check(/\d [KM]?i?B/.test(await main.locator("tbody").innerText()), "sizes are not told");
    const row = main.locator("tbody tr", { has: page.getByRole("link", { name: topic, exact: true }) });
    check((await cells(row))[1] === "3", "the partitions are not told");
    await until("rates are told", async () => {
      await call(`${target.proxy}/topics/${topic}`, { method: "POST", type: "application/vnd.kafka.json.v2+json", body: { records: [{ value: "rate", partition: 2 }] } });
      return /[1-9].*\/s/.test((await cells(row))[5]);
    });
    await walk.looks("topics");
  });

  const group = `<b>group</b>-${run}`;
  await call(`${target.proxy}/consumers/${segment(group)}`, { ...v2, body: { name: `one${MARKUP}`, format: "json", "auto.offset.reset": "earliest" } });
  const instance = `${target.proxy}/consumers/${segment(group)}/instances/${segment(`one${MARKUP}`)}`;
  await call(`${instance}/assignments`, { ...v2, body: { partitions: [{ topic, partition: 0 }, { topic, partition: 1 }] } });
  // What partition 1 has cannot be read as JSON: an error text with what a client sent.
  await call(`${instance}/records?timeout=100`, { accept: "application/vnd.kafka.json.v2+json" }).catch(() => null);
  await call(`${instance}/offsets`, { ...v2, body: { offsets: [{ topic, partition: 0, offset: 3 }] } });

  await walk.step("consumers", async () => {
    await walk.go("consumers");
    await until("the instance is shown", async () => (await main.innerText()).includes("onerror") && (await main.innerText()).includes(topic));
    await until("groups are shown", async () => (await main.getByRole("link", { name: group, exact: true }).count()) >= 1);
    const [name, of, format, owner, idle, ends, reads] = await cells(main.locator("tbody tr", { has: page.getByRole("button", { name: `End ${two}`, exact: true }) }));
    check(name === two && of === joined && format === "binary" && owner === "anybody" && reads === topic, `an instance is told as ${[name, of, format, owner, reads]}`);
    check(/^(in use|\d.* (ms|s|min))$/.test(idle) && /^\d.* (s|min)$/.test(ends), `it is idle for ${idle}, ends in ${ends}`);
    await walk.looks("consumers");
  });
  await walk.step("a group", async () => {
    await walk.go(`consumers/${segment(group)}`);
    await until("the lag is shown", async () => (await main.getByRole("link", { name: topic }).count()) >= 1);
    await walk.looks("a group");
  });
  await walk.step("a member of a group", async () => {
    await joining;
    await walk.go(`consumers/${joined}`);
    const row = main.getByRole("region", { name: "Members" }).locator("tbody tr");
    await until("it has its partitions", async () => (await row.count()) === 1 && /^[23]$/.test((await cells(row))[3]));
    check((await cells(row)).slice(0, 3).every((text) => text !== ""), "the member is not named");
    const reader = (await cells(row))[0];
    const lags = main.getByRole("region", { name: "Lag by partition" });
    await until("the lag says who reads", async () => (await cells(lags.locator("tbody tr").first()))[5] === reader);
    await call(member, { method: "DELETE", type: v2.type });
  });
  await walk.step("end an instance", async () => {
    await walk.go("consumers");
    const button = main.getByRole("button", { name: `End one${MARKUP}`, exact: true });
    await button.click();
    await dialog.locator("input").fill(`one${MARKUP}`);
    await dialog.locator("button.primary").click();
    await until("it is gone", async () => (await button.count()) === 0);
  });

  const about = (key) => main.locator(".field", { has: page.locator("label", { hasText: new RegExp(`^${key.replaceAll(".", "\\.")}( |$)`) }) });
  const field = (key) => about(key).locator("input, select").first();
  await walk.step("a form with errors", async () => {
    await walk.go("connectors/-/new");
    await until("the form is there", async () => (await field("flush.size").count()) === 1);
    check((await main.locator("details.group > summary").count()) > 5, "keys are not in groups");
    check((await about("flush.size").locator(".help").innerText()).startsWith("Records of one topic-partition"), "a key is not explained");
    await field("flush.size").fill("many");
    await until("the error stands beside the field", async () => /many/.test(await main.locator(".field", { has: page.locator('[aria-invalid="true"]') }).filter({ hasText: "flush.size" }).innerText()));
    check(await main.getByRole("button", { name: "Create", exact: true }).isDisabled(), "it can be created");
    await walk.looks("a form");
  });
  await walk.step("explain and create a connector", async () => {
    await main.getByLabel("Shown are").selectOption("LOW");
    const values = { name: connector, topics: topic, "flush.size": "2", "topics.dir": `walk-${run}`, "value.converter": "org.apache.kafka.connect.storage.StringConverter", "rotate.schedule.interval.ms": "1000", timezone: "UTC", ...storage };
    for (const [key, value] of Object.entries(values)) await field(key).fill(value);
    const further = main.getByLabel("Further keys");
    await main.locator("summary", { hasText: "Further keys" }).click();
    await further.fill((await further.inputValue()).split("\n").filter((line) => !line.startsWith("value.converter.schemas")).join("\n"));
    await until("the objects are told", async () => (await main.innerText()).includes(`walk-${run}/${topic}/partition=0/${topic}+0+0000000000.json`), 15_000);
    check((await main.innerText()).includes("flush.size was reached"), "the reason is not told");
    await main.getByRole("button", { name: "Create", exact: true }).click();
    await until("it runs", async () => (await main.locator("h1").innerText()) === connector && /1 running|running/.test(await main.innerText()));
  });

  await walk.step("pause, resume, stop", async () => {
    await until("its task runs", async () => (await main.locator("tbody .tag.good").count()) === 1);
    for (const [button, state] of [["Pause", "paused"], ["Resume", "running"]]) {
      await main.getByRole("button", { name: button, exact: true }).click();
      await until(`it is ${state}`, async () => (await main.locator(".head .tag").innerText()) === state);
    }
    await walk.looks("a connector");
  });

  await walk.step("objects", async () => {
    await walk.go(`objects/${segment(connector)}`);
    await until("the topic's folder is there", async () => (await main.getByRole("button", { name: topic }).count()) >= 1);
    await main.getByRole("button", { name: topic }).click();
    await main.getByRole("button", { name: "partition=0" }).click();
    await until("objects are there", async () => (await main.getByRole("button", { name: /^Preview/ }).count()) >= 5);
    const row = main.locator("tbody tr", { hasText: `${topic}+0+0000000000.json` });
    const [, first, last, count_, , why] = await cells(row);
    check([first, last, count_, why].join() === "0,1,2,flush.size was reached", `an object is told as ${[first, last, count_, why]}`);
    await walk.looks("objects");
  });
  await walk.step("preview an object", async () => {
    await main.getByRole("button", { name: /^Preview/ }).first().click();
    await until("its rows are shown", async () => /2 rows, which is all/.test(await dialog.innerText()));
    check((await dialog.innerText()).includes("onerror"), "the rows are not those that were posted");
    await walk.axe("the preview");
  });
  await walk.step("a link to an object", async () => {
    await page.keyboard.press("Escape");
    await main.getByRole("button", { name: /^Link/ }).first().click();
    await until("the link is shown", async () => (await dialog.getByLabel("Link").count()) === 1);
    const text = await call(await dialog.getByLabel("Link").innerText());
    check(String(text).includes("onerror"), "the link leads elsewhere");
    await page.keyboard.press("Escape");
  });

  await walk.step("figures of the flow", async () => {
    // There is no such partition: a record that is not written, of a kind.
    await call(`${target.proxy}/topics/${topic}`, { method: "POST", type: "application/vnd.kafka.json.v2+json", body: { records: [{ value: 1, partition: 99 }] } });
    await walk.go("flow");
    const told = new Map();
    const look = async () => {
      // A time to answer is only there while something is answered.
      await call(`${target.proxy}/topics`);
      const found = await page.evaluate(() => [
        ...[...document.querySelectorAll(".stage")].flatMap((stage) => [...stage.querySelectorAll(".big > span, dd")].map((value, index) => [`${stage.querySelector("h2").textContent} ${index}`, value.textContent])),
        ...[...document.querySelectorAll(".chart")].map((chart) => [chart.querySelector("h3").textContent, chart.querySelector(".value").textContent]),
      ]);
      for (const [name, value] of found) if (!value.includes("–")) told.set(name.replace(/ \(.*\)/, ""), value);
      return found.map(([name]) => name.replace(/ \(.*\)/, "")).filter((name) => !told.has(name));
    };
    let left = ["all"];
    await until("all figures come", async () => {
      left = await look();
      return left.length === 0;
    }).catch((error) => {
      throw new Error(`${error.message}: none of ${left.join(", ")}`);
    });
    check(told.size === 5 + 18 + 15, `there are ${told.size} figures: ${[...told.keys()]}`);
    const number = /^[\d,.]+( ?[kM])?$/;
    for (const [name, like] of [["Topics 2", / records$/], ["Lag, in records", number], ["Sink tasks 2", / (ms|s|min|h)$/], ["Commit age", / (ms|s|min|h)$/], ["Sink tasks 4", /B$/], ["Sink tasks 5", /^[1-9].*B$/], ["REST proxy 4", /B$/], ["Queue to Kafka", /B$/], ["Topics 1", /^reachable$/]]) {
      check(like.test(told.get(name)), `${name} is told as ${told.get(name)}`);
    }
    await until("what was not written is told by kind", async () => /By code, since the start: [^\n]*50003: \d/.test(await main.innerText()));
    await until("it is told in words", async () => /not written in the last minute/.test(await main.innerText()));
  });

  await walk.step("stop, and change offsets", async () => {
    await walk.go(`connectors/${segment(connector)}/offsets`);
    await until("offsets are shown", async () => (await main.locator("tbody tr").count()) >= 1);
    await main.getByRole("button", { name: "Change…" }).click();
    await dialog.getByLabel("Next offset to be read").fill("1");
    await dialog.getByRole("button", { name: "Change", exact: true }).click();
    await until("it has to be stopped", async () => /Error 400/.test(await dialog.innerText()));
    await page.keyboard.press("Escape");
    await main.getByRole("button", { name: "Stop", exact: true }).click();
    await until("it is stopped", async () => (await main.locator(".head .tag").innerText()) === "stopped");
    await main.getByRole("button", { name: "Change…" }).click();
    await dialog.getByLabel("Topic").fill(topic);
    await dialog.getByLabel("Partition").fill("0");
    await dialog.getByLabel("Next offset to be read").fill("1");
    await dialog.getByRole("button", { name: "Change", exact: true }).click();
    await until("it is changed", async () => (await dialog.count()) === 0 && /\b1\b/.test(await main.locator("tbody").innerText()));
  });
  await walk.step("remove all offsets", async () => {
    await byName("Remove all", connector);
    await until("none is left", async () => (await dialog.count()) === 0 && (await main.innerText()).includes("The connector has committed nothing yet."));
  });

  const broken = `broken ${MARKUP} ${run}`;
  await walk.step("a task that fails", async () => {
    const config = { "connector.class": "S3SinkConnector", "storage.class": "io.confluent.connect.s3.storage.S3Storage", "format.class": "io.confluent.connect.s3.format.json.JsonFormat", "flush.size": "1", "topics.dir": `broken-${run}`, "tasks.max": "1", topics: topic, "key.converter": "org.apache.kafka.connect.storage.StringConverter", "value.converter": "org.apache.kafka.connect.json.JsonConverter", "value.converter.schemas.enable": "true", ...storage };
    await call(`${target.connect}/connectors/${segment(broken)}/config`, { method: "PUT", body: config });
    await walk.go(`connectors/${segment(broken)}`);
    await until("the trace is readable", async () => /DataException/.test(await main.innerText()));
    await main.locator("summary", { hasText: "The whole trace" }).first().click();
    await walk.looks("a trace");
  });
  await walk.step("restarts", async () => {
    // What has failed fails again: so that it was started anew is counted.
    const failures = () => figure("sluiceway_sink_task_failures_total");
    let before = await failures();
    await main.getByRole("button", { name: "Restart task 0" }).first().click();
    await until("the task was restarted", async () => (await failures()) > before);
    check((await page.locator(".toasts").innerText()).includes("Task 0 is restarted"), "nothing is said");
    before = await failures();
    await main.getByRole("button", { name: "Restart…" }).click();
    await dialog.getByLabel("Its tasks, too").check();
    await dialog.getByLabel("Only what has failed").check();
    await dialog.getByRole("button", { name: "Restart", exact: true }).click();
    await until("the connector was restarted", async () => (await failures()) > before && (await dialog.count()) === 0);
  });
  await walk.step("a red thing and its cause", async () => {
    await walk.go("flow");
    await until("it is told in words", async () => (await main.innerText()).includes("1 task failed"));
    await walk.axe("a red flow");
  });
  await walk.step("the cause of a red thing", async () => {
    await main.getByRole("link", { name: /^Read the trace of/ }).click();
    await until("the link leads to the cause", async () => /DataException/.test(await main.innerText()));
  });
  await walk.step("connectors", async () => {
    await walk.go("connectors");
    const link = main.getByRole("link", { name: connector, exact: true });
    await until("both are shown", async () => (await main.locator("tbody .tag.bad").count()) >= 1 && (await link.count()) === 1);
    await link.focus();
    await link.evaluate((element) => element.setAttribute("data-old", ""));
    await until("it is drawn anew", async () => (await link.getAttribute("data-old")) === null);
    check(await link.evaluate((element) => element === document.activeElement), "what has the focus loses it");
    await walk.looks("connectors");
  });
  await walk.step("edit a connector", async () => {
    await walk.go(`connectors/${segment(broken)}/configuration`);
    const save = main.getByRole("button", { name: "Save and restart" });
    await field("value.converter").fill("org.apache.kafka.connect.storage.StringConverter");
    await until("it can be saved", () => save.isEnabled());
    await save.click();
    await until("its task runs", async () => (await main.locator("tbody .tag.good").count()) === 1);
  });
  await walk.step("delete connectors", async () => {
    for (const name of [broken, connector]) {
      await walk.go(`connectors/${segment(name)}`);
      await byName("Delete", name);
      await until("it is gone", async () => (await main.locator("h1").innerText()) === "Connectors");
    }
  });

  if (target.whole) {
    for (const format of ["avro", "parquet"]) {
      const name = `${format}-${run}`;
      const config = { "connector.class": "S3SinkConnector", "storage.class": "io.confluent.connect.s3.storage.S3Storage", "format.class": `io.confluent.connect.s3.format.${format}.${format === "avro" ? "Avro" : "Parquet"}Format`, "flush.size": "2", "topics.dir": name, "tasks.max": "1", topics: `${topic}.avro`, "key.converter": "org.apache.kafka.connect.storage.StringConverter", "value.converter": "io.confluent.connect.avro.AvroConverter", "value.converter.schema.registry.url": target.registry, ...storage };
      await call(`${target.connect}/connectors/${name}/config`, { method: "PUT", body: config });
    }
    for (const format of ["avro", "parquet"]) {
      const name = `${format}-${run}`;
      await walk.step(`preview ${format}`, async () => {
        await until("the object is there", async () => (await call(`${target.connect}/connectors/${name}/objects?flat=true`)).objects.length === 1);
        await walk.go(`objects/${name}`);
        await main.getByRole("button", { name: `${topic}.avro` }).click();
        await main.getByRole("button", { name: "partition=0" }).click();
        await main.getByRole("button", { name: /^Preview/ }).click();
        await until("its rows are shown", async () => (await dialog.innerText()).includes("9007199254740993"));
        check((await dialog.innerText()).includes(`${format}, 2 rows`), "the format is not told");
        await page.keyboard.press("Escape");
      });
      await call(`${target.connect}/connectors/${name}`, { method: "DELETE" });
    }
    await walk.beside("the sink's own console", `${target.other}/console`, async (sink) => {
      await until("it is live", async () => (await sink.locator(".status").innerText()).includes("live") && (await sink.locator(".stage").count()) === 5);
      // It shows the proxy, too, by the proxy's console.
      await sink.getByRole("link", { name: "Topics", exact: true }).first().click();
      await sink.locator("main").getByLabel("Search").fill(topic);
      await until("a topic is shown", async () => (await sink.getByRole("link", { name: topic, exact: true }).count()) === 1);
      const info = await call(`${target.other}/console/info`);
      check(info.programs.map((one) => one.name).join() === "sink,proxy", JSON.stringify(info));
      const topics = await call(`${target.other}/console/api/proxy/topics`);
      check(topics.includes(topic), "the proxy is not reached through it");
    });
  }

  await walk.step("lines of the documentation", async () => {
    check(documented.length >= 3, "the documentation has no lines");
    for (const [index, { stdout }] of (await curled).entries()) check(stdout !== "" && !stdout.includes("error_code"), `${documented[index]} says ${stdout}`);
  });
  await walk.beside("the page of the description", `${target.proxy}/docs`, async (docs) => {
    await until("the operations are listed", async () => (await docs.locator(".opblock").count()) > 70);
    const operation = docs.locator(".opblock-get").filter({ has: docs.locator('[data-path="/topics"]') });
    await operation.locator(".opblock-summary-control").click();
    await operation.getByRole("button", { name: "Execute" }).click();
    await until("it answers", async () => {
      const answer = operation.locator(".live-responses-table .response").first();
      const [status, body] = [await answer.locator(".response-col_status").innerText(), await answer.locator("pre.microlight, .highlight-code").first().innerText()];
      return status.startsWith("200") && body.includes(JSON.stringify(topic));
    });
  });

  await walk.step("answers of 400 and above", async () => {
    const error = "Error 50099: Refused: <img";
    await answers.set(/\/connectors\/[^/]+\/status$/, refused, 500);
    await answers.set(/\/lag-summary$/, refused, 500);
    await answers.set(/\/lags$/, refused, 500);
    await answers.set(/\/partitions\/0\/offsets$/, refused, 500);
    if (!target.whole) {
      await walk.go("connectors");
      await until("a state is not known, and why", async () => (await main.locator("tbody").innerText()).includes(error));
    }
    await walk.go("consumers");
    await until("a lag is not known, and why", async () => (await main.locator("tbody").first().innerText()).includes(error));
    await walk.go(`consumers/${segment(group)}`);
    await until("lags are not known, and why", async () => /Error 50099\s+Refused/.test(await main.innerText()));
    await walk.go(`topics/${topic}/partitions`);
    await until("an offset is not known, and why", async () => (await main.locator("tbody").innerText()).includes(error));
    await walk.axe("errors in cells", ["color-contrast"]);
    await answers.set(/\/console\/api\/proxy\/topics$/, refused, 500);
    await walk.go("flow");
    await until("a number is not known, and why", async () => /The topics cannot be listed: error 50099\s+Refused/.test(await main.innerText()));
    await answers.clear();
  });

  await walk.step("many of all", async () => {
    const many = (make) => Array.from({ length: 150 }, (_, number) => make(String(number).padStart(3, "0")));
    await answers.set(/\/sluiceway\/consumers$/, { instances: many((number) => ({ group: "g", name: `i-${number}`, format: "json", owner: "alice", idle_ms: 1, expires_in_ms: 1, in_use: false, topics: [], partitions: [] })) });
    await answers.set(/\/consumer-groups\/[^/]+\/consumers$/, { data: many((number) => ({ consumer_id: `m-${number}`, instance_id: null, client_id: `c-${number}` })) });
    await answers.set(/\/console\/api\/sink\/connectors$/, many((number) => `o-${number}`));
    const turn = async (path, place, last) => {
      await walk.go(path);
      await until("a page is shown", async () => (await place.count()) === 100);
      await main.getByRole("button", { name: "Next →" }).last().click();
      await until("the next one is", async () => (await place.count()) === 50 && (await place.last().innerText()).includes(last));
    };
    await turn("consumers", main.getByRole("region", { name: "Consumer instances" }).locator("tbody tr"), "i-149");
    check((await cells(main.getByRole("region", { name: "Consumer instances" }).locator("tbody tr").first()))[3] === "alice", "the owner is not told");
    await turn(`consumers/${segment(group)}`, main.getByRole("region", { name: "Members" }).locator("tbody tr"), "m-149");
    await turn("objects", main.locator("ul.tree li"), "o-149");
    await answers.clear();
  });

  await walk.step("markup in names that Kafka would not take", async () => {
    const named = { name: `t${MARKUP}`, internal: false, partitions: 1, replication_factor: 1, records: 1, end_offset: 1, bytes: 1 };
    await answers.set(/\/sluiceway\/topics$/, { total: 1, matching: 1, skip: 0, topics: [named] });
    await walk.go("topics");
    await until("it is shown as text", async () => (await main.getByRole("link", { name: `t${MARKUP}`, exact: true }).count()) === 1);
    await answers.clear();
  });

  await walk.step("delete a topic", async () => {
    await walk.go(`topics/${topic}`);
    await byName("Delete", topic);
    await until("it is gone", async () => (await main.locator("h1").innerText()) === "Topics");
    await walk.go(`topics/${topic}.never/partitions`);
    await until("what is not there is told", async () => /Error 4040\d/.test(await main.innerText()));
  });

  await walk.step("markup in addresses", async () => {
    await walk.go(`topics/${segment(MARKUP)}`);
    await until("an error is told", async () => /Error \d+/.test(await main.innerText()));
    await walk.go(segment(MARKUP));
    await until("there is no such page", async () => (await main.innerText()).includes("There is no such page."));
  });

  await walk.step("by keyboard", async () => {
    await walk.go("flow");
    await page.reload();
    await until("it is live", async () => (await page.locator(".status").innerText()).includes("live"));
    await page.keyboard.press("Tab");
    check((await page.locator(":focus").innerText()) === "To the content", "the first stop is not the way past the bar");
    await page.keyboard.press("Enter");
    check((await page.locator(":focus").getAttribute("id")) === "main", "it does not lead to the content");
    await page.keyboard.press("g");
    await page.keyboard.press("t");
    await until("g t leads to the topics", async () => (await main.locator("h1").innerText()) === "Topics");
    await page.keyboard.press("/");
    check((await page.locator(":focus").getAttribute("type")) === "search", "/ does not lead to the search");
    await page.locator(":focus").blur();
    await page.keyboard.press("t");
    check((await page.evaluate(() => document.documentElement.dataset.theme)) === "dark", "t does not make it dark");
    await page.keyboard.press("t");
    await page.keyboard.press("?");
    check((await dialog.innerText()).includes("light or dark"), "? shows no keys");
    await page.keyboard.press("Escape");
  });

  const goesOn = async () => (await page.locator(".away").isHidden()) && (await page.locator(".status").innerText()).includes("live");
  await walk.step("the server goes away", async () => {
    await walk.go("flow");
    await until("it is live", async () => (await page.locator(".status").innerText()).includes("live"));
    await walk.gate.close();
    await until("the page says so", async () => (await page.locator(".away").isVisible()) && (await page.locator(".away").innerText()).includes("The server does not answer"));
    check((await page.locator(".stage").count()) === 5, "what was shown is gone");
    await page.keyboard.press("?");
  });
  await walk.step("the server comes back", async () => {
    await walk.gate.open();
    await until("the page goes on", goesOn);
    check((await dialog.count()) === 1, "a dialog was closed");
    await page.keyboard.press("Escape");
  });
  await walk.step("the server goes away below a form", async () => {
    await walk.go("connectors/-/new");
    await until("the form is there", async () => (await field("flush.size").count()) === 1);
    await field("flush.size").fill("77");
    await walk.gate.close();
    await until("the page says so", () => page.locator(".away").isVisible());
    await field("topics.dir").fill("kept");
    await until("the form says so", async () => (await main.innerText()).includes("The server does not answer"));
    await walk.gate.open();
    await until("the page goes on", async () => (await goesOn()) && !(await main.innerText()).includes("The server does not answer"));
    check((await field("flush.size").inputValue()) === "77" && (await field("topics.dir").inputValue()) === "kept", "what was filled in is gone");
  });
  const end = new AbortController();
  await walk.step("figures are refused", async () => {
    await page.goto("about:blank");
    const stream = async () => (await fetch(`${target.console}/console/live`, { signal: end.signal })).status === 200;
    await Promise.all(Array.from({ length: 16 }, () => until("there is a place", stream)));
    await walk.go("flow");
    const said = new RegExp(`figures of the ${target.whole ? "proxy" : "proxy and the sink"} do not come\\. Error 429: 16 streams`);
    await until("the page says why", async () => said.test(await page.locator(".away").innerText()));
  });
  await walk.step("figures come again", async () => {
    end.abort();
    await until("the page goes on", goesOn);
  });
} catch (error) {
  console.error(error.stack);
  process.exitCode = 1;
} finally {
  await walk.end();
}
