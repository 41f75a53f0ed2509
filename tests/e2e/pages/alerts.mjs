// Alerts on the board: they come within seconds to whom they concern, are taken on, silenced, and heard by who wants to.
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import test from "node:test";
import { person, post, profile, readText, status, token, until, waits } from "./world.mjs";

const axe = readText(createRequire(import.meta.url).resolve("axe-core/axe.min.js"));
const SOON_MS = 8000; // a question every 5 s, and what the daemon and the page take

// An agent with a customer who has waited for 28 s, 2 s under the limit of the rule wait_lead of the built-in rulebook.
async function nearlyLate(agent, team) {
    await post(profile(agent, `名${agent}`, team), status(agent, "online"), waits(`aw-${agent}`, agent, 28));
}

const alert = (page, rule = "wait_lead") => page.locator(`[data-rule="${rule}"]`);
const badge = (page, says) => page.getByRole("link", { name: new RegExp(`^告警\\s*${says}$`) });
const within = (page, name) => page.getByRole("region", { name }).locator(`[data-rule="wait_lead"]`);

async function look(page, address) {
    await page.goto(address);
    await page.getByRole("heading", { level: 1 }).waitFor();
}

async function violations(page) {
    await page.evaluate(axe);
    const found = await page.evaluate(() => window.axe.run());
    return found.violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join(" ").slice(0, 300)}`);
}

test("an alert is told within seconds of a wait over its limit, on every page, politely; who takes it on is named", async () => {
    await post(profile("al1", "名al1", "警组"), status("al1", "online"));
    const { page, troubles, close } = await person({ as: token("lead", "--teams", "警组", "--login", "wang.min") });
    await look(page, "/team/警组/");
    await badge(page, "没有").waitFor();
    await nearlyLate("al1", "警组");
    await badge(page, "1\\s*条").waitFor({ timeout: 2000 + SOON_MS });
    await until("told politely", async () => (await page.locator('.bar span[aria-live="polite"]').textContent()) === "新告警 1 条：顾客等待超过 30 秒");

    await badge(page, "1\\s*条").focus();
    await page.keyboard.press("Enter");
    const one = alert(page);
    await one.getByRole("link", { name: "名al1" }).waitFor();
    assert.match(await one.innerText(), /警告[^]*顾客等待超过 30 秒[^]*警组[^]*界限 30 秒[^]*\d\d:\d\d:\d\d 起/);
    await one.getByRole("button", { name: "接手" }).focus();
    await page.keyboard.press("Enter");
    await within(page, "已有人接手").getByText("wang.min 已接手").waitFor({ timeout: SOON_MS });
    assert.equal(await one.getByRole("button", { name: "接手" }).count(), 0);
    await until("the focus follows", () => one.evaluate((it) => it === document.activeElement));
    await badge(page, "没有").waitFor();
    await page.reload();
    await one.getByText("wang.min 已接手").waitFor();
    assert.deepEqual(troubles(), []);
    await close();
});

test("a silence has a reason and an end, takes the alert off, and can be ended", async () => {
    await nearlyLate("al2", "静组");
    const { page, troubles, close } = await person({ as: token("lead", "--teams", "静组", "--login", "li.qiang") });
    await look(page, "/alerts/");
    await within(page, "正在告警").waitFor();
    const open = alert(page).getByRole("button", { name: "静默" });
    await open.click();
    await page.keyboard.press("Escape");
    assert.equal(await page.getByLabel("原因").count(), 0);
    assert.ok(await open.evaluate((one) => one === document.activeElement), "the focus is back where it was");
    await open.click();
    const form = page.getByRole("form", { name: "静默：顾客等待超过 30 秒" });
    // Without a reason nothing is sent.
    await form.getByRole("button", { name: "静默" }).click();
    assert.ok(await page.getByLabel("原因").evaluate((one) => !one.validity.valid && one === document.activeElement));
    await page.keyboard.type("系统升级");
    assert.deepEqual(await form.getByLabel("范围").locator("option").allTextContents(), ["只对 名al2", "整个静组"]);
    await form.getByLabel("范围").selectOption({ label: "整个静组" });
    await form.getByLabel("多久").selectOption("15 分钟");
    await form.getByLabel("多久").focus();
    await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    await within(page, "暂不通知").getByText("已静默").waitFor({ timeout: SOON_MS });
    await until("the focus follows", () => alert(page).evaluate((it) => it === document.activeElement));
    await badge(page, "没有").waitFor();
    const silence = page.locator("[data-silence]");
    const text = await silence.innerText();
    assert.match(text, /顾客等待超过 30 秒[^]*静组[^]*到 \S+ \d\d:\d\d:\d\d 为止[^]*li\.qiang：系统升级/);
    await silence.getByRole("button", { name: "结束静默" }).click();
    await within(page, "正在告警").waitFor({ timeout: SOON_MS });
    assert.equal(await silence.count(), 0);
    assert.deepEqual(troubles(), []);
    await close();
});

test("alerts are pushed on every page; they are asked for only while nothing is pushed", async () => {
    const { page, close } = await person({ as: token("lead", "--teams", "推组", "--login", "chen.tui") });
    const asked = [];
    page.on("request", (one) => {
        const path = new URL(one.url()).pathname;
        if (/\/v1\/alerts$|\/live$/.test(path)) asked.push(path);
    });
    const count = (path) => asked.filter((one) => one === path).length;
    await look(page, "/alerts/");
    await until("a stream of its own", () => count("/v1/alerts/live") === 1);
    await badge(page, "没有").waitFor();
    const before = count("/v1/alerts");
    await nearlyLate("al8", "推组");
    await alert(page).waitFor({ timeout: SOON_MS });
    assert.equal(count("/v1/alerts"), before, "it was asked for");
    // Where figures are live the alerts come along with them.
    await look(page, `/team/${encodeURIComponent("推组")}/`);
    await badge(page, "1\\s*条").waitFor();
    const streams = count("/v1/alerts/live"), polls = count("/v1/alerts");
    await nearlyLate("al9", "推组");
    await badge(page, "2\\s*条").waitFor({ timeout: SOON_MS });
    assert.equal(count("/v1/alerts/live"), streams);
    assert.equal(count("/v1/alerts"), polls);
    // Nothing is pushed where something between cuts streams off: then it is asked.
    await page.route(/\/live/, (route) => route.abort());
    await page.goto("/alerts/");
    await until("questions", () => count("/v1/alerts") > polls + 1, 20000);
    await close();
});

test("an agent sees the own alert and no button; a lead sees no other team's", async () => {
    await nearlyLate("al3", "甲组");
    await nearlyLate("al4", "乙组");
    const lead = await person({ as: token("lead", "--teams", "甲组", "--login", "zhao.jia") });
    await look(lead.page, "/alerts/");
    await alert(lead.page).waitFor();
    assert.deepEqual(await alert(lead.page).locator('a[href^="/agents/"]').allTextContents(), ["名al3"]);
    assert.ok(!(await lead.page.content()).includes("al4"));
    await lead.close();
    const agent = await person({ as: token("agent", "--subject", "al3") });
    await look(agent.page, "/alerts/");
    await alert(agent.page, "wait_agent").getByText("我", { exact: true }).waitFor();
    assert.equal(await agent.page.locator("main").getByRole("button", { name: /接手|静默/ }).count(), 0);
    assert.equal(await alert(agent.page).count(), 0);
    await agent.close();
    const payroll = await person({ as: token("payroll") });
    await payroll.page.goto("/alerts/");
    await payroll.page.getByText("这里没有内容").waitFor();
    assert.equal(await payroll.page.locator(".alert-badge").count(), 0);
    await payroll.close();
});

test("sound is off until it is switched on, sounds for new alerts alone, and is remembered", async () => {
    await nearlyLate("al5", "声组");
    const { page, troubles, close } = await person({ as: token("lead", "--teams", "声组", "--login", "sun.sheng") });
    await page.addInitScript(() => {
        window.notes = 0;
        const start = OscillatorNode.prototype.start;
        OscillatorNode.prototype.start = function (...when) {
            window.notes += 1;
            return start.apply(this, when);
        };
    });
    const notes = () => page.evaluate(() => window.notes);
    await look(page, "/alerts/");
    await alert(page).waitFor();
    const button = page.getByRole("button", { name: /^声音/ });
    assert.equal(await button.getAttribute("aria-pressed"), "false");
    await post(profile("al6", "名al6", "声组"), waits("aw-al6", "al6", 40));
    await until("two alerts", async () => (await alert(page).count()) === 2);
    assert.equal(await notes(), 0);
    await button.click();
    await until("it is heard that it is on", async () => (await notes()) === 2);
    await page.getByRole("button", { name: "声音：开", exact: true }).waitFor();
    await page.reload();
    await until("two alerts", async () => (await alert(page).count()) === 2);
    assert.equal(await button.getAttribute("aria-pressed"), "true");
    await page.locator("h1").click(); // a browser that lets nothing sound before somebody touched the page
    await page.getByRole("button", { name: "声音：开", exact: true }).waitFor();
    assert.equal(await notes(), 0); // what was there before is no news
    await post(profile("al7", "名al7", "声组"), waits("aw-al7", "al7", 40));
    await until("a new alert is heard", async () => (await notes()) === 2);
    await button.click();
    assert.equal(await button.getAttribute("aria-pressed"), "false");
    assert.deepEqual(troubles(), []);
    await close();
});

for (const [theme, width, lang] of [["light", 1280, "zh-CN"], ["dark", 360, "en-US"]]) {
    test(`the alerts in ${lang}, ${theme}, ${width} px: axe finds nothing, nothing is wider than the screen`, async () => {
        const agent = `al-${theme}`;
        await nearlyLate(agent, `看组${theme}`);
        const { page, close } = await person({ as: token("lead", "--teams", `看组${theme}`, "--login", `kan.${theme}`), theme, width, lang, policy: false });
        const english = lang === "en-US";
        await look(page, "/alerts/");
        await alert(page).waitFor();
        await alert(page).getByRole("button", { name: english ? "Silence" : "静默" }).click();
        assert.deepEqual(await violations(page), []);
        assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), width);
        if (english) assert.doesNotMatch((await page.locator("main").innerText()).replaceAll(/名al-dark|看组dark/g, ""), /[\u4e00-\u9fff]/);
        await page.getByLabel(english ? "Reason" : "原因").fill("drill");
        await page.keyboard.press("Enter");
        await page.locator("[data-silence]").waitFor({ timeout: SOON_MS });
        assert.deepEqual(await violations(page), []);
        assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), width);
        await close();
    });
}
