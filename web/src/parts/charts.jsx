// Pictures of figures: distribution, hours of a day, a line through the month. Each says the same in words.
import uPlot from "uplot";
import { useEffect, useRef } from "preact/hooks";
import { NONE, period, points, share } from "../base/format.js";
import { lang, t } from "../base/i18n.js";
import { theme } from "../base/theme.js";
import { limit } from "../base/words.js";

// Buckets drawn together, so that a phone shows them: edges in ms up to which each bar goes, the last one open.
const EDGES = [5000, 10000, 15000, 20000, 30000, 45000, 60000, 120000, 300000];

export function bars(buckets) {
    const out = EDGES.map((edge) => ({ upto: edge, n: 0 }));
    out.push({ upto: null, n: 0 });
    for (const bucket of buckets) {
        const at = bucket.upto_ms == null ? -1 : EDGES.findIndex((edge) => bucket.upto_ms <= edge);
        out[at < 0 ? out.length - 1 : at].n += bucket.n;
    }
    return out;
}

function rangeOf(bar) {
    return bar.upto == null ? t("today.longer", { time: limit(EDGES[EDGES.length - 1]) }) : t("today.upto", { time: limit(bar.upto) });
}

const edge = (ms) => (ms < 60000 ? t("today.edge.s", { n: ms / 1000 }) : t("today.edge.min", { n: ms / 60000 }));

export function Distribution({ responses, targetMs }) {
    const list = bars(responses.buckets);
    const most = Math.max(1, ...list.map((bar) => bar.n));
    return (
        <ol class="bars" aria-label={t("today.chart")}>
            {list.map((bar, i) => {
                const late = bar.upto == null || bar.upto > targetMs;
                const border = late && i > 0 && list[i - 1].upto <= targetMs;
                return (
                    <li key={bar.upto} class={`${late ? "late" : ""}${border ? " border" : ""}`}>
                        <span class="unseen">{t("today.bar", { range: rangeOf(bar), n: bar.n })}</span>
                        <span class="bar-n" aria-hidden="true">
                            {bar.n || ""}
                        </span>
                        <svg class="bar" viewBox="0 0 10 100" preserveAspectRatio="none" aria-hidden="true">
                            <rect y={100 - (100 * bar.n) / most} width="10" height={Math.max(bar.n ? 2 : 0.6, (100 * bar.n) / most)} />
                        </svg>
                        <span class="bar-edge" aria-hidden="true">
                            {bar.upto == null ? `>${edge(EDGES[EDGES.length - 1])}` : edge(bar.upto)}
                        </span>
                    </li>
                );
            })}
        </ol>
    );
}

// 0 … 5: how many turns an hour had, of the busiest.
export const heatLevel = (n, most) => (n === 0 ? 0 : Math.max(1, Math.ceil((5 * n) / most)));

export function Heat({ heat }) {
    const turns = (hour) => hour.answered + hour.missed;
    const most = Math.max(1, ...heat.hours.map(turns));
    const words = (hour) =>
        turns(hour) === 0
            ? t("team.heat.none", { hour: hour.hour })
            : t("team.heat.hour", { hour: hour.hour, n: turns(hour), share: share(hour.within, turns(hour)) });
    return (
        <>
            <ol class="heat">
                {heat.hours.map((hour) => {
                    const n = turns(hour);
                    const poor = n > 0 && hour.within * 10 < n * 8;
                    return (
                        <li key={hour.hour} class={`heat-${heatLevel(n, most)}${poor ? " poor" : ""}`} title={words(hour)}>
                            <span class="unseen">{words(hour)}</span>
                            <span class="heat-n" aria-hidden="true">
                                {n || ""}
                            </span>
                            <span class="heat-hour" aria-hidden="true">
                                {hour.hour}
                            </span>
                        </li>
                    );
                })}
            </ol>
            <p class="hint heat-key" aria-hidden="true">
                {t("team.heat.low")} <i class="heat-1" /> <i class="heat-3" /> <i class="heat-5" /> {t("team.heat.high")}
                <span>{t("team.heat.line")}</span>
            </p>
        </>
    );
}

const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

function lineOptions(width, tiers, tell) {
    const day = (v) => String(new Date(v * 1000).getUTCDate());
    const axis = { stroke: css("--ink-2"), font: `12px ${css("--font")}`, grid: { stroke: css("--line"), width: 1 }, ticks: { show: false } };
    return {
        width,
        height: 190,
        tzDate: (s) => uPlot.tzDate(new Date(s * 1000), "UTC"),
        legend: { show: false },
        cursor: { y: false, points: { size: 7 } },
        scales: { y: { range: (_, low, high) => [Math.max(0, Math.floor((low - 4) / 5) * 5), Math.min(100, Math.ceil((high + 4) / 5) * 5)] } },
        axes: [
            { ...axis, grid: { show: false }, size: 28, space: 34, values: (_, list) => list.map(day), incrs: [1, 2, 5, 7, 10].map((n) => n * 86400) },
            { ...axis, size: 36, space: 34, values: (_, list) => list.map((v) => String(v)) },
        ],
        series: [{}, { stroke: css("--accent"), width: 2, fill: css("--accent-faint"), points: { size: 5, fill: css("--accent") }, spanGaps: true }],
        hooks: { draw: [(plot) => drawTiers(plot, tiers)], setCursor: [(plot) => tell(plot.cursor.idx)] },
    };
}

// The borders of the tiers, dashed, where they are in sight.
function drawTiers(plot, tiers) {
    const { ctx, bbox } = plot;
    ctx.save();
    ctx.strokeStyle = css("--ink-3");
    ctx.setLineDash([4 * devicePixelRatio, 4 * devicePixelRatio]);
    for (const tier of tiers) {
        const y = tier.min_milli / 1000;
        if (y <= plot.scales.y.min || y >= plot.scales.y.max) continue;
        const at = Math.round(plot.valToPos(y, "y", true));
        ctx.beginPath();
        ctx.moveTo(bbox.left, at);
        ctx.lineTo(bbox.left + bbox.width, at);
        ctx.stroke();
    }
    ctx.restore();
}

// `days`: [{day: "2026-03-02", total_milli | null}], in order.
export function MonthLine({ days, tiers }) {
    const box = useRef();
    const plot = useRef();
    const readout = useRef();
    const shown = useRef(days);
    shown.current = days;
    // What is under the pointer, else the latest day.
    const tell = (index) => {
        const one = shown.current[index ?? shown.current.length - 1];
        readout.current.textContent = one ? `${period(one.day, lang.value)}  ${one.total_milli == null ? NONE : points(one.total_milli)}` : "";
    };
    const hue = theme.value;
    const data = [days.map((one) => Date.parse(`${one.day}T00:00:00Z`) / 1000), days.map((one) => (one.total_milli == null ? null : one.total_milli / 1000))];
    useEffect(() => {
        const place = box.current;
        const drawn = new uPlot(lineOptions(place.clientWidth, tiers, tell), data, place);
        const fit = new ResizeObserver(() => drawn.setSize({ width: place.clientWidth, height: 190 }));
        fit.observe(place);
        plot.current = drawn;
        return () => {
            fit.disconnect();
            drawn.destroy();
        };
    }, [hue, tiers]);
    useEffect(() => {
        plot.current.setData(data);
        tell(null);
    }, [JSON.stringify(days), lang.value]);
    return (
        <figure class="line">
            <div ref={readout} class="line-readout" aria-hidden="true" />
            <div ref={box} class="line-plot" aria-hidden="true" />
            <div class="unseen">
            <table>
                <caption>{t("line.label")}</caption>
                <thead>
                    <tr>
                        <th scope="col">{t("line.day")}</th>
                        <th scope="col">{t("line.score")}</th>
                    </tr>
                </thead>
                <tbody>
                    {days.map((one) => (
                        <tr key={one.day}>
                            <th scope="row">{period(one.day, lang.value)}</th>
                            <td>{one.total_milli == null ? NONE : points(one.total_milli)}</td>
                        </tr>
                    ))}
                </tbody>
            </table>
            </div>
        </figure>
    );
}
