// Consumers: groups with their members and lags, and the proxy's consumer instances.

import { base, has, json, segment, text, v3 } from "./api";
import { fill, h, type Child } from "./dom";
import { count, duration } from "./format";
import { brief, brieflyNamed, confirmByName, crumbs, debounced, empty, every, failure, field, head, isMissing, missing, pager, redraw, show, table, toast, type View } from "./ui";
import { link as topicLink } from "./topics";

interface Group {
  consumer_group_id: string;
  is_simple: boolean;
  partition_assignor: string;
  state: string;
}

interface Lag {
  topic_name: string;
  partition_id: number;
  consumer_id: string;
  client_id: string;
  instance_id: string | null;
  current_offset: number;
  log_end_offset: number;
  lag: number;
}

interface Member {
  consumer_id: string;
  instance_id: string | null;
  client_id: string;
}

interface Instance {
  group: string;
  name: string;
  format: string;
  owner: string | null;
  idle_ms: number;
  expires_in_ms: number;
  in_use: boolean;
  topics: string[];
  partitions: { topic: string; partition: number }[];
}

const LIMIT = 25;
const LAGS = 100;
/** Requests at once. */
const AT_ONCE = 8;
/** When members are asked again what they read, in ms. */
const ANEW = 30_000;

export function consumers(view: View): void {
  if (!has("proxy")) {
    fill(view.main, head("Consumers"), h("section", { class: "card" }, missing("Consumers", "proxy")));
    return;
  }
  const [name] = view.path;
  if (name === undefined || name === "") list(view);
  else one(view, name);
}

function state(name: string): HTMLElement {
  const upper = name.toUpperCase();
  const kind = upper === "STABLE" ? "good" : upper === "DEAD" ? "bad" : upper.includes("REBALANCE") ? "warn" : "";
  return h("span", { class: `tag ${kind}` }, name.toLowerCase().replaceAll("_", " "));
}

function list(view: View): void {
  const search = h("input", { type: "search", placeholder: "Part of a name" });
  const groups = h("div", null, h("p", { class: "dim" }, "Reading the groups…"));
  const instances = h("div", null, h("p", { class: "dim" }, "Reading the instances…"));
  let all: Group[] = [];
  let skip = 0;
  const lags = new Map<string, Child>();
  const draw = (): void => {
    const found = all.filter((group) => group.consumer_group_id.toLowerCase().includes(search.value.toLowerCase()));
    const shown = found.slice(skip, skip + LIMIT);
    if (all.length === 0) {
      fill(groups, empty("There is no consumer group.", h("p", null, "A group is there once a consumer has joined it or committed an offset: a connector, a REST consumer, or a program of yours.")));
      return;
    }
    redraw(
      groups,
      found.length === 0
        ? empty("No group's name contains that.")
        : table(
            "Consumer groups",
            ["Group", "State", "Assignor", "#Lag in records"],
            shown.map((group) => [
              { name: h("a", { href: `#/consumers/${segment(group.consumer_group_id)}` }, group.consumer_group_id) },
              state(group.state),
              group.partition_assignor === "" ? h("span", { class: "dim" }, "none") : group.partition_assignor,
              { number: lags.get(group.consumer_group_id) ?? "–" },
            ]),
          ),
      found.length > LIMIT
        ? [
            h("p"),
            pager(skip, LIMIT, found.length, (to) => {
              skip = to;
              draw();
              void total(shown);
            }),
          ]
        : null,
    );
  };
  /** Total lags of the groups that are shown, a few at a time. */
  const total = async (shown: Group[]): Promise<void> => {
    const cluster = await v3();
    for (const known of lags.keys()) if (!all.some((group) => group.consumer_group_id === known)) lags.delete(known);
    for (const group of shown) {
      if (view.signal.aborted) return;
      const path = `${cluster}/consumer-groups/${segment(group.consumer_group_id)}/lag-summary`;
      const lag = await json<{ total_lag: number }>(path, { signal: view.signal }).then(
        (answer) => count(answer.total_lag),
        (error: unknown) => (isMissing(error) ? "none" : brief(error)),
      );
      lags.set(group.consumer_group_id, lag);
    }
    if (!view.signal.aborted) draw();
  };
  let skipOwn = 0;
  const drawOwn = (found: Instance[]): void => {
    // Instances end by themselves: the page that was looked at may be there no longer.
    if (skipOwn >= found.length) skipOwn = 0;
    const go = (to: number): void => {
      skipOwn = to;
      drawOwn(found);
    };
    redraw(instances, drawInstances(found, skipOwn, go));
  };
  search.addEventListener(
    "input",
    debounced(() => {
      skip = 0;
      draw();
    }),
  );
  fill(
    view.main,
    head("Consumers"),
    h("section", { class: "card" }, h("h2", null, "Groups"), h("div", { class: "row" }, field("Search", search, { wide: true })), h("p"), groups),
    h("section", { class: "card" }, h("h2", null, "REST consumer instances"), instances),
  );
  every(5000, view.signal, async () => {
    try {
      const answer = await json<{ data: Group[] }>(`${await v3()}/consumer-groups`, { signal: view.signal });
      all = answer.data.sort((a, b) => a.consumer_group_id.localeCompare(b.consumer_group_id));
      draw();
      await total(all.filter((group) => group.consumer_group_id.toLowerCase().includes(search.value.toLowerCase())).slice(skip, skip + LIMIT));
    } catch (error) {
      if (!view.signal.aborted) fill(groups, failure(error));
    }
    try {
      const answer = await json<{ instances: Instance[] }>(`${base("proxy")}/sluiceway/consumers`, { signal: view.signal });
      drawOwn(answer.instances);
    } catch (error) {
      if (!view.signal.aborted) fill(instances, failure(error));
    }
  });
}

/** Instances of a page; a proxy may have thousands. */
const INSTANCES = 100;

function drawInstances(all: Instance[], skip: number, go: (skip: number) => void): Child {
  if (all.length === 0) return empty("This replica has no consumer instance.", h("p", null, "POST /consumers/{group} makes one."));
  const remove = (one: Instance): void =>
    confirmByName("End the consumer instance", one.name, `It leaves the group ${one.group}; whoever uses it gets 404.`, "End it", async () => {
      await text(`${base("proxy")}/consumers/${segment(one.group)}/instances/${segment(one.name)}`, { method: "DELETE", accept: "application/vnd.kafka.v2+json" });
      toast("good", `${brieflyNamed(one.name)} was ended`);
    });
  const rows = all.slice(skip, skip + INSTANCES).map((one) => [
    { name: one.name },
    { name: h("a", { href: `#/consumers/${segment(one.group)}` }, one.group) },
    one.format,
    one.owner ?? h("span", { class: "dim" }, "anybody"),
    one.in_use ? h("span", { class: "tag good" }, "in use") : h("span", { class: "whole" }, duration(one.idle_ms)),
    h("span", { class: "whole" }, duration(one.expires_in_ms)),
    { name: one.topics.length > 0 ? one.topics.join(", ") : one.partitions.length > 0 ? one.partitions.map((place) => `${place.topic}-${place.partition}`).join(", ") : h("span", { class: "dim" }, one.in_use ? "–" : "nothing yet") },
    h("button", { type: "button", class: "danger", "aria-label": `End ${one.name}`, onclick: () => remove(one) }, "End"),
  ]);
  return [
    table("Consumer instances", ["Instance", "Group", "Format", "Owner", "Idle for", "Ends in", "Reads", ""], rows),
    all.length > INSTANCES ? pager(skip, INSTANCES, all.length, go) : null,
  ];
}

function one(view: View, name: string): void {
  const place = h("div");
  fill(view.main, crumbs(["#/consumers", "Consumers"]), head(name), place);
  let skip = 0;
  let skipMembers = 0;
  /** How many partitions each member reads that is shown. */
  const assigned = new Map<string, number | Error>();
  let asked = "";
  let askedAt = 0;
  /** Asks anew when the group or who is shown of it is another, and every half minute. */
  const ask = async (root: string, state: string, shown: Member[]): Promise<void> => {
    const now = [state, ...shown.map((member) => member.consumer_id)].join("\n");
    if (now === asked && Date.now() - askedAt < ANEW) return;
    assigned.clear();
    for (let next = 0; next < shown.length; next += AT_ONCE) {
      await Promise.all(
        shown.slice(next, next + AT_ONCE).map(async ({ consumer_id }) => {
          const path = `${root}/consumers/${segment(consumer_id)}/assignments`;
          const found = json<{ data: unknown[] }>(path, { signal: view.signal }).then(({ data }) => data.length);
          assigned.set(consumer_id, await found.catch((error: Error) => error));
        }),
      );
      if (view.signal.aborted) return;
    }
    asked = now;
    askedAt = Date.now();
  };
  const partitions = (member: Member): Child => {
    const found = assigned.get(member.consumer_id);
    if (typeof found === "number") return count(found);
    return found === undefined || isMissing(found) ? "–" : brief(found);
  };
  const read = (): Promise<void> =>
    show(place, view.signal, async () => {
      const root = `${await v3()}/consumer-groups/${segment(name)}`;
      const group = await json<Group>(root, { signal: view.signal });
      const members = await json<{ data: Member[] }>(`${root}/consumers`, { signal: view.signal });
      let unread: Child = null;
      const lags = await json<{ data: Lag[] }>(`${root}/lags`, { signal: view.signal }).catch((error: unknown) => {
        if (!isMissing(error)) unread = failure(error);
        return { data: [] as Lag[] };
      });
      const total = lags.data.reduce((sum, one_) => sum + one_.lag, 0);
      const shown = lags.data.slice(skip, skip + LAGS);
      const shownMembers = members.data.slice(skipMembers, skipMembers + LAGS);
      await ask(root, group.state, shownMembers);
      return [
        h(
          "section",
          { class: "card" },
          h(
            "dl",
            { class: "facts" },
            h("dt", null, "State"),
            h("dd", null, state(group.state)),
            h("dt", null, "Assignor"),
            h("dd", null, group.partition_assignor || "none"),
            h("dt", null, "Members"),
            h("dd", null, count(members.data.length)),
            h("dt", null, "Lag"),
            h("dd", null, unread === null ? `${count(total)} records` : "–"),
          ),
        ),
        h(
          "section",
          { class: "card" },
          h("h2", null, "Members"),
          members.data.length === 0
            ? empty("Nobody is in the group now.", h("p", null, "Its committed offsets stay; whoever joins goes on from them."))
            : table(
                "Members",
                ["Client", "Member", "Static name", "#Partitions"],
                shownMembers.map((member) => [
                  { name: member.client_id },
                  { name: h("span", { class: "mono" }, member.consumer_id) },
                  member.instance_id ?? h("span", { class: "dim" }, "none"),
                  { number: partitions(member) },
                ]),
              ),
          members.data.length > LAGS
            ? pager(skipMembers, LAGS, members.data.length, (to) => {
                skipMembers = to;
                void read();
              })
            : null,
        ),
        h(
          "section",
          { class: "card" },
          h("h2", null, "Lag by partition, the largest first"),
          unread !== null
            ? unread
            : lags.data.length === 0
            ? empty("The group has committed nothing.")
            : [
                table(
                  "Lag by partition",
                  ["Topic", "#Partition", "#Committed", "#End", "#Lag in records", "Read by"],
                  shown.map((lag) => [
                    { name: h("a", { href: topicLink(lag.topic_name) }, lag.topic_name) },
                    { number: count(lag.partition_id) },
                    { number: count(lag.current_offset) },
                    { number: count(lag.log_end_offset) },
                    { number: count(lag.lag) },
                    { name: lag.client_id || h("span", { class: "tag warn" }, "nobody") },
                  ]),
                ),
                lags.data.length > LAGS
                  ? pager(skip, LAGS, lags.data.length, (to) => {
                      skip = to;
                      void read();
                    })
                  : null,
              ],
        ),
      ];
    });
  every(5000, view.signal, read);
}
