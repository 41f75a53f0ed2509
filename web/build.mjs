// Bundles the board: web/src -> OUT (default build/web/dist): index.html, licenses.txt, and assets/ whose names hold a hash of
// their content.
//
// Keeps true: the same sources give the same bytes; whatever index.html names is there; nothing in it is inline, so that the
// page runs under a policy that allows no inline script or style. Refuses: any warning of the bundler.
//
//   node build.mjs [OUT]
import { build } from "esbuild";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const out = resolve(process.argv[2] ?? join(here, "../build/web/dist"));

await rm(out, { recursive: true, force: true });
await mkdir(out, { recursive: true });
const result = await build({
    absWorkingDir: here,
    entryPoints: { app: "src/main.jsx", theme: "src/app.css", icon: "src/icon.svg" },
    outdir: join(out, "assets"),
    entryNames: "[name]-[hash]",
    assetNames: "[name]-[hash]",
    loader: { ".svg": "copy" },
    bundle: true,
    minify: true,
    format: "esm",
    // What an older browser of a shop's counter knows (2020 on).
    target: ["chrome87", "firefox85", "safari15"],
    jsx: "automatic",
    jsxImportSource: "preact",
    charset: "utf8",
    legalComments: "none",
    metafile: true,
    logLevel: "warning",
});
if (result.warnings.length > 0) process.exit(1);

// entry point as named above -> its file under assets/
const built = {};
for (const path of Object.keys(result.metafile.outputs)) {
    const name = basename(path);
    built[name.slice(0, name.lastIndexOf("-")) + name.slice(name.lastIndexOf("."))] = name;
}
// What others wrote and gave, with their words: /licenses.txt of every board.
const packages = new Set();
for (const path of Object.keys(result.metafile.inputs)) {
    const found = /node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(path);
    if (found) packages.add(found[1]);
}
const licenses = [...packages].sort().map(async (name) => `${name}\n\n${await readFile(join(here, "node_modules", name, "LICENSE"), "utf8")}\n`);
await writeFile(join(out, "licenses.txt"), (await Promise.all(licenses)).join("\n"));

const page = await readFile(join(here, "src/index.html"), "utf8");
const filled = page.replace(/\{\{([a-z.]+)\}\}/g, (_, name) => {
    if (!built[name]) throw new Error(`src/index.html asks for ${name}, which was not built`);
    return `/assets/${built[name]}`;
});
await writeFile(join(out, "index.html"), filled);
