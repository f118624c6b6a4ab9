// Walks through every task of the console as a person does, on the programs that the environment names.
import { execFile } from "node:child_process";
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

const walk = await Walk.start();
const { page } = walk;
const main = walk.main();
const dialog = page.locator("dialog[open]");
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
    await until("charts are drawn", async () => (await page.locator(".chart canvas").count()) === 14);
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
    await walk.looks("topics");
  });

  const group = `<b>group</b>-${run}`;
  await call(`${target.proxy}/consumers/${segment(group)}`, { method: "POST", type: "application/vnd.kafka.v2+json", body: { name: `one${MARKUP}`, format: "json", "auto.offset.reset": "earliest" } });
  const instance = `${target.proxy}/consumers/${segment(group)}/instances/${segment(`one${MARKUP}`)}`;
  await call(`${instance}/assignments`, { method: "POST", type: "application/vnd.kafka.v2+json", body: { partitions: [{ topic, partition: 0 }, { topic, partition: 1 }] } });
  // What partition 1 has cannot be read as JSON: an error text with what a client sent.
  await call(`${instance}/records?timeout=100`, { accept: "application/vnd.kafka.json.v2+json" }).catch(() => null);
  await call(`${instance}/offsets`, { method: "POST", type: "application/vnd.kafka.v2+json", body: { offsets: [{ topic, partition: 0, offset: 3 }] } });

  await walk.step("consumers", async () => {
    await walk.go("consumers");
    await until("the instance is shown", async () => (await main.innerText()).includes("onerror") && (await main.innerText()).includes(topic));
    await until("groups are shown", async () => (await main.getByRole("link", { name: group, exact: true }).count()) >= 1);
    await walk.looks("consumers");
  });
  await walk.step("a group", async () => {
    await walk.go(`consumers/${segment(group)}`);
    await until("the lag is shown", async () => (await main.getByRole("link", { name: topic }).count()) >= 1);
    await walk.looks("a group");
  });
  await walk.step("end an instance", async () => {
    await walk.go("consumers");
    const button = main.getByRole("button", { name: `End one${MARKUP}`, exact: true });
    await button.click();
    await dialog.locator("input").fill(`one${MARKUP}`);
    await dialog.locator("button.primary").click();
    await until("it is gone", async () => (await button.count()) === 0);
  });

  const field = (key) => main.locator(".field", { has: page.locator("label", { hasText: new RegExp(`^${key.replaceAll(".", "\\.")}( |$)`) }) }).locator("input, select").first();
  await walk.step("a form with errors", async () => {
    await walk.go("connectors/-/new");
    await until("the form is there", async () => (await field("flush.size").count()) === 1);
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
    check((await main.innerText()).includes("flush.size was reached"), "the reason is not told");
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

  const broken = `broken ${MARKUP} ${run}`;
  await walk.step("a task that fails", async () => {
    const config = { "connector.class": "S3SinkConnector", "storage.class": "io.confluent.connect.s3.storage.S3Storage", "format.class": "io.confluent.connect.s3.format.json.JsonFormat", "flush.size": "1", "topics.dir": `broken-${run}`, "tasks.max": "1", topics: topic, "key.converter": "org.apache.kafka.connect.storage.StringConverter", "value.converter": "org.apache.kafka.connect.json.JsonConverter", "value.converter.schemas.enable": "true", ...storage };
    await call(`${target.connect}/connectors/${segment(broken)}/config`, { method: "PUT", body: config });
    await walk.go(`connectors/${segment(broken)}`);
    await until("the trace is readable", async () => /DataException/.test(await main.innerText()));
    await main.locator("summary", { hasText: "The whole trace" }).first().click();
    check((await main.getByRole("button", { name: "Restart task 0" }).count()) >= 1, "it cannot be restarted");
    await walk.looks("a trace");
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
    await until("both are shown", async () => (await main.locator("tbody .tag.bad").count()) >= 1 && (await main.getByRole("link", { name: connector, exact: true }).count()) === 1);
    await walk.looks("connectors");
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
    await walk.step("the sink's own console", async () => {
      // It shows the proxy, too, by the proxy's console.
      const info = await call(`${target.other}/console/info`);
      check(info.programs.map((one) => one.name).join() === "sink,proxy", JSON.stringify(info));
      const topics = await call(`${target.other}/console/api/proxy/topics`);
      check(topics.includes(topic), "the proxy is not reached through it");
    });
  }

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

  await walk.step("the server goes away", async () => {
    await walk.go("flow");
    await until("it is live", async () => (await page.locator(".status").innerText()).includes("live"));
    await walk.gate.close();
    await until("the page says so", async () => (await page.locator(".away").isVisible()) && (await page.locator(".away").innerText()).includes("The server does not answer"));
    check((await page.locator(".stage").count()) === 5, "what was shown is gone");
  });
  await walk.step("the server comes back", async () => {
    await walk.gate.open();
    await until("the page goes on", async () => (await page.locator(".away").isHidden()) && (await page.locator(".status").innerText()).includes("live"));
  });
} catch (error) {
  console.error(error.stack);
  process.exitCode = 1;
} finally {
  await walk.end();
}
