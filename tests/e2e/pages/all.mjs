// All browser tests in one process and one world, one after the other. Run by tests/e2e/test_pages.sh.
import { after, before } from "node:test";
import { endWorld, startWorld } from "./world.mjs";

before(startWorld);
after(endWorld);
await import("./me.mjs");
await import("./team.mjs");
await import("./month.mjs");
await import("./close.mjs");
await import("./alerts.mjs");
await import("./looks.mjs");
await import("./load.mjs");
await import("./outage.mjs");
