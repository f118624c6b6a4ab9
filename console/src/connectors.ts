// Connectors: the list, and one connector with its tasks, offsets, configuration.

import { base, has, json, segment, text } from "./api";
import { connectorForm } from "./connector-form";
import { fill, h, type Child } from "./dom";
import { count } from "./format";
import { readable } from "./trace";
import {
  action,
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
  show,
  table,
  tabs,
  toast,
  type View,
} from "./ui";

export interface Status {
  name: string;
  connector: { state: string; worker_id: string; trace?: string };
  tasks: { id: number; state: string; worker_id: string; trace?: string }[];
}

interface Offset {
  partition: { kafka_topic: string; kafka_partition: number };
  offset: { kafka_offset: number };
}

const LIMIT = 50;
const OFFSETS = 100;
/** Statuses asked for at the same time. */
const AT_ONCE = 8;

const root = (): string => `${base("sink")}/connectors`;

export function connectors(view: View): void {
  if (!has("sink")) {
    fill(view.main, head("Connectors"), h("section", { class: "card" }, missing("Connectors", "sink")));
    return;
  }
  const [name, tab] = view.path;
  if (name === undefined || name === "") list(view);
  else if (name === "-" && tab === "new") make(view);
  else one(view, name, tab ?? "tasks");
}

/** The address of a connector's page. */
function link(name: string, tab = ""): string {
  return `#/connectors/${segment(name)}${tab && `/${tab}`}`;
}

export function stateTag(state: string): HTMLElement {
  const kind = state === "RUNNING" ? "good" : state === "FAILED" ? "bad" : state === "UNASSIGNED" || state === "RESTARTING" ? "warn" : "";
  return h("span", { class: `tag ${kind}` }, state.toLowerCase());
}

function list(view: View): void {
  const search = h("input", { type: "search", placeholder: "Part of a name" });
  const place = h("div", null, h("p", { class: "dim" }, "Reading the connectors…"));
  const statuses = new Map<string, Status | Error>();
  let names: string[] = [];
  let skip = 0;
  let first = true;
  const found = (): string[] => names.filter((name) => name.toLowerCase().includes(search.value.toLowerCase()));
  const draw = (): void => {
    const all = found();
    if (names.length === 0) {
      fill(place, empty("There is no connector yet.", h("p", null, h("a", { href: "#/connectors/-/new" }, "Create one"), ", or start the worker with a connector's file.")));
      return;
    }
    const rows = all.slice(skip, skip + LIMIT).map((name) => {
      const known = statuses.get(name);
      const status = known instanceof Error ? undefined : known;
      const failed = status?.tasks.filter((task) => task.state === "FAILED").length ?? 0;
      const running = status?.tasks.filter((task) => task.state === "RUNNING").length ?? 0;
      return [
        { name: h("a", { href: link(name) }, name) },
        known instanceof Error ? brief(known) : status ? stateTag(status.connector.state) : h("span", { class: "dim" }, "…"),
        status ? [`${count(running)} of ${count(status.tasks.length)} running `, failed > 0 ? h("span", { class: "tag bad" }, `${count(failed)} failed`) : null] : "",
        status?.connector.worker_id ?? "",
        h("a", { href: `#/objects/${segment(name)}` }, "objects"),
      ];
    });
    redraw(
      place,
      all.length === 0 ? empty("No connector's name contains that.") : table("Connectors", ["Name", "State", "Tasks", "Worker", ""], rows),
      all.length > LIMIT
        ? [
            h("p"),
            pager(skip, LIMIT, all.length, (to) => {
              skip = to;
              draw();
              void fetchStatuses();
            }),
          ]
        : null,
    );
  };
  const fetchStatuses = async (): Promise<void> => {
    const shown = found().slice(skip, skip + LIMIT);
    for (const known of statuses.keys()) if (!shown.includes(known)) statuses.delete(known);
    for (let next = 0; next < shown.length; next += AT_ONCE) {
      await Promise.all(
        shown.slice(next, next + AT_ONCE).map(async (name) => {
          statuses.set(name, await json<Status>(`${root()}/${segment(name)}/status`, { signal: view.signal }).catch((error: Error) => error));
        }),
      );
      if (view.signal.aborted) return;
    }
    draw();
  };
  search.addEventListener(
    "input",
    debounced(() => {
      skip = 0;
      draw();
      void fetchStatuses();
    }),
  );
  fill(
    view.main,
    head("Connectors", h("a", { class: "button primary", href: "#/connectors/-/new" }, "Create a connector")),
    h("section", { class: "card" }, h("div", { class: "row" }, field("Search", search, { wide: true })), h("p"), place),
  );
  every(4000, view.signal, async () => {
    try {
      names = (await json<string[]>(root(), { signal: view.signal })).sort((a, b) => a.localeCompare(b));
      if (first || names.length === 0) draw();
      first = false;
      await fetchStatuses();
    } catch (error) {
      if (!view.signal.aborted) fill(place, failure(error));
    }
  });
}

const TABS: [string, string][] = [
  ["tasks", "Tasks"],
  ["offsets", "Offsets"],
  ["configuration", "Configuration"],
];

function one(view: View, name: string, tab: string): void {
  const place = h("div");
  const states = h("span");
  const path = `${root()}/${segment(name)}`;
  const put = (verb: string, word: string): HTMLElement =>
    action(word, async () => {
      await text(`${path}/${verb}`, { method: "PUT" });
      return `${brieflyNamed(name)}: ${verb} was asked for`;
    });
  const remove = async (): Promise<void> => {
    await text(path, { method: "DELETE" });
    toast("good", `${brieflyNamed(name)} was deleted`);
    location.hash = "#/connectors";
  };
  fill(
    view.main,
    crumbs(["#/connectors", "Connectors"]),
    head(
      name,
      states,
      put("pause", "Pause"),
      put("resume", "Resume"),
      put("stop", "Stop"),
      h("button", { type: "button", onclick: () => restart(name, path) }, "Restart…"),
      h(
        "button",
        {
          type: "button",
          class: "danger",
          onclick: () => confirmByName("Delete the connector", name, "Its tasks end. Its objects and its committed offsets stay: a connector of the same name goes on from there.", "Delete", remove),
        },
        "Delete",
      ),
    ),
    tabs("Parts of the connector", [...TABS.map(([key, title]): [string, string, boolean] => [link(name, key), title, key === tab]), [`#/objects/${segment(name)}`, "Objects", false]]),
    place,
  );
  if (tab === "offsets") offsets(view, place, name, path);
  else if (tab === "configuration") {
    void show(place, view.signal, async () => {
      const config = await json<Record<string, string>>(`${path}/config`, { signal: view.signal });
      return connectorForm(view, { name, config });
    });
  }
  let drawn = "";
  every(2500, view.signal, async () => {
    try {
      const status = await json<Status>(`${path}/status`, { signal: view.signal });
      fill(states, stateTag(status.connector.state));
      const now = JSON.stringify(status);
      if (tab !== "tasks" || now === drawn) return;
      drawn = now;
      redraw(place, tasks(status, path));
    } catch (error) {
      drawn = "";
      if (!view.signal.aborted && tab === "tasks") fill(place, failure(error));
    }
  });
}

function restart(name: string, path: string): void {
  dialog(`Restart ${name}`, (close) => {
    const all = h("input", { type: "checkbox" });
    const failed = h("input", { type: "checkbox" });
    const place = h("div");
    const form = h(
      "form",
      { class: "stack" },
      field("Its tasks, too", all),
      field("Only what has failed", failed),
      place,
      h("div", { class: "row end" }, h("button", { type: "button", onclick: close }, "Cancel"), h("button", { type: "submit", class: "primary" }, "Restart")),
    );
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      text(`${path}/restart?includeTasks=${all.checked}&onlyFailed=${failed.checked}`, { method: "POST" }).then(
        () => {
          close();
          toast("good", `${brieflyNamed(name)} is restarted`);
        },
        (error: unknown) => fill(place, failure(error)),
      );
    });
    return form;
  });
}

function tasks(status: Status, path: string): Child {
  const again = (id: number): HTMLElement =>
    action(`Restart task ${id}`, async () => {
      await text(`${path}/tasks/${id}/restart`, { method: "POST" });
      return `Task ${id} is restarted`;
    });
  const failed = status.tasks.filter((task) => task.state === "FAILED");
  return [
    status.connector.trace ? h("section", { class: "card" }, h("h2", null, "The connector failed"), readable(status.connector.trace)) : null,
    failed.map((task) =>
      h("section", { class: "card" }, h("div", { class: "head" }, h("h2", null, `Task ${task.id} failed`), again(task.id)), readable(task.trace ?? "It left no trace.")),
    ),
    h(
      "section",
      { class: "card" },
      h("h2", null, "Tasks"),
      status.tasks.length === 0
        ? empty("The connector has no task now.", h("p", null, status.connector.state === "STOPPED" ? "It is stopped: resume it." : "A configuration that cannot be used, or no room for its tasks, keeps it from having some."))
        : table(
            "Tasks",
            ["Task", "State", "Worker", ""],
            status.tasks.map((task) => [String(task.id), stateTag(task.state), task.worker_id, again(task.id)]),
          ),
    ),
  ];
}

function offsets(view: View, place: HTMLElement, name: string, path: string): void {
  let skip = 0;
  const read = (): Promise<void> =>
    show(place, view.signal, async () => {
      const all = (await json<{ offsets: Offset[] }>(`${path}/offsets`, { signal: view.signal })).offsets;
      const shown = all.slice(skip, skip + OFFSETS);
      const reset = async (): Promise<void> => {
        await text(`${path}/offsets`, { method: "DELETE" });
        toast("good", `The offsets of ${brieflyNamed(name)} were removed`);
        void read();
      };
      return h(
        "section",
        { class: "card" },
        h(
          "div",
          { class: "head" },
          h("h2", null, "Committed offsets"),
          h("button", { type: "button", onclick: () => alter(path, all, () => void read()) }, "Change…"),
          h(
            "button",
            {
              type: "button",
              class: "danger",
              onclick: () => confirmByName("Remove all offsets", name, "The connector reads everything again that its topics still have; objects of the same names are written anew. It has to be stopped.", "Remove", reset),
            },
            "Remove all",
          ),
        ),
        all.length === 0
          ? empty("The connector has committed nothing yet.", h("p", null, "It commits when the first object is complete."))
          : table(
              "Committed offsets",
              ["Topic", "#Partition", "#Next offset to be read"],
              shown.map((one_) => [
                { name: one_.partition.kafka_topic },
                { number: count(one_.partition.kafka_partition) },
                { number: count(one_.offset.kafka_offset) },
              ]),
            ),
        all.length > OFFSETS
          ? pager(skip, OFFSETS, all.length, (to) => {
              skip = to;
              void read();
            })
          : null,
      );
    });
  void read();
}

function alter(path: string, all: Offset[], done: () => void): void {
  dialog("Change an offset", (close) => {
    const first = all[0]?.partition;
    const topic = h("input", { value: first?.kafka_topic ?? "", required: true, spellcheck: "false" });
    const partition = h("input", { type: "number", min: 0, value: first?.kafka_partition ?? 0 });
    const offset = h("input", { type: "number", min: 0, placeholder: "empty: removed" });
    const place = h("div");
    const form = h(
      "form",
      { class: "stack" },
      h("p", null, "The connector has to be stopped. What lies before the offset is not read again; what lies behind it is."),
      field("Topic", topic),
      h("div", { class: "row" }, field("Partition", partition), field("Next offset to be read", offset)),
      place,
      h("div", { class: "row end" }, h("button", { type: "button", onclick: close }, "Cancel"), h("button", { type: "submit", class: "primary" }, "Change")),
    );
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const body = JSON.stringify({
        offsets: [
          {
            partition: { kafka_topic: topic.value, kafka_partition: Number(partition.value) },
            offset: offset.value === "" ? null : { kafka_offset: Number(offset.value) },
          },
        ],
      });
      text(`${path}/offsets`, { method: "PATCH", body }).then(
        () => {
          close();
          toast("good", "The offset was changed");
          done();
        },
        (error: unknown) => fill(place, failure(error)),
      );
    });
    return form;
  });
}

/** What a new connector begins with. */
const BEGIN: Record<string, string> = {
  "connector.class": "io.confluent.connect.s3.S3SinkConnector",
  "storage.class": "io.confluent.connect.s3.storage.S3Storage",
  "format.class": "io.confluent.connect.s3.format.json.JsonFormat",
  "partitioner.class": "io.confluent.connect.storage.partitioner.DefaultPartitioner",
  "value.converter": "org.apache.kafka.connect.json.JsonConverter",
  "value.converter.schemas.enable": "false",
  "key.converter": "org.apache.kafka.connect.storage.StringConverter",
  "tasks.max": "1",
  "flush.size": "1000",
  name: "",
  topics: "",
  "s3.bucket.name": "",
  "s3.region": "",
};

function make(view: View): void {
  const place = h("div");
  fill(view.main, crumbs(["#/connectors", "Connectors"]), head("A new connector"), place);
  void show(place, view.signal, async () => {
    // A connector that runs tells the bucket that one most likely wants.
    const names = await json<string[]>(root(), { signal: view.signal });
    const first = names[0];
    const config = { ...BEGIN };
    if (first !== undefined) {
      const other = await json<Record<string, string>>(`${root()}/${segment(first)}/config`, { signal: view.signal });
      for (const key of ["s3.bucket.name", "s3.region", "store.url"]) {
        const value = other[key];
        if (value !== undefined) config[key] = value;
      }
    }
    return [
      first === undefined ? null : h("p", { class: "dim" }, `Bucket, region and address are those of ${first}${names.length === 1 ? ", the connector that is here" : `, one of ${count(names.length)} connectors here`}.`),
      connectorForm(view, { name: null, config }),
    ];
  });
}
