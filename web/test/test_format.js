import assert from "node:assert/strict";
import test from "node:test";
import { clock, cut, duration, mean, NONE, period, points, share, yuan } from "../src/base/format.js";

test("a score is cut and never rounded up", () => {
    assert.equal(points(89999), "89.99");
    assert.equal(points(90000), "90.00");
    assert.equal(points(89995), "89.99");
    assert.equal(points(9), "0.00");
    assert.equal(points(100000), "100.00");
});

test("no score that is under a border shows as the border", () => {
    for (let milli = 89000; milli < 90000; milli++) assert.ok(points(milli) < "90", String(milli));
});

test("no data is no figure, and zero is one", () => {
    assert.equal(points(null), NONE);
    assert.equal(points(0), "0.00");
    assert.equal(share(0, 0), NONE);
    assert.equal(share(0, 3), "0.0%");
    assert.equal(mean(0, 0), NONE);
    assert.equal(duration(null, "s"), NONE);
    assert.equal(duration(0, "s"), "0.0 s");
    assert.equal(yuan(null), NONE);
});

test("a share is cut: 1,999 of 2,000 are not all", () => {
    assert.equal(share(1999, 2000), "99.9%");
    assert.equal(share(2000, 2000), "100.0%");
    assert.equal(share(2, 3), "66.6%");
});

test("fewer than nothing keeps its sign, and nothing has none", () => {
    assert.equal(cut(-1234, 100, 2), "−12.34");
    assert.equal(cut(-1, 1000, 2), "0.00");
});

test("a clock counts up and never below zero", () => {
    assert.equal(clock(-5), "0:00");
    assert.equal(clock(999), "0:00");
    assert.equal(clock(61000), "1:01");
    assert.equal(clock(3723000), "1:02:03");
});

test("money has thousands and two places", () => {
    assert.equal(yuan(200000), "2,000.00");
    assert.equal(yuan(123456789), "1,234,567.89");
    assert.equal(yuan(5), "0.05");
});

test("periods are named in the language", () => {
    assert.equal(period("2026-03", "zh-CN"), "2026年3月");
    assert.equal(period("2026-03-05", "en"), "Mar 5");
    assert.equal(period("2026-99", "en"), "2026-99");
    assert.equal(period("never", "en"), "never");
});
