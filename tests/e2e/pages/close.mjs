// A month from review to payroll: closed by name and typed word, contested, decided, adjusted, proposed about, downloaded, tried under
// another rulebook, and all of it on the trail.
import assert from "node:assert/strict";
import test, { after } from "node:test";
import { answers, asks, assigned, kefuctl, person, post, profile, token, until } from "./world.mjs";

const TEAM = "账组";
const first = new Date();
first.setUTCDate(1);
first.setUTCMonth(first.getUTCMonth() - 1, 5);
const last = first.toISOString().slice(0, 7);

// A conversation of last month, answered after so many seconds.
function past(name, agent, hour, seconds, stars) {
    const at = first.getTime() + hour * 3600000;
    const events = [assigned(name, agent, at), { ...asks(name, at + 1000), shop: agent === "cl1" ? "账店" : undefined }, answers(name, agent, at + 1000 + seconds * 1000)];
    events.push({ ts: at + 600000, type: "conversation.resolved", conversation: name, agent });
    if (stars) events.push({ ts: at + 610000, type: "rating", conversation: name, score: stars, agent });
    return events;
}

let keys;

// Last month: cl1 is quick and well rated, cl2 is slow.
async function ready() {
    if (keys) return;
    const people = [["cl1", "秦账"], ["cl2", "宋慢"]].map(([agent, name]) => ({ ...profile(agent, name, TEAM), ts: first.getTime() - 3600000 }));
    const good = Array.from({ length: 12 }, (_, i) => past(`cl1-${i}`, "cl1", i, i === 11 ? 90 : 5, i === 10 ? 1 : 5));
    const slow = Array.from({ length: 12 }, (_, i) => past(`cl2-${i}`, "cl2", i, 400, 2));
    await post(people, good.flat(), slow.flat());
    keys = {
        payroll: token("payroll", "--login", "李账"),
        nameless: token("payroll"),
        lead: token("lead", "--teams", TEAM, "--login", "周长"),
        agent: token("agent", "--subject", "cl1"),
    };
}

const people = new Map(); // one browser a person, over all tests of this file

async function of(whose) {
    if (!people.has(whose)) people.set(whose, await person({ as: keys[whose] }));
    return people.get(whose);
}

// A page of last month; `part`: a tab of it.
async function at(whose, part = "") {
    const { page } = await of(whose);
    await page.goto(`/month/${last}/${part && `?part=${part}`}`);
    await page.locator(".month-page").waitFor();
    return page;
}

after(async () => {
    for (const one of people.values()) await one.close();
});

// On the first day of a month the last one is still open: who closes it says that this is meant.
async function tickIfAsked(form) {
    const box = form.getByRole("checkbox");
    if (await box.count()) await box.check();
}

// Opens the form behind a button, fills it in and sends it.
async function act(place, button, { typed, reason } = {}) {
    await place.getByRole("button", { name: button, exact: true }).first().click();
    const form = place.getByRole("form", { name: button });
    await tickIfAsked(form);
    if (typed) await form.getByLabel(/确认/).fill(typed);
    if (reason) await form.getByLabel(/原因|备注/).fill(reason);
    await form.getByRole("button", { name: button, exact: true }).click();
    await form.waitFor({ state: "detached" });
}

test("a month is closed by who has a name, by keyboard, and only when its name is typed", async () => {
    await ready();
    const other = await at("nameless");
    await other.getByText("这个令牌没有署名").waitFor();
    assert.equal(await other.getByRole("button", { name: "关账" }).count(), 0);
    const lead = await at("lead");
    assert.equal(await lead.getByRole("button", { name: "关账" }).count(), 0);
    const page = await at("payroll");
    await page.getByText("暂定未签").waitFor();
    await page.locator(".held").getByText(/24 小时内仍有这个月/).waitFor(); // it has only just been told
    await page.getByRole("button", { name: "关账" }).focus();
    await page.keyboard.press("Enter");
    const form = page.getByRole("form");
    const submit = form.getByRole("button", { name: "关账" });
    await form.locator("input:focus").waitFor();
    await page.keyboard.type("2020-01");
    assert.ok(await submit.isDisabled());
    await page.keyboard.press("Escape");
    await form.waitFor({ state: "detached" });
    await page.keyboard.press("Enter"); // the focus is back on the button
    await form.locator("input:focus").waitFor();
    await tickIfAsked(form);
    await form.getByLabel(/确认/).focus();
    await page.keyboard.type(last);
    await page.keyboard.press("Enter");
    await page.getByText("已关账").and(page.locator("[aria-current]")).waitFor();
    await page.locator(".close .stat").filter({ hasText: "李账" }).waitFor();
    assert.equal(await page.getByText("暂定未签").count(), 0);
    const head = JSON.parse(kefuctl("month", "list", "--json")).head;
    assert.equal((await page.locator(".seal summary code").textContent()).trim(), head.slice(0, 16));
});

test("an agent contests a rating from the details; the lead decides, and can take it back", async () => {
    const mine = (await of("agent")).page;
    await mine.goto("/me/");
    await mine.locator(".own-months").getByRole("link", { name: "明细" }).click();
    const row = mine.locator(".items tr", { hasText: "cl1-10" }).filter({ hasText: "1.00 星" });
    await act(row, "申诉", { reason: "买家点错了" });
    await mine.locator(".thing", { hasText: "买家点错了" }).getByText("待处理").waitFor();
    const quick = mine.locator(".items tr", { hasText: "cl1-3" });
    await quick.first().waitFor();
    assert.equal(await quick.getByRole("button").count(), 0); // nothing to contest
    const lead = await at("lead", "appeals");
    await act(lead.locator(".thing"), "申诉成立", { reason: "聊天里有说明" });
    await lead.locator(".mark-accepted").waitFor();
    await mine.reload();
    await mine.locator(".thing", { hasText: "周长" }).getByText("聊天里有说明").waitFor();
    await act(lead.locator(".thing"), "撤销决定", { reason: "查错了单" });
    await lead.locator(".mark-undone").waitFor();
});

test("what came late is approved as it was seen, or not at all", async () => {
    const page = await at("payroll", "late");
    await page.getByText("没有待定的调整").waitFor();
    await post(past("cl1-late", "cl1", 20, 300, 1));
    await page.reload();
    const one = page.locator('.thing[data-agent="cl1"]');
    await one.getByText("cl1-late").waitFor();
    await one.getByRole("button", { name: "批准" }).click();
    await post(Array.from({ length: 6 }, (_, i) => past(`cl1-later${i}`, "cl1", 21 + i, 900, 1)).flat());
    await one.getByRole("form").getByRole("button", { name: "批准" }).click();
    await page.getByText("数字刚刚变了，没有提交").waitFor();
    await page.reload();
    await act(page.locator('.thing[data-agent="cl1"]'), "驳回", { reason: "平台重复推送" });
    await page.getByText("没有待定的调整").waitFor();
});

test("what hurts a person waits for the days of appeal, and the person reads of it in plain words", async () => {
    const page = await at("lead", "proposals");
    const one = page.locator('.thing[data-agent="cl2"]');
    await one.getByText(/申诉期到/).waitFor();
    assert.equal(await one.getByRole("button", { name: "确认" }).count(), 0);
    const slow = await person({ as: token("agent", "--subject", "cl2"), width: 360, height: 760, lang: "en-US" });
    await slow.page.goto("/me/");
    await slow.page.getByText(/This is only a proposal\. You can contest/).waitFor();
    const slip = slow.page.waitForEvent("popup");
    await slow.page.locator(".own-months").getByRole("link", { name: "Slip" }).click();
    await (await slip).getByText("training required").waitFor();
    await slow.close();
    await act(one, "撤下", { reason: "已安排带教" });
    await one.getByText("已撤下").waitFor();
});

test("payroll takes the files away, tries a rulebook, and finds all of it on the trail", async () => {
    const page = await at("payroll", "files");
    const download = page.waitForEvent("download");
    await page.getByRole("link", { name: /总表（CSV）/ }).click();
    assert.equal((await download).suggestedFilename(), `绩效 晨光小店 ${last}.csv`);
    await page.getByRole("link", { name: "试算" }).click();
    await page.getByLabel(/粘贴规则/).fill('{"kpis": 3}');
    await page.getByRole("button", { name: "开始试算" }).click();
    await page.getByText(/这不是一份规则.*kpis/).waitFor();
    const draft = { name: "宽限", response_target_ms: 600000, tiers: [{ name: "top", min: 1, bonus_fen: 123400 }, { name: "low", min: 0, bonus_fen: 0 }] };
    await page.getByLabel(/选择规则文件/).setInputFiles({ name: "draft.json", mimeType: "application/json", buffer: Buffer.from(JSON.stringify(draft)) });
    await page.getByRole("button", { name: "开始试算" }).click();
    await page.locator(".outcome tbody tr", { hasText: "宋慢" }).filter({ hasText: "+¥1,234.00" }).waitFor();
    await page.getByRole("link", { name: "记录" }).click();
    await page.locator(".trail li", { hasText: "驳回调整：秦账" }).waitFor();
    await page.locator(".trail li", { hasText: "撤下提议：宋慢，须参加培训" }).waitFor();
    await page.locator(".trail li", { hasText: "下载总表" }).waitFor();
    for (const [text, name] of [["秦账 提出申诉：评价", "秦账"], ["申诉成立：秦账，评价", "周长"], ["撤销申诉的裁定：秦账，评价", "周长"]])
        await page.locator(".trail li", { hasText: text }).getByText(name, { exact: true }).waitFor();
    await page.getByRole("link", { name: "奖金" }).click();
    await page.getByRole("region", { name: "奖励资格" }).getByRole("row", { name: /秦账 可参与晋升/ }).waitFor();
    const all = await page.locator(".bonus tbody tr", { hasText: TEAM }).locator("td").last().innerText();
    assert.match(all, /[1-9]/);
    const shops = page.getByRole("table", { name: "奖金（按店铺）" }).locator("tbody tr");
    assert.deepEqual(await shops.allInnerTexts().then((rows) => rows.map((row) => row.split("\t").map((cell) => cell.trim()))), [["账店", "1", "12", all], ["未标店铺", "1", "12", "0.00"]]);
    await act(page.locator(".close"), "重新打开", { typed: last, reason: "导入有误" });
    await page.getByText("暂定未签").waitFor();
    await act(page.locator(".close"), "关账", { typed: last });
    await page.locator(".close .stat", { hasText: "版本" }).getByText("2").waitFor();
    await until("the second version", () => JSON.parse(kefuctl("month", "list", "--json")).months.some((one) => one.month === last && one.version === 2));
    for (const [whose, one] of people) assert.deepEqual(one.troubles(whose === "payroll" ? /409/ : undefined), [], whose);
});
