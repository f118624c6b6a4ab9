// Topics: the list, and one topic with its partitions, records, settings.

import { base, has, json, segment, text, v3 } from "./api";
import { browse } from "./browse";
import { fill, h, type Child } from "./dom";
import { bytes, count, short } from "./format";
import { post } from "./post";
import {
  brief,
  brieflyNamed,
  confirmByName,
  crumbs,
  debounced,
  dialog,
  empty,
  every,
  failure,
  field,
  head,
  missing,
  pager,
  redraw,
  select,
  show,
  table,
  tabs,
  toast,
  type View,
} from "./ui";

interface Summary {
  name: string;
  internal: boolean;
  partitions: number;
  replication_factor: number;
  records: number | null;
  end_offset: number | null;
  bytes: number | null;
}

interface Page {
  total: number;
  matching: number;
  skip: number;
  topics: Summary[];
}

const LIMIT = 50;

export function topics(view: View): void {
  if (!has("proxy")) {
    fill(view.main, head("Topics"), h("section", { class: "card" }, missing("Topics", "proxy")));
    return;
  }
  const [name, tab] = view.path;
  if (name === undefined || name === "") list(view);
  else one(view, name, tab ?? "records");
}

/** The address of a topic's page. */
export function link(topic: string, tab = ""): string {
  return `#/topics/${segment(topic)}${tab && `/${tab}`}`;
}

function unknown(number: number | null, write: (value: number) => string): string {
  return number === null ? "–" : write(number);
}

function list(view: View): void {
  const search = h("input", { type: "search", placeholder: "Part of a name", value: view.query.get("contains") ?? "" });
  const internal = h("input", { type: "checkbox" });
  const sort = select([["name", "Name"], ["-name", "Name, backwards"], ["-partitions", "Most partitions"]], "name");
  const place = h("div", { "aria-live": "off" }, h("p", { class: "dim" }, "Reading the topics…"));
  const before = new Map<string, [number, number]>();
  const rates = new Map<string, number>();
  let skip = 0;
  let failed = false;
  const draw = (page: Page): Child => {
    if (page.total === 0) {
      return empty("There is no topic yet.", h("p", null, "Create one, or produce to a name: Kafka makes it where auto.create.topics.enable is on."));
    }
    if (page.matching === 0) return empty("No topic's name contains that.", h("p", null, `There are ${count(page.total)} topics in all.`));
    const rows = page.topics.map((topic) => {
      const rate = rates.get(topic.name);
      return [
        { name: [h("a", { href: link(topic.name) }, topic.name), topic.internal ? [" ", h("span", { class: "tag" }, "internal")] : null] },
        { number: count(topic.partitions) },
        { number: count(topic.replication_factor) },
        { number: unknown(topic.records, count) },
        { number: unknown(topic.bytes, bytes) },
        { number: rate === undefined ? "–" : `${short(rate)}/s` },
      ];
    });
    return [
      table("Topics", ["Name", "#Partitions", "#Copies", "#Records", "#Size", "#Written"], rows),
      h("p"),
      pager(page.skip, LIMIT, page.matching, (to) => {
        skip = to;
        void read();
      }),
    ];
  };
  const read = async (): Promise<void> => {
    const query = new URLSearchParams({ skip: String(skip), limit: String(LIMIT), sort: sort.value });
    if (search.value !== "") query.set("contains", search.value);
    if (internal.checked) query.set("internal", "true");
    try {
      const page = await json<Page>(`${base("proxy")}/sluiceway/topics?${query}`, { signal: view.signal });
      const now = performance.now();
      for (const topic of page.topics) {
        const last = before.get(topic.name);
        if (topic.end_offset === null) continue;
        if (last !== undefined && now > last[0]) rates.set(topic.name, Math.max(0, ((topic.end_offset - last[1]) * 1000) / (now - last[0])));
        before.set(topic.name, [now, topic.end_offset]);
      }
      // Only topics that are shown are remembered.
      for (const known of before.keys()) {
        if (!page.topics.some((topic) => topic.name === known)) {
          before.delete(known);
          rates.delete(known);
        }
      }
      redraw(place, draw(page));
      failed = false;
    } catch (error) {
      if (view.signal.aborted) return;
      if (!failed) fill(place, failure(error, () => void read()));
      failed = true;
    }
  };
  const anew = debounced(() => {
    skip = 0;
    void read();
  });
  search.addEventListener("input", anew);
  internal.addEventListener("change", anew);
  sort.addEventListener("change", anew);
  fill(
    view.main,
    head("Topics", h("button", { type: "button", class: "primary", onclick: () => create() }, "Create a topic")),
    h(
      "section",
      { class: "card" },
      h(
        "div",
        { class: "row" },
        field("Search", search, { wide: true }),
        field("Order", sort),
        field("Kafka's own, too", internal),
      ),
      h("p"),
      place,
    ),
  );
  every(3000, view.signal, read);
}

function create(): void {
  dialog("Create a topic", (close) => {
    const name = h("input", { required: true, maxlength: 249, pattern: "[a-zA-Z0-9._\\-]+", autocomplete: "off", spellcheck: "false" });
    const partitions = h("input", { type: "number", min: 1, value: 1 });
    const copies = h("input", { type: "number", min: 1, value: 1 });
    const policy = select([["delete", "Delete what is old"], ["compact", "Keep the last of each key"]], "delete");
    const retention = h("input", { type: "number", min: -1, placeholder: "the broker's" });
    const place = h("div");
    const go = h("button", { type: "submit", class: "primary" }, "Create");
    const form = h(
      "form",
      { class: "stack" },
      field("Name", name, { help: "Letters, digits, dots, dashes and underscores; 249 at most." }),
      h("div", { class: "row" }, field("Partitions", partitions), field("Copies of each", copies)),
      field("Clean-up", policy),
      field("Kept for, in ms (retention.ms)", retention, { help: "-1: for ever." }),
      place,
      h("div", { class: "row end" }, h("button", { type: "button", onclick: close }, "Cancel"), go),
    );
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const configs = [{ name: "cleanup.policy", value: policy.value }];
      if (retention.value !== "") configs.push({ name: "retention.ms", value: retention.value });
      const body = JSON.stringify({
        topic_name: name.value,
        partitions_count: Number(partitions.value),
        replication_factor: Number(copies.value),
        configs,
      });
      go.disabled = true;
      v3()
        .then((cluster) => text(`${cluster}/topics`, { method: "POST", body }))
        .then(
          () => {
            close();
            toast("good", `${brieflyNamed(name.value)} was created`);
            location.hash = link(name.value);
          },
          (error: unknown) => {
            go.disabled = false;
            fill(place, failure(error));
          },
        );
    });
    return form;
  });
}

const TABS: [string, string][] = [
  ["records", "Records"],
  ["post", "Post a record"],
  ["partitions", "Partitions"],
  ["settings", "Settings"],
];

function one(view: View, name: string, tab: string): void {
  const place = h("div");
  const remove = async (): Promise<void> => {
    await text(`${await v3()}/topics/${segment(name)}`, { method: "DELETE" });
    toast("good", `${brieflyNamed(name)} was deleted`);
    location.hash = "#/topics";
  };
  fill(
    view.main,
    crumbs(["#/topics", "Topics"]),
    head(
      name,
      h(
        "button",
        {
          type: "button",
          class: "danger",
          onclick: () => confirmByName("Delete the topic", name, "Its records are gone for good, for all who read it.", "Delete", remove),
        },
        "Delete",
      ),
    ),
    tabs("Parts of the topic", TABS.map(([key, title]) => [link(name, key), title, key === tab])),
    place,
  );
  if (tab === "post") post(view, place, name);
  else if (tab === "partitions") partitions(view, place, name);
  else if (tab === "settings") settings(view, place, name);
  else browse(view, place, name);
}

interface Partition {
  partition: number;
  leader: number;
  replicas: { broker: number; leader: boolean; in_sync: boolean }[];
}

/** Partitions that are asked for their offsets on one page. */
const PARTITIONS = 50;

function partitions(view: View, place: HTMLElement, name: string): void {
  let skip = 0;
  const read = (): Promise<void> =>
    show(place, view.signal, async () => {
      const path = `${base("proxy")}/topics/${segment(name)}/partitions`;
      const all = await json<Partition[]>(path, { signal: view.signal });
      const shown = all.slice(skip, skip + PARTITIONS);
      const offsets = await Promise.all(
        shown.map((one) =>
          json<{ beginning_offset: number; end_offset: number }>(`${path}/${one.partition}/offsets`, { signal: view.signal }).catch((error: Error) => error),
        ),
      );
      const rows = shown.map((one, index) => {
        const read_ = offsets[index];
        const own = read_ === undefined || read_ instanceof Error ? null : read_;
        const lagging = one.replicas.filter((replica) => !replica.in_sync).map((replica) => replica.broker);
        return [
          { number: count(one.partition) },
          one.leader < 0 ? h("span", { class: "tag bad" }, "no leader") : `broker ${one.leader}`,
          one.replicas.map((replica) => replica.broker).join(", "),
          lagging.length === 0 ? h("span", { class: "tag good" }, "in sync") : h("span", { class: "tag warn" }, `behind: ${lagging.join(", ")}`),
          { number: own === null ? (read_ instanceof Error ? brief(read_) : "–") : count(own.beginning_offset) },
          { number: own === null ? "–" : count(own.end_offset) },
          { number: own === null ? "–" : count(own.end_offset - own.beginning_offset) },
        ];
      });
      return h(
        "section",
        { class: "card" },
        table("Partitions", ["#Partition", "Leader", "Copies on brokers", "State", "#First offset", "#Next offset", "#Records"], rows),
        all.length > PARTITIONS
          ? [
              h("p"),
              pager(skip, PARTITIONS, all.length, (to) => {
                skip = to;
                void read();
              }),
            ]
          : null,
        h("p"),
        grow(name, all.length, () => void read()),
      );
    });
  void read();
}

function grow(name: string, now: number, done: () => void): HTMLElement {
  const button = h("button", { type: "button" }, "More partitions");
  button.addEventListener("click", () =>
    dialog("More partitions", (close) => {
      const wanted = h("input", { type: "number", min: now + 1, value: now + 1 });
      const place = h("div");
      const form = h(
        "form",
        { class: "stack" },
        h("p", null, `The topic has ${count(now)}. There can be more, never fewer; records with a key may then go to another partition than before.`),
        field("Partitions in all", wanted),
        place,
        h("div", { class: "row end" }, h("button", { type: "button", onclick: close }, "Cancel"), h("button", { type: "submit", class: "primary" }, "Add")),
      );
      form.addEventListener("submit", (event) => {
        event.preventDefault();
        v3()
          .then((cluster) => text(`${cluster}/topics/${segment(name)}`, { method: "PATCH", body: JSON.stringify({ partitions_count: Number(wanted.value) }) }))
          .then(
            () => {
              close();
              toast("good", `${brieflyNamed(name)} has ${wanted.value} partitions`);
              done();
            },
            (error: unknown) => fill(place, failure(error)),
          );
      });
      return form;
    }),
  );
  return button;
}

interface Setting {
  name: string;
  value: string | null;
  is_default: boolean;
  is_read_only: boolean;
  is_sensitive: boolean;
  source: string;
}

function settings(view: View, place: HTMLElement, name: string): void {
  const search = h("input", { type: "search", placeholder: "Part of a name" });
  const found = h("div");
  let all: Setting[] = [];
  const path = async (): Promise<string> => `${await v3()}/topics/${segment(name)}/configs`;
  const draw = (): void => {
    const shown = all.filter((one) => one.name.includes(search.value.trim()));
    const rows = shown.map((one) => [
      { name: h("span", { class: "mono" }, one.name) },
      { name: one.is_sensitive ? h("span", { class: "dim" }, "secret") : h("span", { class: "mono" }, one.value ?? "") },
      one.is_default ? h("span", { class: "dim" }, "default") : h("span", { class: "tag" }, one.source === "DYNAMIC_TOPIC_CONFIG" ? "of this topic" : one.source.toLowerCase().replaceAll("_", " ")),
      one.is_read_only ? "" : h("button", { type: "button", "aria-label": `Change ${one.name}`, onclick: () => change(one) }, "Change"),
    ]);
    fill(found, rows.length === 0 ? empty("No setting's name contains that.") : table("Settings", ["Name", "Value", "From", ""], rows));
  };
  const change = (one: Setting): void =>
    dialog(one.name, (close) => {
      const value = h("input", { value: one.value ?? "", spellcheck: "false" });
      const said = h("div");
      const send = (body: string, method: string, word: string): void => {
        path()
          .then((configs) => text(`${configs}/${segment(one.name)}`, method === "PUT" ? { method, body } : { method }))
          .then(
            () => {
              close();
              toast("good", `${one.name} was ${word}`);
              void read();
            },
            (error: unknown) => fill(said, failure(error)),
          );
      };
      const form = h(
        "form",
        { class: "stack" },
        field("Value", value),
        said,
        h(
          "div",
          { class: "row end" },
          h("button", { type: "button", onclick: close }, "Cancel"),
          one.source === "DYNAMIC_TOPIC_CONFIG" ? h("button", { type: "button", onclick: () => send("", "DELETE", "set back") }, "Back to the default") : null,
          h("button", { type: "submit", class: "primary" }, "Set"),
        ),
      );
      form.addEventListener("submit", (event) => {
        event.preventDefault();
        send(JSON.stringify({ value: value.value }), "PUT", "set");
      });
      return form;
    });
  const read = (): Promise<void> =>
    show(place, view.signal, async () => {
      const answer = await json<{ data: Setting[] }>(await path(), { signal: view.signal });
      all = answer.data.sort((a, b) => Number(a.is_default) - Number(b.is_default) || a.name.localeCompare(b.name));
      draw();
      return h("section", { class: "card" }, h("div", { class: "row" }, field("Search", search, { wide: true })), h("p"), found);
    });
  search.addEventListener("input", draw);
  void read();
}
