import assert from "node:assert/strict";
import test from "node:test";
import { freshOf, isLoud, mayEnd, silenceable, sortOut } from "../src/alerts.js";
import { figure } from "../src/pages/alerts.jsx";

const one = (alert, state = "firing", more = {}) => ({ alert, state, ...more });

test("what is pending is no alert yet, what is held back or taken on is not loud", () => {
    const list = [one(1), one(0, "pending"), one(2, "acknowledged"), one(3, "firing", { muted: "silenced" }), one(4, "acknowledged", { muted: "quiet hours" })];
    const numbers = (rows) => rows.map((row) => row.alert);
    const { loud, taken, muted } = sortOut(list);
    assert.deepEqual([numbers(loud), numbers(taken), numbers(muted)], [[1], [2], [3, 4]]);
    assert.deepEqual(numbers(list.filter(isLoud)), [1]);
});

test("what was there when the page came is no news; what comes later is, once; what a silence held back is when it ends", () => {
    const held = one(3, "firing", { muted: "silenced" });
    let [fresh, known] = freshOf(undefined, [one(1), held]);
    assert.deepEqual(fresh, []);
    [fresh, known] = freshOf(known, [one(1), one(2), held]);
    assert.deepEqual(fresh.map((row) => row.alert), [2]);
    [fresh, known] = freshOf(known, [one(1), one(2), one(3)]);
    assert.deepEqual(fresh.map((row) => row.alert), [3]);
    [fresh, known] = freshOf(known, [one(1, "acknowledged"), one(2), one(3)]);
    assert.deepEqual(fresh, []);
});

test("a lead silences a person or a team led, never the house", () => {
    const keys = (row, all) => silenceable(row, all).map((choice) => choice.key);
    assert.deepEqual(keys({ agent: "amy", team: "A" }, false), ["agent", "team"]);
    assert.deepEqual(keys({ subject: "A", team: "A" }, false), ["team"]);
    assert.deepEqual(keys({}, false), []);
    assert.deepEqual(keys({}, true), ["all"]);
    assert.equal(mayEnd({ rule: "*" }, false), false);
    assert.equal(mayEnd({ rule: "*", team: "A" }, false), true);
    assert.equal(mayEnd({ rule: "*" }, true), true);
});

test("figures of alerts in their units", () => {
    assert.equal(figure(30.004, "seconds"), "30.0 秒");
    assert.equal(figure(180, "seconds"), "3:00");
    assert.equal(figure(0.455, "share"), "45.5%");
    assert.equal(figure(2, "stars"), "2.00 星");
    assert.equal(figure(89.999, "points"), "89.99 分");
    assert.equal(figure(31, "count"), "31");
});
