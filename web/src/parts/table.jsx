// A table that is sorted by its headings. Rows are drawn by the caller and known by key; when live figures move rows, the
// focus stays where the person put it.
import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { t } from "../base/i18n.js";
import { recall, remember } from "../base/prefs.js";

// Nothing sorts below every figure, in either direction; equal ones stay in the order of their ids.
export function compare(a, b) {
    if (a == null || b == null) return (a == null) - (b == null);
    return typeof a === "string" ? a.localeCompare(b, "zh-CN") : a - b;
}

export function sorted(ids, valueOf, down) {
    return [...ids].sort((a, b) => {
        const x = valueOf(a);
        const y = valueOf(b);
        const order = x == null || y == null ? compare(x, y) : compare(x, y) * (down ? -1 : 1);
        return order || (a < b ? -1 : 1);
    });
}

// {column, down} kept under `name` in this browser.
export function useSort(name, first) {
    const [sort, setSort] = useState(() => {
        const [column, down] = (recall(`sort.${name}`) ?? "").split(" ");
        return column ? { column, down: down === "down" } : first;
    });
    const by = (column, downFirst) => {
        const down = sort.column === column ? !sort.down : downFirst;
        remember(`sort.${name}`, `${column} ${down ? "down" : "up"}`);
        setSort({ column, down });
    };
    return [sort, by];
}

function Heading({ column, sort, by }) {
    const here = sort.column === column.name;
    const title = t(column.title);
    return (
        <th scope="col" class={column.class} aria-sort={here ? (sort.down ? "descending" : "ascending") : undefined}>
            <button type="button" onClick={() => by(column.name, column.down)} title={t("sort.by", { column: title })}>
                {title}
                <svg class={`arrow${here ? (sort.down ? " down" : " up") : ""}`} viewBox="0 0 10 10" aria-hidden="true">
                    <path d="M2 6.5L5 3.5L8 6.5" />
                </svg>
            </button>
        </th>
    );
}

// Moving a focused element in the document takes the focus from it: give it back, without scrolling.
function useFocusKept() {
    const had = useRef(null);
    had.current = document.activeElement;
    useLayoutEffect(() => {
        const element = had.current;
        if (element && element !== document.activeElement && element.isConnected) element.focus({ preventScroll: true });
    });
}

export function Table({ caption, columns, sort, by, children, foot }) {
    useFocusKept();
    return (
        <div class="scroll" role="group" aria-label={caption} tabindex="0">
            <table>
                <caption class="unseen">{caption}</caption>
                <thead>
                    <tr>
                        {columns.map((column) => (
                            <Heading key={column.name} column={column} sort={sort} by={by} />
                        ))}
                    </tr>
                </thead>
                <tbody>{children}</tbody>
                {foot}
            </table>
        </div>
    );
}
