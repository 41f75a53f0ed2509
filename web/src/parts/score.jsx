// The score as a ring: each KPI has an arc as wide as its weight, filled as far as its points reach. Beside it the KPIs in
// words. No data is a dotted arc and "–", never an empty one.
import { cut, points } from "../base/format.js";
import { t } from "../base/i18n.js";
import { page } from "../base/route.js";
import { kpiLabel, metricValue, tierLabel } from "../base/words.js";
import { Card, Tier } from "./bits.jsx";

const GAP = 1.2; // of a ring of 100

// [{name, start, width, filled}] of a ring of 100, in the KPIs' order.
export function arcs(kpis) {
    const weighted = kpis.filter((kpi) => kpi.weight_micro > 0);
    const sum = weighted.reduce((all, kpi) => all + kpi.weight_micro, 0);
    const gap = weighted.length > 1 ? GAP : 0;
    let start = 0;
    return weighted.map((kpi) => {
        const whole = (100 * kpi.weight_micro) / sum;
        const width = whole - gap;
        const arc = { name: kpi.name, start: start + gap / 2, width, filled: kpi.score_milli == null ? null : (width * kpi.score_milli) / 100000 };
        start += whole;
        return arc;
    });
}

function Arc({ class: tone, start, width }) {
    return <circle class={tone} cx="100" cy="100" r="86" pathLength="100" stroke-dasharray={`${width} ${100 - width}`} stroke-dashoffset={-start} />;
}

function Ring({ score, tier, provisional }) {
    const says = score.total == null ? t("score.label.none") : t("score.label", { total: score.total, tier: tierLabel(tier) });
    return (
        <div class="ring">
            <svg viewBox="0 0 200 200" role="img" aria-label={says}>
                <g transform="rotate(-90 100 100)">
                    {arcs(score.kpis).map((arc, i) => (
                        <g key={arc.name} class={`hue-${i % 6}`}>
                            <Arc class={arc.filled == null ? "arc arc-none" : "arc arc-rest"} start={arc.start} width={arc.width} />
                            {arc.filled > 0 && <Arc class="arc arc-full" start={arc.start} width={arc.filled} />}
                        </g>
                    ))}
                </g>
            </svg>
            <div class="ring-text">
                <span class="ring-total" data-score>
                    {score.total ?? t("app.unrated")}
                </span>
                {score.total != null && <span class="ring-of">{t("score.outof")}</span>}
                <Tier tier={tier} provisional={provisional} />
            </div>
        </div>
    );
}

function why(kpi) {
    if (kpi.den === 0 || kpi.value_micro == null) return t("score.nopart");
    if (kpi.score_milli == null) return t("score.fewsamples", { n: kpi.samples, min: kpi.min_samples });
    return t("score.part", { part: points(kpi.part_milli), max: points(kpi.part_max_milli, 0) });
}

function Kpi({ kpi, hue, href }) {
    const filled = kpi.score_milli == null ? 0 : kpi.score_milli / 1000;
    return (
        <li class={`kpi hue-${hue}`}>
            <a href={href} title={t("score.why.kpi", { kpi: kpiLabel(kpi) })}>
                <span class="kpi-name">
                    {kpiLabel(kpi)} <small>{t("score.weight", { n: cut(kpi.weight_micro, 1000000, 0) })}</small>
                </span>
                <span class="kpi-value">{metricValue(kpi.metric, kpi.value_micro)}</span>
                <svg class={`kpi-bar${kpi.score_milli == null ? " kpi-bar-none" : ""}`} viewBox="0 0 100 4" preserveAspectRatio="none" aria-hidden="true">
                    <rect class="rest" width="100" height="4" />
                    <rect class="full" width={filled} height="4" />
                </svg>
                <span class="kpi-why">{why(kpi)}</span>
            </a>
        </li>
    );
}

export function Score({ row }) {
    const { month, agent } = row;
    const to = (kpi) => `${page("agents", agent, "why", month.month)}?kpi=${encodeURIComponent(kpi.name)}`;
    const side = <span class="hint">{t("score.rulebook", { name: month.score.rulebook })}</span>;
    return (
        <Card id="score" class="score" title={t("score.title")} side={side}>
            <div class="score-body">
                <Ring score={month.score} tier={month.live_tier} provisional={month.provisional} />
                <ul class="kpis">
                    {month.score.kpis
                        .filter((kpi) => kpi.weight_micro > 0)
                        .map((kpi, i) => (
                            <Kpi key={kpi.name} kpi={kpi} hue={i % 6} href={to(kpi)} />
                        ))}
                </ul>
            </div>
        </Card>
    );
}
