// Money of a month for payroll and the owner: the total by team and by shop, as it is and as projected; files; a rulebook on trial.
import { useEffect, useRef, useState } from "preact/hooks";
import { act, get, useData } from "../base/api.js";
import { period, points, yuan } from "../base/format.js";
import { lang, t } from "../base/i18n.js";
import { page, path } from "../base/route.js";
import { useAct } from "./act_form.jsx";
import { Card, Empty, Stat } from "./bits.jsx";
import { signed, tierNamed } from "./month_late.jsx";

// A plain table that needs no sorting. Columns: [{title, num, of(row)}].
export function Plain({ caption, columns, rows, rowKey }) {
    return (
        <div class="scroll" role="group" aria-label={caption} tabindex="0">
            <table class="plain">
                <caption class="unseen">{caption}</caption>
                <thead>
                    <tr>
                        {columns.map((one) => (
                            <th key={one.title} scope="col" class={one.num ? "num" : ""}>
                                {one.title}
                            </th>
                        ))}
                    </tr>
                </thead>
                <tbody>
                    {rows.map((row) => (
                        <tr key={rowKey(row)}>
                            {columns.map((one, i) =>
                                i === 0 ? (
                                    <th key={one.title} scope="row">
                                        {one.of(row)}
                                    </th>
                                ) : (
                                    <td key={one.title} class={one.num ? "num" : ""}>
                                        {one.of(row)}
                                    </td>
                                ),
                            )}
                        </tr>
                    ))}
                </tbody>
            </table>
        </div>
    );
}

// ---- the total ----

export function Bonus({ month, closed, mark }) {
    const { data, error } = useData(`/v1${path("pay", month, "bonus")}`, { mark });
    const money = [{ title: t(closed ? "pay.column.closed" : "bonus.now"), num: true, of: (row) => yuan(row.bonus_fen) }];
    if (!closed) money.push({ title: t("bonus.projected"), num: true, of: (row) => yuan(row.projected_fen) });
    const people = { title: t("bonus.people"), num: true, of: (row) => row.agents };
    const teams = [{ title: t("col.team"), of: (row) => row.team || t("bonus.noteam") }, people, ...money];
    const shops = [
        { title: t("col.shop"), of: (row) => row.shop || t("bonus.noshop") },
        people,
        { title: t("col.handled"), num: true, of: (row) => row.handled },
        ...money,
    ];
    return (
        <Card id="bonus" class="bonus" title={t("bonus.title")} side={<span class="hint">{t("pay.hint")}</span>}>
            {!data && <p class="loading">{t(error ? "pay.failed" : "app.loading")}</p>}
            {data && (
                <>
                    <dl class="stats">
                        <Stat name={t(closed ? "bonus.closed" : "bonus.now")}>¥{yuan(data.bonus_fen)}</Stat>
                        {!closed && <Stat name={t("bonus.projected")}>¥{yuan(data.projected_fen)}</Stat>}
                    </dl>
                    {!closed && <p class="hint">{t("bonus.hint")}</p>}
                    <Plain caption={t("bonus.byteam")} columns={teams} rows={data.teams} rowKey={(row) => row.team} />
                    {data.shops.some((row) => row.shop) && (
                        <>
                            <p class="hint">{t("bonus.shop.hint")}</p>
                            <Plain caption={t("bonus.byshop")} columns={shops} rows={data.shops} rowKey={(row) => row.shop} />
                        </>
                    )}
                </>
            )}
        </Card>
    );
}

// ---- files ----

const FILES = ["xlsx", "csv", "payroll", "frappe", "slips"];

function addressOf(month, one) {
    const to = `/v1${path("pay", month, "files", one === "frappe" ? "payroll" : one)}`;
    if (one === "frappe") return `${to}?columns=frappe`;
    return one === "slips" ? `${to}?lang=${lang.value === "en" ? "en" : "zh"}` : to;
}

export function Files({ month, closed }) {
    return (
        <Card id="files" title={t("files.title")} side={<span class="hint">{t("files.hint")}</span>}>
            {!closed && (
                <Empty sign="clock">
                    <strong>{t("files.none")}</strong>
                    <p>{t("files.none.hint")}</p>
                </Empty>
            )}
            {closed && (
                <ul class="files">
                    {FILES.map((one) => (
                        <li key={one}>
                            <a href={addressOf(month, one)} target={one === "slips" ? "_blank" : undefined} rel="noopener" download={one === "slips" ? undefined : ""}>
                                <b>{t(`files.${one}`)}</b>
                                <span class="hint">{t(`files.${one}.hint`)}</span>
                            </a>
                        </li>
                    ))}
                </ul>
            )}
            {closed && <p class="hint">{t("files.same")}</p>}
        </Card>
    );
}

// ---- a rulebook on trial ----

const pause = (ms) => new Promise((go) => setTimeout(go, ms));

// Begins and waits until it is done; `alive` says whether anybody still looks.
async function tryOut(text, alive) {
    const { id } = await act("POST", "/v1/backtests", text);
    for (let ms = 200; alive(); ms = Math.min(ms * 1.5, 3000)) {
        await pause(ms);
        const found = await get(`/v1${path("backtests", id)}`);
        if (found.state !== "running") return found;
    }
    return null;
}

function Outcome({ result }) {
    const more = result.then_fen - result.was_fen;
    const columns = [
        { title: t("col.name"), of: (row) => <a href={page("agents", row.agent, "why", row.month)}>{row.name || row.agent}</a> },
        { title: t("trial.month"), of: (row) => row.month },
        { title: t("trial.score"), num: true, of: (row) => `${points(row.was.total_milli)} → ${points(row.then.total_milli)}` },
        { title: t("col.tier"), of: (row) => `${tierNamed(row.was.tier)} → ${tierNamed(row.then.tier)}` },
        { title: t("trial.difference"), num: true, of: (row) => signed(row.difference_fen) },
    ];
    return (
        <div class="outcome">
            <dl class="stats">
                <Stat name={t("trial.changed")}>{result.changed}</Stat>
                <Stat name={t("trial.was")}>¥{yuan(result.was_fen)}</Stat>
                <Stat name={t("trial.then", { name: result.rulebook })}>¥{yuan(result.then_fen)}</Stat>
                <Stat name={t("trial.difference")}>{signed(more)}</Stat>
            </dl>
            <p class="hint">
                {t("trial.months", { list: result.months.map((one) => period(one.month, lang.value)).join(t("lang.comma")) })} {t("trial.facts")}
            </p>
            {result.rows.length > 0 ? (
                <Plain caption={t("trial.title")} columns={columns} rows={result.rows} rowKey={(row) => `${row.month} ${row.agent}`} />
            ) : (
                <p class="loading">{t("trial.same")}</p>
            )}
        </div>
    );
}

export function Trial() {
    const [text, setText] = useState("");
    const [name, setName] = useState("");
    const [found, setFound] = useState(null);
    const [busy, wrong, run] = useAct();
    const alive = useRef(true);
    useEffect(() => () => (alive.current = false), []);
    const take = async (file) => {
        if (!file) return;
        setText(await file.text());
        setName(file.name);
    };
    const submit = (event) => {
        event.preventDefault();
        setFound(null);
        run(() => tryOut(text, () => alive.current), setFound);
    };
    return (
        <Card id="trial" title={t("trial.title")} side={<span class="hint">{t("pay.hint")}</span>}>
            <form class="act-form flat" aria-label={t("trial.title")} onSubmit={submit}>
                <p>{t("trial.text")}</p>
                <div class="alert-acts">
                    <label class="quiet file-pick">
                        {t("trial.file")}
                        <input class="unseen" type="file" accept=".json,application/json" onChange={(event) => take(event.currentTarget.files[0])} />
                    </label>
                    <span class="hint">{name}</span>
                </div>
                <label for="trial-text">
                    {t("trial.paste")}
                    <textarea id="trial-text" rows="8" spellcheck={false} value={text} placeholder='{"name": "2026-draft", "response_target_ms": 45000}' onInput={(event) => setText(event.currentTarget.value)} />
                </label>
                <p class="wrong" role="alert">
                    {wrong || (found && found.state !== "done" ? t(`trial.${found.state}`, { why: found.error }) : "")}
                </p>
                <div class="alert-acts">
                    <button type="submit" class="primary" disabled={busy || !text.trim()}>
                        {t(busy ? "trial.busy" : "trial.run")}
                    </button>
                </div>
            </form>
            <div role="status">{found?.state === "done" && <Outcome result={found.result} />}</div>
        </Card>
    );
}
