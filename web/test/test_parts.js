import assert from "node:assert/strict";
import test from "node:test";
import { inOrder, stateOf } from "../src/parts/appeals.jsx";
import { signed } from "../src/parts/month_late.jsx";
import { parser } from "../src/base/stream.js";
import { knowTime, learnTime, serverNow } from "../src/base/time.js";
import { tierRank } from "../src/base/rulebook.js";
import { applyTeam, teamStore } from "../src/live.js";
import { daysOf } from "../src/pages/agent.jsx";
import { monthNow, monthOn, tierCounts } from "../src/pages/month.jsx";
import { overdue } from "../src/pages/team.jsx";
import { figuresOf, thingOf } from "../src/pages/why.jsx";
import { bars, heatLevel } from "../src/parts/charts.jsx";
import { homeOf, links } from "../src/parts/frame.jsx";
import { wayOf } from "../src/parts/road.jsx";
import { arcs } from "../src/parts/score.jsx";
import { sorted } from "../src/parts/table.jsx";
import { byUrgency, standing } from "../src/parts/waits.jsx";

function heard(...pieces) {
    const events = [];
    const feed = parser((event) => events.push(event));
    for (const piece of pieces) feed(piece);
    return events;
}

test("a stream is taken apart wherever its bytes are cut", () => {
    const text = "retry: 2000\n\nid: 7\nevent: snapshot\ndata: {\"a\":\ndata: 1}\n\n: beat\n\nevent: bye\r\ndata:{}\r\n\r\n";
    const whole = heard(text);
    assert.deepEqual(whole, [
        { id: "7", name: "snapshot", data: "{\"a\":\n1}" },
        { id: undefined, name: "bye", data: "{}" },
    ]);
    for (let at = 0; at <= text.length; at++) assert.deepEqual(heard(text.slice(0, at), text.slice(at)), whole);
});

test("half an event is none", () => {
    assert.deepEqual(heard("data: 1\n"), []);
});

test("the server's time is that of the snapshot that was under way shortest", () => {
    assert.equal(knowTime(), false);
    learnTime(1000500, 600); // 100 late
    learnTime(1000000, 0);
    learnTime(1002300, 2500); // 200 late
    assert.equal(serverNow(5000), 1005000);
});

const wait = (conversation, since_ms, due_ms) => ({ conversation, since_ms, due_ms });

test("who is due first comes first, who has no deadline last", () => {
    const list = [wait("c", 0, null), wait("b", 10, 50), wait("a", 20, 40), wait("d", 5, 50)];
    assert.deepEqual(list.sort(byUrgency).map((one) => one.conversation), ["a", "d", "b", "c"]);
});

test("a wait is calm, then near its limit, then over it at the very instant", () => {
    const one = wait("a", 0, 30000);
    assert.equal(standing(one, 19999, 30000).tone, "calm");
    assert.equal(standing(one, 20000, 30000).tone, "warn");
    assert.equal(standing(one, 29999, 30000).tone, "warn");
    assert.equal(standing(one, 30000, 30000).tone, "bad");
    assert.equal(standing(wait("a", 0, null), 99999, 30000).tone, "calm");
});

test("the lead sees all that is over its limit, the most overdue first", () => {
    const rows = [
        { agent: "a", waits: [wait("1", 0, 30), wait("2", 50, 80)] },
        { agent: "b", waits: [wait("3", 0, 20)] },
    ];
    assert.deepEqual(overdue(rows, 40).map((one) => one.wait.conversation), ["3", "1"]);
});

test("no data sorts last in either direction, equals by id", () => {
    const values = { a: 2, b: null, c: 5, d: 2 };
    assert.deepEqual(sorted(["d", "c", "b", "a"], (id) => values[id], false), ["a", "d", "c", "b"]);
    assert.deepEqual(sorted(["d", "c", "b", "a"], (id) => values[id], true), ["c", "a", "d", "b"]);
});

const kpi = (name, weight, score_milli) => ({ name, weight_micro: weight * 1000000, score_milli });

test("arcs are as wide as their weights and filled as far as their points; no data is not zero", () => {
    const list = arcs([kpi("a", 20, 50000), kpi("b", 0, 100000), kpi("c", 60, null), kpi("d", 20, 0)]);
    assert.deepEqual(list.map((arc) => arc.name), ["a", "c", "d"]);
    assert.ok(Math.abs(list[0].width - (20 - 1.2)) < 1e-9);
    assert.ok(Math.abs(list[0].filled - list[0].width / 2) < 1e-9);
    assert.equal(list[1].filled, null);
    assert.equal(list[2].filled, 0);
});

test("the road says what one KPI has to do, and nothing where it cannot", () => {
    const step = { metric: "cross_sell_orders", unit: "order", more: 2, reachable: true, need_value_micro: 5000000 };
    assert.equal(wayOf(step, "良好"), "再完成 2 笔推荐即可到良好");
    assert.equal(wayOf({ ...step, reachable: false }, "良好"), null);
    assert.equal(wayOf({ metric: "response_mean_seconds", unit: null, more: null, reachable: true, need_value_micro: 12390000 }, "优秀"), "做到 12.3 秒 即可到优秀");
});

test("bars keep every response", () => {
    const buckets = [5, 10, 15, 20, 30, 45, 60, 90, 120, 180, 300, 600, null].map((s, i) => ({ upto_ms: s && s * 1000, n: i + 1 }));
    const list = bars(buckets);
    assert.equal(list.reduce((n, bar) => n + bar.n, 0), 91);
    assert.equal(list.find((bar) => bar.upto === 120000).n, 8 + 9);
    assert.equal(list.at(-1).n, 12 + 13);
});

test("an hour with one turn is not an empty one", () => {
    assert.equal(heatLevel(0, 100), 0);
    assert.equal(heatLevel(1, 100), 1);
    assert.equal(heatLevel(100, 100), 5);
});

test("the month's line ends in the live score", () => {
    const periods = { days: [{ day: "2026-03-01", month_total_milli: null }, { day: "2026-03-02", month_total_milli: 80000 }, { day: "2026-03-03", month_total_milli: 1 }] };
    const month = { month: "2026-03", score: { total_milli: 81000 } };
    assert.deepEqual(daysOf(periods, month, { day: "2026-03-03" }), [
        { day: "2026-03-01", total_milli: null },
        { day: "2026-03-02", total_milli: 80000 },
        { day: "2026-03-03", total_milli: 81000 },
    ]);
    assert.deepEqual(daysOf(undefined, month, { day: "2026-04-01" }), []);
});

test("months go on over the year, and begin in the site's zone", () => {
    assert.equal(monthOn("2026-12", 1), "2027-01");
    assert.equal(monthOn("2026-01", -1), "2025-12");
    assert.equal(monthNow(Date.parse("2026-02-28T16:00:00Z"), "Asia/Shanghai"), "2026-03");
    assert.equal(monthNow(Date.parse("2026-02-28T15:59:59Z"), "Asia/Shanghai"), "2026-02");
});

test("tiers are counted from the highest, those without one last", () => {
    const row = (name, min_milli) => ({ score: { tier: name ? { name, min_milli } : null } });
    const counts = tierCounts([row("good", 80000), row(null), row("excellent", 90000), row("good", 80000)]);
    assert.deepEqual(counts.map(({ tier, n }) => [tier?.name, n]), [["excellent", 1], ["good", 2], [undefined, 1]]);
});

test("tiers of any number are ranked from lowest to highest", () => {
    const tiers = ["s", "a", "b"].map((name) => ({ name }));
    assert.deepEqual(["b", "a", "s", "x"].map((name) => tierRank(name, tiers)), [0, 2, 3, "none"]);
});

test("only what a role sees is linked", () => {
    const agent = { role: "agent", agent: "li.na", sees: ["me", "agents", "pay", "rulebook"] };
    assert.deepEqual(links(agent, ["agents", "li.na", "why"]), [["/me/", "nav.me", true]]);
    assert.equal(homeOf(agent), "/me/");
    assert.equal(homeOf({ agent: null, sees: ["agents", "months", "pay", "rulebook"] }), "/month/");
    assert.equal(homeOf({ agent: null, sees: [] }), "/");
});

test("a KPI's figures are those of its metric; without one, all that are not zero", () => {
    assert.deepEqual(figuresOf({ answered: 2, within: 0 }, "reply_within_rate"), ["within", "answered", "missed"]);
    assert.deepEqual(figuresOf({ answered: 2, within: 0 }, undefined), ["answered"]);
});

test("a change touches the rows it names, a snapshot is the whole", () => {
    const store = teamStore();
    const head = { summary: {}, responses: {}, heat: { hours: [] } };
    applyTeam(store, "snapshot", { ...head, agents: [{ agent: "a", n: 1 }, { agent: "b", n: 1 }] });
    const a = store.rows.get("a");
    const ids = store.ids.value;
    applyTeam(store, "change", { ...head, heat: null, agents: [{ agent: "b", n: 2 }], gone: [] });
    assert.equal(store.rows.get("a"), a);
    assert.equal(store.rows.get("b").value.n, 2);
    assert.equal(store.ids.value, ids);
    assert.deepEqual(store.head.value.heat, { hours: [] });
    applyTeam(store, "change", { ...head, agents: [{ agent: "c", n: 1 }], gone: ["a"] });
    assert.deepEqual(store.ids.value, ["b", "c"]);
    applyTeam(store, "snapshot", { ...head, agents: [{ agent: "c", n: 3 }] });
    assert.deepEqual(store.ids.value, ["c"]);
    assert.equal(store.rows.get("c").value.n, 3);
});

test("an agent may contest what does harm: a late turn, a miss, a rating below five stars", () => {
    const turn = { kind: "answer", asked_ms: 5, ms: 40000, limit_ms: 30000 };
    assert.deepEqual(thingOf(turn), { about: "turn", asked_ms: 5 });
    assert.equal(thingOf({ ...turn, ms: 30000 }), null);
    assert.deepEqual(thingOf({ ...turn, kind: "miss", ms: 1 }), { about: "turn", asked_ms: 5 });
    assert.equal(thingOf({ ...turn, kind: "turn" }), null);
    assert.deepEqual(thingOf({ kind: "rating", day: "2026-03-05", score_milli: 4999 }), { about: "rating", day: "2026-03-05", score_milli: 4999 });
    assert.equal(thingOf({ kind: "rating", day: "2026-03-05", score_milli: 5000 }), null);
    assert.equal(thingOf({ kind: "episode", ms: 9, limit_ms: 1, asked_ms: null }), null);
});

test("appeals: open ones first, the oldest on top; then the others, the newest on top", () => {
    const list = [["a", 1, "rejected"], ["b", 2, "open"], ["c", 3, "accepted"], ["d", 4, "open"]].map(([id, at, state]) => ({ id, at, state }));
    assert.deepEqual(inOrder(list).map((one) => one.id), ["b", "d", "c", "a"]);
    assert.equal(stateOf({ state: "accepted", undone: true }), "undone");
    assert.equal(stateOf({ state: "accepted", undone: false }), "accepted");
});

test("a difference shows its sign, and no money has none", () => {
    assert.equal(signed(123456), "+¥1,234.56");
    assert.equal(signed(-5), "−¥0.05");
    assert.equal(signed(0), "¥0.00");
});
