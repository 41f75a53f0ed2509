// A team of thirty who all change twice a second, on a page that must still leave a cheap laptop at rest.
import assert from "node:assert/strict";
import test from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { answers, asks, person, post, profile, status, token, until } from "./world.mjs";

const AGENTS = Array.from({ length: 30 }, (_, i) => `load${10 + i}`);
const SECONDS = 6;

test("thirty agents changing twice a second leave the page at rest most of the time", async (t) => {
    await post(AGENTS.map((agent) => [profile(agent, `名${agent}`, "忙组"), status(agent, "online")]).flat());
    const { page, context, troubles, close } = await person({ as: token("lead", "--teams", "忙组") });
    await page.goto("/team/忙组/");
    await until("30 rows", async () => (await page.locator(".agents tbody tr").count()) === 30);
    const devtools = await context.newCDPSession(page);
    await devtools.send("Performance.enable");
    const busy = async () => (await devtools.send("Performance.getMetrics")).metrics.find((one) => one.name === "TaskDuration").value;
    const answered = () => page.locator(".agents tbody tr").evaluateAll((all) => all.reduce((n, row) => n + Number(row.children[7].textContent), 0));
    const before = await busy();
    const begun = performance.now();
    for (let round = 0; round < SECONDS * 2; round++) {
        const due = begun + round * 500;
        await pause(Math.max(0, due - performance.now())); // the load's own rhythm
        await post(AGENTS.map((agent) => (round % 2 ? answers(`c-${agent}-${round - 1}`, agent) : asksOf(agent, round))).flat());
    }
    const share = (await busy() - before) / ((performance.now() - begun) / 1000);
    await until("all answers are shown", async () => (await answered()) === (AGENTS.length * SECONDS * 2) / 2);
    t.diagnostic(`the page worked ${(100 * share).toFixed(1)} % of the time`);
    assert.ok(share < 0.5, `${share}`);
    assert.deepEqual(troubles(), []);
    await close();
});

function asksOf(agent, round) {
    const at = Date.now();
    return [{ ts: at - 1, type: "conversation.assigned", conversation: `c-${agent}-${round}`, agent }, asks(`c-${agent}-${round}`, at)];
}
