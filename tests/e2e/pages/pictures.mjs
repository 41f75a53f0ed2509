// Takes the pictures of docs/img from a board that is running, such as the demo's:
//
//   node tests/e2e/pages/pictures.mjs http://127.0.0.1:PORT AGENT_TOKEN LEAD_TOKEN PAYROLL_TOKEN [FOLDER]
//
// The agent's pages are taken when a customer waits, those of a closed month after `kefuctl month close` of the month before. WebP, which is a third of PNG here. Not a test: what a board shows is up to who looks at it.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { chromium } from "playwright-core";

const [origin, agent, lead, payroll, folder = "docs/img"] = process.argv.slice(2);
if (!payroll) {
    console.error("usage: pictures.mjs ORIGIN AGENT_TOKEN LEAD_TOKEN PAYROLL_TOKEN [FOLDER]");
    process.exit(2);
}
const DESK = { width: 1280, height: 800 };
const PHONE = { width: 360, height: 760 };
// name, token, what is pressed to get there, what must be there, screen, language, theme
const PICTURES = [
    ["login", null, [], "form", DESK, "zh-CN", "light"],
    ["me", agent, [], ".wait", DESK, "zh-CN", "light"],
    ["me-dark-en", agent, [], ".wait", DESK, "en-US", "dark"],
    ["me-phone", agent, [], ".wait", PHONE, "zh-CN", "light"],
    ["team", lead, [], ".heat", DESK, "zh-CN", "light"],
    ["team-phone-dark", lead, [], ".heat", PHONE, "zh-CN", "dark"],
    ["alerts", lead, [".alert-badge"], ".alert", DESK, "zh-CN", "light"],
    ["alerts-phone-dark", lead, [".alert-badge"], ".alert", PHONE, "zh-CN", "dark"],
    ["month", payroll, [".pay-line button"], "tbody td:nth-child(11)", DESK, "zh-CN", "light"],
    ["month-closed", payroll, [".steps a", ".tabs a[href*=bonus]"], ".bonus td", DESK, "zh-CN", "light"],
    ["month-files-phone-dark", payroll, [".steps a", ".tabs a[href*=files]"], ".files a", PHONE, "zh-CN", "dark"],
    ["why", agent, [".kpi:first-child a"], ".items td", DESK, "zh-CN", "light"],
    ["why-phone", agent, [".kpi:first-child a"], ".items td", PHONE, "zh-CN", "light"],
    ["why-en", agent, [".kpi:nth-child(2) a"], ".items td", DESK, "en-US", "light"],
];

async function take(browser, [name, token, presses, wanted, viewport, locale, colorScheme]) {
    const context = await browser.newContext({ viewport, locale, colorScheme, baseURL: origin });
    if (token) await context.request.post("/v1/session", { data: { token } });
    const page = await context.newPage();
    await page.goto("/");
    for (const press of presses) await page.locator(press).first().click();
    await page.locator(wanted).first().waitFor({ timeout: 180000 });
    await page.evaluate(() => document.fonts.ready);
    await page.mouse.move(0, 0);
    await page.waitForTimeout(700); // arcs have grown to their length
    const height = await page.evaluate(() => document.documentElement.scrollHeight);
    const devtools = await context.newCDPSession(page);
    const clip = { x: 0, y: 0, width: viewport.width, height: Math.min(height, viewport.height * 1.6), scale: 1 };
    const { data } = await devtools.send("Page.captureScreenshot", { format: "webp", quality: 82, clip, captureBeyondViewport: true });
    writeFileSync(join(folder, `board-${name}.webp`), Buffer.from(data, "base64"));
    await context.close();
}

mkdirSync(folder, { recursive: true });
const browser = await chromium.launch({ executablePath: process.env.KEFU_CHROMIUM ?? "/usr/bin/chromium-headless-shell", args: ["--no-sandbox", "--disable-gpu"] });
for (const picture of PICTURES) await take(browser, picture);
await browser.close();
