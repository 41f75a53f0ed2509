// A small shop for the browser tests: a real redis-server, a real kefud with a board, a real Chromium.
//
// One world serves all tests; each has agents and a team of its own. Keeps true: everything lives under TMPDIR and listens on
// loopback or a socket; what was started is ended by its process id. Its time zone is one in which it is about noon now, so
// that no test meets the end of a day. Nothing here sleeps: it awaits what must come, and fails when it does not.
import { execFileSync, spawn } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { chromium } from "playwright-core";

const build = process.env.KEFU_BUILD;
const room = process.env.TMPDIR;
const config = join(room, "kefud.json");
const redisSocket = join(room, "redis.sock");
const LIMIT_MS = 15000;

const options = {};
let listen = "127.0.0.1:0";

let redis;
let daemon;
let ingest;
export let browser;
export let origin;

// Awaits a condition; says what did not come.
export async function until(what, condition, limitMs = LIMIT_MS) {
    for (const end = Date.now() + limitMs; ; ) {
        const found = await condition();
        if (found) return found;
        if (Date.now() > end) throw new Error(`did not come in ${limitMs} ms: ${what}`);
        await pause(20);
    }
}

function noonZone() {
    const ahead = 12 - new Date().getUTCHours();
    return `Etc/GMT${ahead > 0 ? "-" : "+"}${Math.abs(ahead)}`;
}

function writeConfig() {
    const members = {
        site: "晨光小店",
        state_dir: join(room, "state"),
        run_dir: room,
        http_listen: listen,
        redis_address: `unix:${redisSocket}`,
        timezone: noonZone(),
        conversation_url: "https://chat.example.cn/c/{conversation}",
        ...options,
    };
    writeFileSync(config, JSON.stringify(members));
}

export async function startRedis() {
    redis = spawn("redis-server", ["--port", "0", "--unixsocket", redisSocket, "--dir", room, "--save", "", "--daemonize", "no"], { stdio: "ignore" });
    await until("an answer of Redis", () => {
        try {
            return execFileSync("redis-cli", ["-s", redisSocket, "PING"], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).includes("PONG");
        } catch {
            return false;
        }
    });
}

const ended = (child) => new Promise((done) => (child.exitCode != null || child.signalCode != null ? done() : child.once("exit", done)));

export async function endRedis(signal = "SIGKILL") {
    redis.kill(signal);
    await ended(redis);
}

export async function startDaemon() {
    writeConfig();
    const log = join(room, `kefud.${Date.now()}.log`);
    writeFileSync(log, "");
    daemon = spawn(join(build, "kefud"), ["-c", config], { stdio: ["ignore", "ignore", "pipe"] });
    let said = "";
    daemon.stderr.on("data", (bytes) => {
        said += bytes;
        writeFileSync(log, said);
    });
    const ready = await until("kefud is ready", () => {
        if (daemon.exitCode != null) throw new Error(`kefud ended: ${said}`);
        return /evt=ready.* http=(\S+)/.exec(said);
    });
    origin = `http://${ready[1]}`;
}

export async function endDaemon(signal = "SIGTERM") {
    listen = new URL(origin).host; // the next one comes back where the pages look for it
    daemon.kill(signal);
    await ended(daemon);
}

export function kefuctl(...words) {
    return execFileSync(join(build, "kefuctl"), [...words, "-c", config], { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] }).trim();
}

// Changes an option of the running daemon.
export function setOption(name, value) {
    options[name] = value;
    writeConfig();
    kefuctl("reload");
}

export const token = (role, ...words) => kefuctl("token", "add", "--role", role, ...words);

export async function startWorld() {
    mkdirSync(join(room, "state"), { recursive: true });
    await startRedis();
    await startDaemon();
    ingest = token("ingest");
    const quiet = ["--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];
    browser = await chromium.launch({ executablePath: process.env.KEFU_CHROMIUM ?? "/usr/bin/chromium-headless-shell", args: ["--no-sandbox", ...quiet] });
}

export async function endWorld() {
    await browser?.close();
    if (daemon) await endDaemon();
    if (redis) await endRedis("SIGTERM");
}

// ---- what happens in the shop ----

let number = 0;
const id = () => `e${(number += 1)}`;

// Sends events; all of them must be taken.
export async function post(...events) {
    const lines = events.flat().map((event) => JSON.stringify({ id: id(), ...event }));
    const answer = await fetch(`${origin}/v1/events`, { method: "POST", headers: { Authorization: `Bearer ${ingest}` }, body: lines.join("\n") });
    const said = await answer.json();
    if (answer.status !== 200 || said.accepted !== lines.length) throw new Error(`events were not taken: ${answer.status} ${JSON.stringify(said)}`);
}

export const profile = (agent, name, team) => ({ ts: Date.now() - 3600000, type: "agent.profile", agent, name, team, employee_no: `A-${agent}` });
export const status = (agent, word) => ({ ts: Date.now() - 3600000, type: "agent.status", agent, status: word });
export const assigned = (conversation, agent, ts) => ({ ts, type: "conversation.assigned", conversation, agent });
export const asks = (conversation, ts = Date.now()) => ({ ts, type: "message", conversation, from: "customer", customer: `u-${conversation}`, text: "在吗?" });
export const answers = (conversation, agent, ts = Date.now()) => ({ ts, type: "message", conversation, from: "agent", agent, text: "您好" });
export const order = (name, agent, kind = "cross") => ({ ts: Date.now(), type: "order", order: name, agent, kind, amount_fen: 9900, state: "paid" });

// A conversation from question to rating, at a time in the last hour.
export function served(conversation, agent, { minutesAgo = 30, replyMs = 5000, stars } = {}) {
    const begun = Date.now() - minutesAgo * 60000;
    const events = [assigned(conversation, agent, begun), asks(conversation, begun + 1000), answers(conversation, agent, begun + 1000 + replyMs)];
    events.push({ ts: begun + 60000, type: "conversation.resolved", conversation, agent });
    if (stars) events.push({ ts: begun + 70000, type: "rating", conversation, score: stars, agent });
    return events;
}

// A customer waits for this agent, since so many seconds.
export function waits(conversation, agent, secondsAgo = 0) {
    const at = Date.now() - secondsAgo * 1000;
    return [assigned(conversation, agent, at - 1), asks(conversation, at)];
}

// ---- what people look at ----

// What a browser says of a page; `expected` are what a test provokes.
function listenTo(page, troubles) {
    page.on("pageerror", (error) => troubles.push(`error: ${error.message}`));
    page.on("console", (message) => {
        if (message.type() === "error") troubles.push(`console: ${message.text()} ${message.location().url}`);
    });
}

const LOGGED_OUT = /status of 401 .*\/v1\/session$/; // how a page finds out that nobody is logged in

// A browser of one person: {page, context, logIn(token), troubles(), close()}. `as`: a token to be logged in with at once.
export async function person({ as, lang = "zh-CN", theme = "light", width = 1280, height = 900, policy = true } = {}) {
    const context = await browser.newContext({ viewport: { width, height }, locale: lang, colorScheme: theme, bypassCSP: !policy, baseURL: origin });
    context.setDefaultTimeout(LIMIT_MS);
    const logIn = async (key) => {
        const answer = await context.request.post("/v1/session", { data: { token: key } });
        if (!answer.ok()) throw new Error(`no log-in: ${answer.status()}`);
    };
    if (as) await logIn(as);
    const page = await context.newPage();
    const troubles = [];
    listenTo(page, troubles);
    await page.addInitScript(() => {
        addEventListener("securitypolicyviolation", (event) => console.error(`policy: ${event.violatedDirective} ${event.blockedURI}`));
    });
    const found = (expected) => troubles.filter((text) => !LOGGED_OUT.test(text) && !expected?.test(text));
    return { page, context, logIn, troubles: found, close: () => context.close() };
}

export const readText = (path) => readFileSync(path, "utf8");
