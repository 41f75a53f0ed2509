// An agent's own page.
import assert from "node:assert/strict";
import test from "node:test";
import { answers, assigned, kefuctl, order, person, post, profile, served, setOption, status, token, until, waits } from "./world.mjs";

// 10 conversations, each well served and rated 4 of 5: 20 + 30 + 40 × 4/4.5 = 85.555 points, and no cross-sale yet.
async function engage(agent, name, team) {
    const conversations = Array.from({ length: 10 }, (_, i) => served(`${agent}-c${i}`, agent, { minutesAgo: 40 - i, stars: 4 }));
    await post(profile(agent, name, team), status(agent, "online"), order(`m-${agent}`, agent, "main"), conversations.flat());
}

test("an agent logs in with a token, and a wrong one is told so", async () => {
    await post(profile("login.1", "王芳", "登录组"));
    const { page, troubles, close } = await person();
    await page.goto("/");
    await page.getByLabel("令牌").fill("kefu_wrong");
    await page.getByRole("button", { name: "登录" }).click();
    await page.getByRole("alert").getByText("令牌不对").waitFor();
    await page.getByLabel("令牌").fill(token("agent", "--subject", "login.1"));
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { level: 1, name: "王芳" }).waitFor();
    assert.equal(new URL(page.url()).pathname, "/me/");
    await page.reload(); // an id with a dot in it, and the cookie
    await page.getByRole("heading", { level: 1, name: "王芳" }).waitFor();
    await page.getByRole("button", { name: "退出" }).click();
    await page.getByLabel("令牌").waitFor();
    assert.equal((await page.context().cookies()).length, 0);
    assert.deepEqual(troubles(), []);
    await close();
});

test("a wait appears, ticks, and is gone within a second of the reply", async () => {
    await engage("me1", "李娜", "我的组");
    const { page, troubles, close } = await person({ as: token("agent", "--subject", "me1") });
    await page.goto("/me/");
    await page.getByText("没有客户在等待").first().waitFor();
    const took = [];
    for (const conversation of ["w1", "w2", "w3"]) {
        await post(waits(conversation, "me1"));
        const wait = page.locator(`[data-conversation="${conversation}"]`);
        await wait.waitFor();
        const first = await wait.locator(".wait-time").textContent();
        await until("the wait ticks", async () => (await wait.locator(".wait-time").textContent()) > first);
        await post(answers(conversation, "me1"));
        const begun = performance.now();
        await wait.waitFor({ state: "detached" });
        took.push(performance.now() - begun);
    }
    took.sort((a, b) => a - b);
    assert.ok(took[1] < 1000, `ms: ${took.map(Math.round)}`);
    assert.deepEqual(troubles(), []);
    await close();
});

test("seconds are counted in the page, not pushed; a wait turns from calm to near to over its limit", async () => {
    await engage("me2", "周敏", "我的组");
    const { page, close } = await person({ as: token("agent", "--subject", "me2") });
    await page.goto("/me/");
    await page.locator(".waits").waitFor();
    await post(waits("t1", "me2", 26));
    const wait = page.locator('[data-conversation="t1"]');
    await wait.waitFor();
    await page.context().setOffline(true); // what is shown from here on nobody pushed
    assert.match(await wait.getAttribute("class"), /warn|bad/);
    await until("over the limit", async () => /bad/.test(await wait.getAttribute("class")));
    assert.match(await wait.locator(".wait-left").textContent(), /已超时 0:0\d/);
    assert.match(await wait.locator(".wait-time").textContent(), /^0:3\d$/);
    await close();
});

test("waits stand in the order of their urgency and lead into the shop's own chat", async () => {
    await engage("me3", "孙浩", "我的组");
    const { page, close } = await person({ as: token("agent", "--subject", "me3") });
    await post(waits("u-new", "me3", 1), waits("u-old", "me3", 45), waits("u-mid", "me3", 20));
    // Waits longest, but for me3 only since a few seconds: it is not the most urgent.
    await post(waits("u-passed", "me9", 50), assigned("u-passed", "me3", Date.now() - 9000));
    await page.goto("/me/");
    await until("four waits", async () => (await page.locator(".wait").count()) === 4);
    const shown = await page.locator(".wait").evaluateAll((all) => all.map((one) => one.dataset.conversation));
    assert.deepEqual(shown, ["u-old", "u-mid", "u-passed", "u-new"]);
    assert.equal(await page.locator('[data-conversation="u-old"] a').getAttribute("href"), "https://chat.example.cn/c/u-old");
    assert.match(await page.title(), /^\(4\)/);
    await close();
});

test("the road says what is missing; the score moves, and a tier change is seen", async () => {
    await engage("me4", "吴晓", "我的组");
    const { page, troubles, close } = await person({ as: token("agent", "--subject", "me4") });
    await page.goto("/me/");
    const score = page.locator(".ring [data-score]");
    const tier = page.locator(".ring .tier");
    await until("85.55, cut and not rounded", async () => (await score.textContent()) === "85.55");
    await until("良好", async () => (await tier.textContent()) === "良好");
    await page.getByText("再完成 3 笔推荐即可到优秀").waitFor();
    await post(order("x-1", "me4"));
    await until("87.55", async () => (await score.textContent()) === "87.55");
    await page.getByText("再完成 2 笔推荐即可到优秀").waitFor();
    assert.equal(await tier.textContent(), "良好");
    await post(order("x-2", "me4"), order("x-3", "me4"));
    await until("91.55", async () => (await score.textContent()) === "91.55");
    await until("优秀", async () => (await tier.textContent()) === "优秀");
    await page.getByText("已经是最高档").waitFor();
    assert.deepEqual(troubles(), []);
    await close();
});

test("no data is 未评定 or –, never 0; a figure that is 0 is shown", async () => {
    await post(profile("me5", "新人", "我的组"), order("m-me5", "me5", "main"));
    const { page, close } = await person({ as: token("agent", "--subject", "me5") });
    await page.goto("/me/");
    await until("未评定", async () => (await page.locator(".ring .tier").textContent()) === "未评定");
    // The shop has orders, so that none of one's own is a figure.
    assert.deepEqual(await page.locator(".kpi-value").allTextContents(), ["–", "–", "–", "0 笔"]);
    assert.equal(await page.locator(".arc-none").count(), 3);
    await close();
});

test("a revoked token brings the log-in", async () => {
    await post(profile("me6", "赵一", "我的组"));
    const key = token("agent", "--subject", "me6");
    const { page, close } = await person({ as: key });
    await page.goto("/me/");
    await page.getByRole("heading", { level: 1 }).waitFor();
    const tokens = JSON.parse(kefuctl("token", "list", "--json")).tokens;
    kefuctl("token", "revoke", tokens.find((one) => one.subject === "me6").id);
    await page.getByLabel("令牌").waitFor({ timeout: 3000 });
    await close();
});

test("an agent sees nobody else", async () => {
    await engage("me7", "甲一", "看不见组");
    await engage("me8", "乙二", "看不见组");
    const { page, troubles, close } = await person({ as: token("agent", "--subject", "me7") });
    for (const address of ["/agents/me8/", "/agents/me8/why/2026-01/", "/team/看不见组/", "/month/"]) {
        await page.goto(address);
        await until(`nothing at ${address}`, async () => /这里没有内容|还没有可以查看|暂时取不到/.test(await page.locator("main").textContent()));
        assert.ok(!(await page.content()).includes("乙二"), address);
    }
    assert.deepEqual(await page.locator(".bar nav a").allTextContents(), ["我的"]);
    assert.deepEqual(troubles(/status of 404/), []);
    await close();
});

test("the leaderboard is there only where the shop wants it", async () => {
    await engage("lead1", "丙三", "榜组");
    await engage("lead2", "丁四", "榜组");
    const { page, troubles, close } = await person({ as: token("agent", "--subject", "lead1") });
    await page.goto("/me/");
    await page.locator(".road-gap").waitFor();
    assert.equal(await page.getByText("排行榜").count(), 0);
    setOption("leaderboard", true);
    await page.reload();
    await page.getByRole("heading", { name: "排行榜" }).waitFor();
    await until("two rows", async () => (await page.locator(".leader-list li").count()) === 2);
    await page.locator(".leader-list .self").getByText("丙三").waitFor();
    setOption("leaderboard", false);
    assert.deepEqual(troubles(), []);
    await close();
});

export { engage };
