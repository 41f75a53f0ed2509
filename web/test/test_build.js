import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "node:test";
import { gzipSync } from "node:zlib";

const web = process.env.WEB;

function built() {
    const out = mkdtempSync(join(tmpdir(), "kefu-dist-"));
    const { status, stderr } = spawnSync(process.execPath, [join(web, "build.mjs"), out]);
    assert.equal(status, 0, String(stderr));
    const files = new Map(["index.html", "licenses.txt"].map((name) => [name, readFileSync(join(out, name))]));
    for (const name of readdirSync(join(out, "assets"))) files.set(`assets/${name}`, readFileSync(join(out, "assets", name)));
    rmSync(out, { recursive: true });
    return files;
}

test("the same sources give the same files", () => {
    assert.deepEqual(built(), built());
});

test("all that a first paint needs is under 100 KB compressed", (t) => {
    let sum = 0;
    for (const [name, bytes] of built()) if (name !== "licenses.txt") sum += gzipSync(bytes, { level: 9 }).length;
    t.diagnostic(`${sum} bytes`);
    assert.ok(sum < 100 * 1024, `${sum} bytes`);
});

test("the page holds nothing inline and names nothing of another host", () => {
    const files = built();
    const page = files.get("index.html").toString();
    assert.doesNotMatch(page, /<script(?![^>]*\ssrc=)|<style|\sstyle=|\son[a-z]+=|https?:\/\//);
    for (const [, name] of page.matchAll(/(?:src|href)="\/([^"]+)"/g)) assert.ok(files.has(name), name);
});

test("the licenses of all that is in it are beside it", () => {
    const text = built().get("licenses.txt").toString();
    for (const name of ["preact", "@preact/signals", "@preact/signals-core", "uplot"]) assert.ok(text.split("\n").includes(name), name);
    assert.equal(text.match(/Permission is hereby granted/g).length, 4);
});

test("the script makes no inline style and runs no text as code", () => {
    for (const [name, bytes] of built()) {
        if (name.endsWith(".js")) assert.doesNotMatch(bytes.toString(), /\beval\(|new Function|setAttribute\("style"|insertAdjacentHTML/, name);
    }
});

for (const folder of [web, join(web, "../tests/e2e/pages")]) {
    test(`${folder.endsWith("web") ? "the board's" : "the browser tests'"} packages are pinned, and their lock names no address`, () => {
        const wanted = JSON.parse(readFileSync(join(folder, "package.json")));
        for (const version of Object.values({ ...wanted.dependencies, ...wanted.devDependencies })) assert.match(version, /^\d+\.\d+\.\d+$/);
        const lock = JSON.parse(readFileSync(join(folder, "package-lock.json")));
        for (const [name, one] of Object.entries(lock.packages)) {
            assert.equal(one.resolved, undefined, name);
            if (name !== "") assert.ok(one.integrity, name);
        }
    });
}
