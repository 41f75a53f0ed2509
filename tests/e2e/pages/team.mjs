// A team lead's page.
import assert from "node:assert/strict";
import test from "node:test";
import { answers, person, post, profile, status, token, until, waits } from "./world.mjs";

const rows = (page) => page.locator(".agents tbody tr").evaluateAll((all) => all.map((one) => one.dataset.agent));
const becomes = (what, read, wanted) => until(`${what}: ${wanted}`, async () => JSON.stringify(await read()) === JSON.stringify(wanted));

async function engage(team, ...agents) {
    for (const agent of agents) await post(profile(agent, `名${agent}`, team), status(agent, "online"));
}

test("who needs help stands on top: by urgency, live", async () => {
    await engage("急组", "t1", "t2", "t3");
    await post(waits("tw2", "t2", 20), waits("tw3", "t3", 50));
    const { page, troubles, close } = await person({ as: token("lead", "--teams", "急组") });
    await page.goto("/");
    await becomes("order", () => rows(page), ["t3", "t2", "t1"]);
    const urgent = page.locator(".urgent .wait");
    await becomes("over the limit", () => urgent.evaluateAll((all) => all.map((one) => one.dataset.conversation)), ["tw3"]);
    await urgent.getByText("名t3").waitFor();
    await post(waits("tw1", "t1", 300));
    await becomes("order", () => rows(page), ["t1", "t3", "t2"]);
    await becomes("over the limit", () => urgent.evaluateAll((all) => all.map((one) => one.dataset.conversation)), ["tw1", "tw3"]);
    await post(answers("tw1", "t1"), answers("tw3", "t3"));
    await becomes("order", () => rows(page), ["t2", "t1", "t3"]);
    await becomes("over the limit", () => urgent.count(), 0);
    // The wait of t2 goes over its limit by time alone.
    await until("tw2 is over", async () => (await urgent.count()) === 1, 40000);
    assert.deepEqual(troubles(), []);
    await close();
});

test("a table is sorted by its headings, by keyboard too, and remembers it", async () => {
    await engage("排组", "s1", "s2");
    await post(waits("sw1", "s1", 1), waits("sw2", "s1", 1), waits("sw3", "s2", 9));
    const { page, close } = await person({ as: token("lead", "--teams", "排组") });
    await page.goto("/team/排组/");
    await becomes("order", () => rows(page), ["s2", "s1"]);
    const waiting = page.getByRole("columnheader", { name: "等待", exact: true });
    await waiting.getByRole("button").focus();
    await page.keyboard.press("Enter");
    await becomes("order", () => rows(page), ["s1", "s2"]);
    assert.equal(await waiting.getAttribute("aria-sort"), "descending");
    await page.keyboard.press("Enter");
    await becomes("order", () => rows(page), ["s2", "s1"]);
    await page.reload();
    await becomes("order", () => rows(page), ["s2", "s1"]);
    assert.equal(await waiting.getAttribute("aria-sort"), "ascending");
    await close();
});

test("the focus stays where it was put while rows move", async () => {
    await engage("焦组", "f1", "f2", "f3");
    await post(waits("fw1", "f1", 20));
    const { page, close } = await person({ as: token("lead", "--teams", "焦组") });
    // What newer browsers do by themselves, older ones do not.
    await page.addInitScript(() => delete Element.prototype.moveBefore);
    await page.goto("/team/焦组/");
    await becomes("order", () => rows(page), ["f1", "f2", "f3"]);
    const focused = () => page.evaluate(() => document.activeElement.closest("tr")?.dataset.agent);
    await page.locator('[data-agent="f3"] a').focus();
    await post(waits("fw3", "f3", 60));
    await becomes("order", () => rows(page), ["f3", "f1", "f2"]);
    assert.equal(await focused(), "f3");
    await post(answers("fw3", "f3"));
    await becomes("order", () => rows(page), ["f1", "f2", "f3"]);
    assert.equal(await focused(), "f3");
    await close();
});

test("a change draws the row it is about and no other", async () => {
    await engage("画组", ...Array.from({ length: 12 }, (_, i) => `d${10 + i}`));
    await post(waits("dw", "d10", 200), waits("dw2", "d15", 1));
    const { page, close } = await person({ as: token("lead", "--teams", "画组") });
    await page.goto("/team/画组/");
    await until("12 rows", async () => (await rows(page)).length === 12);
    await page.evaluate(() => {
        window.touched = new Set();
        const watch = new MutationObserver((list) => {
            for (const one of list) {
                const row = (one.target.closest ? one.target : one.target.parentElement)?.closest(".agents tr");
                if (row) window.touched.add(row.dataset.agent);
            }
        });
        watch.observe(document.querySelector(".agents tbody"), { subtree: true, childList: true, characterData: true, attributes: true });
    });
    await post(waits("dw3", "d15", 1));
    await until("two wait for d15", async () => (await page.locator('[data-agent="d15"] td').nth(1).textContent()) === "2");
    // d10 has a clock that ticks
    assert.deepEqual(await page.evaluate(() => [...window.touched].filter((one) => one !== "d10")), ["d15"]);
    await close();
});

test("a lead sees the own teams and no other", async () => {
    await engage("红组", "r1");
    await engage("蓝组", "b1");
    const { page, troubles, close } = await person({ as: token("lead", "--teams", "红组") });
    await page.goto("/team/蓝组/");
    await page.getByText("这里没有内容").waitFor();
    assert.ok(!(await page.content()).includes("名b1"));
    await page.goto("/agents/b1/");
    await page.getByText("这里没有内容").waitFor();
    await page.goto("/team/红组/");
    await page.getByRole("link", { name: "名r1" }).click();
    await page.getByRole("heading", { level: 1, name: "名r1" }).waitFor();
    assert.deepEqual(await page.locator(".bar nav a").allTextContents(), ["团队", "月度"]);
    assert.deepEqual(troubles(/status of 404/), []);
    await close();
});
