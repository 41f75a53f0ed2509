// Figures of the rulebook's metrics in words: what has a unit, what is a share, who is called what.
import { cut, duration, NONE } from "./format.js";
import { has, label, t } from "./i18n.js";

const KINDS = {
    response_mean_seconds: "seconds",
    first_response_mean_seconds: "seconds",
    rating_mean: "stars",
    cross_sell_orders: "orders",
};

function print(metric, micro, up) {
    if (micro == null) return NONE;
    const step = (unit, places) => cut(up ? Math.ceil(micro / 10 ** (6 - places)) : Math.floor(micro / 10 ** (6 - places)), unit, places);
    switch (KINDS[metric]) {
        case "seconds":
            return `${step(10, 1)} ${t("unit.s")}`;
        case "stars":
            return `${step(100, 2)} ${t("unit.star")}`;
        case "orders":
            return `${step(1, 0)} ${t("unit.order", { n: micro / 1000000 })}`;
        default:
            return `${cut(up ? Math.ceil(micro / 1000) : Math.floor(micro / 1000), 10, 1)}%`;
    }
}

// A metric's value as it stands: cut.
export const metricValue = (metric, micro) => print(metric, micro, false);

// A value to be reached: never shown as less than what is needed. Of times less is better, so those are cut.
export const metricNeed = (metric, micro) => print(metric, micro, KINDS[metric] !== "seconds");

export const kpiLabel = (kpi) => label(kpi.label, kpi.name);
export const tierLabel = (tier) => (tier ? label(tier.label, tier.name) : t("app.unrated"));
export const wordOr = (key, name) => (has(key) ? t(key) : name); // of the rulebook's own words, such as perks
export const nameOf = (row) => row.name || row.agent;
export const seconds = (ms) => duration(ms, t("unit.s"));

// A round limit, such as a target or a bucket's edge: 30 秒, 10 m.
export function limit(ms) {
    if (ms == null) return NONE;
    const min = ms / 60000;
    return ms >= 60000 && Number.isInteger(min) ? `${min} ${t("unit.min")}` : `${cut(ms, 1000, ms % 1000 ? 1 : 0)} ${t("unit.s")}`;
}
