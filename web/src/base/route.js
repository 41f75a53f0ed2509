// Which page: the path of the address bar. /me/, /team/NAME/, /month/2026-03/, /agents/ID/, /agents/ID/why/2026-03/?kpi=NAME.
import { signal } from "@preact/signals";

const read = () => ({
    parts: location.pathname.split("/").filter(Boolean).map(safeDecode),
    query: new URLSearchParams(location.search),
});

function safeDecode(text) {
    try {
        return decodeURIComponent(text);
    } catch {
        return text;
    }
}

export const route = signal({ parts: [], query: new URLSearchParams() });

// path("agents", "li na") is "/agents/li%20na"
export const path = (...parts) => `/${parts.map(encodeURIComponent).join("/")}`;

// The address of a page: it ends in a slash, since the daemon takes a last word with a dot ("/agents/li.na") for a file.
export const page = (...parts) => `${path(...parts)}/`;

export function go(to, { replace = false } = {}) {
    history[replace ? "replaceState" : "pushState"](null, "", to);
    route.value = read();
}

// Plain clicks on our own links change the page without loading it; all others are the browser's.
export function startRoute() {
    route.value = read();
    addEventListener("popstate", () => {
        route.value = read();
    });
    document.addEventListener("click", (event) => {
        const link = event.target.closest?.("a[href]");
        if (!link || link.target || link.hasAttribute("download") || link.origin !== location.origin || event.defaultPrevented) return;
        if (event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
        if (link.hash && link.pathname === location.pathname) return;
        event.preventDefault();
        go(link.pathname + link.search);
        scrollTo(0, 0);
        document.getElementById("main")?.focus({ preventScroll: true });
    });
}
