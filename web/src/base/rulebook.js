// The rules in force this month: the order of the tiers, the limits. Asked for when a session begins, and every hour, since a
// board may stay open over a month's end.
import { signal } from "@preact/signals";
import { get } from "./api.js";

export const rulebook = signal(null);

export async function loadRulebook() {
    rulebook.value = await get("/v1/rulebook").catch(() => rulebook.value);
}

// 0 for the lowest tier to 3 for the highest, whatever their number.
export function tierRank(name, tiers = rulebook.value?.tiers ?? []) {
    const at = tiers.findIndex((tier) => tier.name === name); // highest first
    if (at < 0) return "none";
    return tiers.length < 2 ? 3 : Math.round((3 * (tiers.length - 1 - at)) / (tiers.length - 1));
}
