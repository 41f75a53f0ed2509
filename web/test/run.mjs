// Runs the tests of the board's own code, without a browser: each test_*.js is bundled with what it tests (so that JSX can be
// tested by Node alone) and given to Node's test runner. Needs a folder to write to: TMPDIR, else the system's.
import { build } from "esbuild";
import { spawnSync } from "node:child_process";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const out = await mkdtemp(join(tmpdir(), "kefu-web-"));
const names = (await readdir(here)).filter((name) => name.startsWith("test_"));
await build({
    absWorkingDir: here,
    entryPoints: names,
    outdir: out,
    outExtension: { ".js": ".mjs" },
    bundle: true,
    platform: "node",
    format: "esm",
    jsx: "automatic",
    jsxImportSource: "preact",
    sourcemap: "inline",
    define: { "process.env.WEB": JSON.stringify(dirname(here)) },
});
const files = names.map((name) => join(out, name.replace(/js$/, "mjs")));
const { status } = spawnSync(process.execPath, ["--enable-source-maps", "--test", ...files], { stdio: "inherit" });
await rm(out, { recursive: true });
process.exit(status ?? 1);
