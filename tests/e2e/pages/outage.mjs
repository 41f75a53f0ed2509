// A page that is left open: over a restart of the daemon, a crash, a restart of Redis.
import assert from "node:assert/strict";
import test from "node:test";
import { answers, endDaemon, endRedis, person, post, profile, startDaemon, startRedis, token, until, waits } from "./world.mjs";

const BROKEN = /ERR_(CONNECTION|INCOMPLETE|EMPTY|NETWORK|INTERNET)/;

async function opened(agent) {
    await post(profile(agent, `名${agent}`, "断组"));
    const one = await person({ as: token("agent", "--subject", agent) });
    await one.page.goto("/me/");
    await one.page.getByText("没有客户在等待").first().waitFor();
    await one.page.evaluate(() => (window.same = true));
    return one;
}

async function goesOn(page, agent, conversation) {
    await post(waits(conversation, agent));
    await page.locator(`[data-conversation="${conversation}"]`).waitFor({ timeout: 20000 });
    await post(answers(conversation, agent));
    await page.locator(`[data-conversation="${conversation}"]`).waitFor({ state: "detached" });
    assert.equal(await page.evaluate(() => window.same), true, "the page was loaded anew");
}

for (const signal of ["SIGTERM", "SIGKILL"]) {
    test(`a page goes on by itself after ${signal} and a start of the daemon`, async () => {
        const agent = `out-${signal.toLowerCase()}`;
        const { page, troubles, close } = await opened(agent);
        await endDaemon(signal);
        await page.getByText("连接中断，重连中").waitFor();
        await page.locator(".me.old").waitFor();
        await page.getByText("数据已旧").waitFor();
        await startDaemon();
        await page.getByText("连接中断").waitFor({ state: "detached", timeout: 20000 });
        assert.equal(await page.locator(".old").count(), 0);
        await goesOn(page, agent, `after-${signal}`);
        assert.deepEqual(troubles(BROKEN), []);
        await close();
    });
}

test("a page does not notice that Redis goes and comes", async () => {
    const { page, troubles, close } = await opened("out-redis");
    await endRedis();
    await goesOn(page, "out-redis", "without-redis");
    await startRedis();
    await goesOn(page, "out-redis", "with-redis");
    assert.equal(await page.getByText("连接中断").count(), 0);
    assert.deepEqual(troubles(), []);
    await close();
});

test("a page that is opened before the daemon is there waits for it", async () => {
    const { page, close } = await opened("out-early");
    await page.route("**/v1/session", (route) => route.abort());
    await page.reload();
    await page.getByText("暂时连不上服务").waitFor();
    await page.unroute("**/v1/session");
    await page.getByRole("heading", { level: 1, name: "名out-early" }).waitFor();
    await close();
});

test("a laptop that comes back from sleep is shown the present", async () => {
    const { page, close } = await opened("out-sleep");
    await page.context().setOffline(true);
    await post(waits("sleep", "out-sleep"));
    await page.context().setOffline(false);
    await until("the wait that came meanwhile", async () => (await page.locator('[data-conversation="sleep"]').count()) === 1);
    await close();
});
