// The month's table, pay, and the explanation of an agent's figures.
import assert from "node:assert/strict";
import test from "node:test";
import { engage } from "./me.mjs";
import { asks, kefuctl, order, person, post, profile, served, token, until } from "./world.mjs";

const cells = (page, agent) => page.locator(`tr[data-agent="${agent}"] > *`).allTextContents();

test("payroll's table: figures of everybody, marked provisional and unsigned, no amount before it is asked for", async () => {
    await engage("mo1", "钱进", "月组");
    await post(profile("mo2", "白纸", "月组"), order("mo-x", "mo1"));
    const { page, troubles, close } = await person({ as: token("payroll"), width: 1500 });
    await page.goto("/");
    await page.getByText("暂定未签").waitFor();
    await page.locator('tr[data-agent="mo1"]').waitFor();
    const row = await cells(page, "mo1");
    assert.deepEqual(row.slice(0, 4), ["钱进", "A-mo1", "月组", "10"]);
    assert.deepEqual(row.slice(4), ["100.0%100.0", "100.0%100.0", "4.00 星88.8", "1 笔20.0", "87.55", "良好"]);
    const blank = await cells(page, "mo2");
    assert.deepEqual([...blank.slice(4, 7), ...blank.slice(8)], ["––", "––", "––", blank[8], "未评定"]);
    assert.ok(!(await page.content()).includes("1,000.00"));
    await page.getByRole("button", { name: "显示金额" }).click();
    await until("the bonus", async () => (await cells(page, "mo1")).at(-1) === "1,000.00");
    assert.equal((await cells(page, "mo2")).at(-1), "未评定");
    await page.getByRole("button", { name: "隐藏金额" }).click();
    assert.ok(!(await page.content()).includes("1,000.00"));
    assert.deepEqual(troubles(), []);
    await close();
});

test("a lead's month has no amounts and no way to them", async () => {
    const { page, close } = await person({ as: token("lead", "--teams", "月组") });
    await page.goto("/month/");
    await page.locator('tr[data-agent="mo1"]').waitFor();
    assert.equal(await page.getByText("显示金额").count(), 0);
    assert.equal(await page.locator("tbody tr").count(), 2);
    await close();
});

test("every figure opens down to conversations and seconds, and they add up", async () => {
    await engage("why1", "何为", "因组");
    await post(asks("why-miss", Date.now() - 1200000), { ts: Date.now() - 1200001, type: "conversation.assigned", conversation: "why-miss", agent: "why1" });
    const { page, troubles, close } = await person({ as: token("agent", "--subject", "why1") });
    await page.goto("/me/");
    await page.getByRole("link", { name: /响应及时率/ }).click();
    await page.locator(".items tbody tr").first().waitFor();
    assert.equal(await page.locator(".filters [aria-current]").textContent(), "响应及时率");
    const stats = await page.locator(".why .stat dd").allTextContents();
    assert.deepEqual(stats, ["10", "10", "1"]);
    const counted = await page.locator(".items .counts").evaluateAll((all) => all.map((one) => one.textContent));
    assert.equal(counted.filter((text) => text.includes("及时回复 1")).length, 10);
    assert.equal(counted.filter((text) => text.includes("未及时 1")).length, 1);
    assert.equal(await page.locator(".items").getByRole("link", { name: "打开会话 why-miss" }).getAttribute("href"), "https://chat.example.cn/c/why-miss");
    await page.getByRole("link", { name: "全部" }).click();
    await until("episodes too", async () => (await page.locator(".items").textContent()).includes("服务会话"));
    assert.deepEqual(troubles(), []);
    await close();
});

test("a long list comes in pages, every line once", async () => {
    const conversations = Array.from({ length: 45 }, (_, i) => served(`long-c${i}`, "long1", { minutesAgo: 50 - i, stars: 5 }));
    await post(profile("long1", "长表", "长组"), conversations.flat());
    const { page, troubles, close } = await person({ as: token("agent", "--subject", "long1") });
    await page.goto("/me/");
    await page.getByRole("link", { name: /响应及时率/ }).click();
    await page.getByRole("link", { name: "全部" }).click();
    await page.getByText("已显示 100 / 135 条").waitFor();
    await page.getByRole("button", { name: "再显示一些" }).click();
    await page.getByText("已显示 135 / 135 条").waitFor();
    assert.equal(await page.getByRole("button", { name: "再显示一些" }).count(), 0);
    const lines = await page.locator(".items tbody tr").evaluateAll((all) => all.map((one) => one.children[1].textContent + one.children[2].textContent));
    assert.equal(new Set(lines).size, 135);
    assert.deepEqual(troubles(), []);
    await close();
});

test("an address that means nothing says so", async () => {
    const { page, close } = await person({ as: token("agent", "--subject", "long1") });
    for (const address of ["/nowhere/", "/agents/long1/why/never/", "/agents/%E0%A4%A/", "/agents/long1/why/2026-01/?kpi=none", "/me/x/y/z/"]) {
        await page.goto(address);
        await until(`something at ${address}`, async () => /这里没有内容|长表/.test(await page.locator("main").textContent()));
    }
    await close();
});

test("an agent's own bonus is shown when asked for, and each look is recorded", async () => {
    const { page, close } = await person({ as: token("agent", "--subject", "mo1") });
    await page.goto("/me/");
    await page.getByRole("heading", { level: 1, name: "钱进" }).waitFor();
    assert.ok(!(await page.content()).includes("1,000.00"));
    await page.getByRole("button", { name: "显示金额" }).click();
    await page.getByText("¥1,000.00").waitFor();
    await page.getByText("可自选班次").waitFor();
    kefuctl("audit", "verify");
    await close();
});
