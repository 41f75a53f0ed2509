import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { fill, label, pickLanguage } from "../src/base/i18n.js";
import { metricNeed, metricValue } from "../src/base/words.js";
import en from "../src/i18n/en.js";
import zh from "../src/i18n/zh.js";
import { lang } from "../src/base/i18n.js";

const places = (text) => [...text.matchAll(/\{(\w+)\}/g)].map((found) => found[1]);

test("both languages have the same keys", () => {
    assert.deepEqual(Object.keys(en).sort(), Object.keys(zh).sort());
});

test("no text is empty", () => {
    for (const [key, text] of [...Object.entries(zh), ...Object.entries(en)]) assert.ok(text.length > 0, key);
});

test("a text and its translation are filled with the same values", () => {
    for (const key of Object.keys(zh)) assert.deepEqual([...new Set(places(en[key]))].sort(), [...new Set(places(zh[key]))].sort(), key);
});

function sources(folder) {
    return readdirSync(folder, { withFileTypes: true }).flatMap((one) =>
        one.isDirectory() ? sources(join(folder, one.name)) : /\.jsx?$/.test(one.name) ? [join(folder, one.name)] : [],
    );
}

test("each word the pages ask for by name is there", () => {
    for (const file of sources(join(process.env.WEB, "src"))) {
        for (const [, key] of readFileSync(file, "utf8").matchAll(/\bt\("([^"]+)"/g)) assert.ok(key in zh, `${file}: ${key}`);
    }
});

test("each word is asked for somewhere", () => {
    const all = sources(join(process.env.WEB, "src")).filter((file) => !file.includes("i18n")).map((file) => readFileSync(file, "utf8")).join("\n");
    const begun = [...all.matchAll(/[`"]([a-z.]+\.)\$\{/g)].map((found) => found[1]);
    for (const key of Object.keys(zh)) assert.ok(all.includes(`"${key}"`) || begun.some((start) => key.startsWith(start)), key);
});

test("each code by which the daemon refuses has its words, and no other", () => {
    const said = JSON.parse(readFileSync(join(process.env.WEB, "..", "docs", "openapi.json"), "utf8")).components.schemas.Error.properties.code.enum;
    const daemon = join(process.env.WEB, "..", "daemon");
    const given = readdirSync(daemon).filter((name) => name.endsWith(".c")).flatMap((name) => [...readFileSync(join(daemon, name), "utf8").matchAll(/err_refuse\(\s*&?e,\s*"(\w+)"/g)].map((found) => found[1]));
    assert.deepEqual(said, [...new Set(given)].sort(), "docs/openapi.json and the daemon");
    assert.deepEqual(said, Object.keys(zh).filter((key) => key.startsWith("refused.")).map((key) => key.slice(8)).sort());
});

test("values are filled in, and words after a count follow it", () => {
    assert.equal(fill("{n} {n|customer|customers}", { n: 1 }), "1 customer");
    assert.equal(fill("{n} {n|customer|customers}", { n: 2 }), "2 customers");
    assert.equal(fill("{a}{b}", { a: "x" }), "x");
});

test("the language is what was chosen, else the browser's, else Chinese", () => {
    assert.equal(pickLanguage("en", ["zh-CN"]), "en");
    assert.equal(pickLanguage(null, ["fr", "en-GB", "zh"]), "en");
    assert.equal(pickLanguage(null, ["zh-Hant-TW", "en"]), "zh-CN");
    assert.equal(pickLanguage("xx", ["fr"]), "zh-CN");
});

test("a label falls back to the other language, then to the name", () => {
    assert.equal(label({ zh: null, en: "Good" }, "good"), "Good");
    assert.equal(label({ zh: "良好", en: null }, "good"), "良好");
    assert.equal(label({ zh: null, en: null }, "good"), "good");
});

test("a value is cut, a value to be reached is never shown as less", () => {
    lang.value = "en";
    assert.equal(metricValue("reply_within_rate", 962345), "96.2%");
    assert.equal(metricNeed("reply_within_rate", 962345), "96.3%");
    assert.equal(metricNeed("reply_within_rate", 960000), "96.0%");
    assert.equal(metricValue("rating_mean", 4512820), "4.51 stars");
    assert.equal(metricNeed("rating_mean", 4512820), "4.52 stars");
    assert.equal(metricNeed("response_mean_seconds", 12390000), "12.3 s");
    assert.equal(metricValue("cross_sell_orders", 3000000), "3 orders");
    assert.equal(metricValue("rating_mean", null), "–");
    lang.value = "zh-CN";
});
