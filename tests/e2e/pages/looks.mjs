// How it looks and sounds: languages, themes, narrow screens, what a screen reader and a keyboard find, what it weighs.
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import test from "node:test";
import { engage } from "./me.mjs";
import { kefuctl, person, post, readText, served, status, token, until, waits } from "./world.mjs";

const axe = readText(createRequire(import.meta.url).resolve("axe-core/axe.min.js"));
const month = () => new Date().toISOString().slice(0, 7);
const before = () => new Date(new Date().setUTCDate(0)).toISOString().slice(0, 7);
let keys;
let pages;

async function ready() {
    if (pages) return;
    await engage("look1", "林晓雯", "样组");
    await engage("look2", "陈思远", "样组");
    await post({ ...served("look-r", "look1", { stars: 1 }).at(-1), id: "look-rated" });
    kefuctl("appeal", "open", "look1", "--conversation", "look-r", "--about", "rating", "--message", "look-rated", "--source", "default", "--reason", "买家点错了", "--by", "look1");
    await post(status("look2", "away"), waits("lw1", "look1", 300), waits("lw2", "look1", 1), waits("lw3", "look2", 1));
    keys = { agent: token("agent", "--subject", "look1"), lead: token("lead", "--teams", "样组", "--login", "look-lead"), payroll: token("payroll") };
    // [what, whose, where, what is there when it is all drawn, what is pressed then]
    pages = [
        ["log-in", undefined, "/", "form"],
        ["me", "agent", "/me/", ".line-plot canvas, .month-line .empty"],
        ["team", "lead", "/team/样组/", ".agents tbody tr"],
        ["agent", "lead", "/agents/look2/", ".road-gap"],
        ["month", "payroll", "/month/", "tbody tr"],
        ["a month's trial", "payroll", `/month/${before()}/?part=trial`, "#trial-text"],
        ["a month's appeals", "lead", `/month/${before()}/?part=appeals`, ".thing button", ".thing button"],
        ["why", "agent", `/agents/look1/why/${month()}/`, ".items tbody tr"],
    ];
}

async function open(whose, address, drawn, options) {
    const one = await person({ as: keys[whose], ...options });
    await one.page.goto(address);
    await one.page.locator(drawn).first().waitFor();
    return one;
}

for (const [theme, width, lang] of [["light", 1280, "zh-CN"], ["dark", 360, "en-US"], ["light", 360, "zh-CN"]]) {
    const asked = theme === "dark" || width > 360; // each theme once; the third time is for the width
    test(`no page is wider than the screen${asked ? ", and axe finds nothing" : ""}: ${theme}, ${width} px, ${lang}`, async () => {
        await ready();
        const { page, logIn, close } = await person({ theme, width, lang, policy: false });
        for (const [what, whose, address, drawn, press] of pages) {
            if (whose) await logIn(keys[whose]);
            await page.goto(address);
            await page.locator(drawn).first().waitFor();
            if (press) await page.locator(press).first().click();
            assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), width, what);
            if (!asked) continue;
            await page.evaluate(axe);
            const { violations } = await page.evaluate(() => window.axe.run());
            assert.deepEqual(violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join(" ").slice(0, 300)}`), [], what);
        }
        await close();
    });
}

test("the language is the browser's, and a switch changes all of it at once and for good", async () => {
    await ready();
    const { page, close } = await open("agent", "/me/", ".road-gap", { lang: "en-US" });
    assert.equal(await page.evaluate(() => document.documentElement.lang), "en");
    await page.getByRole("heading", { name: "Customers waiting for me" }).waitFor();
    const english = await page.locator("main").innerText();
    assert.doesNotMatch(english.replaceAll("林晓雯", "").replaceAll("样组", ""), /[\u4e00-\u9fff]/);
    await page.getByRole("button", { name: "Switch to 中文" }).click();
    await page.getByRole("heading", { name: "等我回复的客户" }).waitFor();
    assert.equal(await page.evaluate(() => document.documentElement.lang), "zh-CN");
    await page.reload();
    await page.getByRole("heading", { name: "等我回复的客户" }).waitFor();
    await close();
});

test("dark follows the system until it is switched, and the switch holds", async () => {
    await ready();
    const { page, close } = await open("agent", "/me/", ".ring", { theme: "dark" });
    const ground = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor.match(/\d+/g).map(Number)[0]);
    assert.ok((await ground()) < 40);
    await page.emulateMedia({ colorScheme: "light" });
    await until("light", async () => (await ground()) > 200);
    await page.getByRole("button", { name: "切换到深色" }).click();
    assert.ok((await ground()) < 40);
    await page.reload();
    await page.locator(".ring").waitFor();
    assert.ok((await ground()) < 40);
    await close();
});

test("a keyboard reaches everything in order, first the way to the content", async () => {
    await ready();
    const { page, close } = await open("agent", "/me/", ".road-gap", {});
    await page.keyboard.press("Tab");
    assert.equal(await page.evaluate(() => document.activeElement.textContent), "跳到正文");
    await page.keyboard.press("Enter");
    assert.equal(await page.evaluate(() => document.activeElement.id), "main");
    const reached = new Set();
    for (let i = 0; i < 25; i++) {
        await page.keyboard.press("Tab");
        reached.add(await page.evaluate(() => document.activeElement.getAttribute("href") ?? document.activeElement.textContent));
    }
    for (const wanted of ["https://chat.example.cn/c/lw1", `/agents/look1/why/${month()}/?kpi=response`, "显示金额"]) {
        assert.ok([...reached].some((one) => one === wanted), `${wanted} in ${[...reached]}`);
    }
    await close();
});

test("a screen reader is told of waits, politely", async () => {
    await ready();
    const { page, close } = await open("agent", "/me/", ".wait", {});
    const told = page.locator('.bar [role="status"]');
    await until("told", async () => /^2 位客户在等待，其中 [12] 位已超时$/.test(await told.textContent()));
    assert.equal(await told.getAttribute("aria-live"), "polite");
    assert.equal(await page.locator('[aria-live="assertive"]').count(), 0);
    await close();
});

test("who wants less motion has none", async () => {
    await ready();
    const { page, close } = await open("agent", "/me/", ".arc-full", {});
    const moves = () => page.locator(".arc-full").first().evaluate((one) => getComputedStyle(one).transitionDuration);
    assert.notEqual(await moves(), "0s");
    await page.emulateMedia({ reducedMotion: "reduce" });
    assert.equal(await moves(), "0s");
    await close();
});

test("a first paint costs under 100 KB, and what was fetched once is not fetched again", async (t) => {
    await ready();
    const { page, context, close } = await person({ as: keys.agent });
    let bytes = 0;
    const sums = [];
    page.on("response", (answer) => {
        const { pathname } = new URL(answer.url());
        if (!pathname.startsWith("/v1/")) sums.push(answer.request().sizes().then((sizes) => (bytes += sizes.responseBodySize + sizes.responseHeadersSize)));
    });
    await page.goto("/me/");
    await page.locator(".ring").waitFor();
    await Promise.all(sums);
    t.diagnostic(`${bytes} bytes`);
    assert.ok(bytes > 10000 && bytes < 100 * 1024, `${bytes} bytes`);
    const assets = await page.evaluate(() => performance.getEntriesByType("resource").map((one) => one.name).filter((name) => name.includes("/assets/")));
    for (const one of assets) {
        const answer = await context.request.get(one);
        assert.match(answer.headers()["cache-control"], /immutable/, one);
    }
    await close();
});
