// Figures as people read them. Keeps true: what is cut is cut and never rounded up, so that no score shows 90.00 under a
// tier of 90; no data is "–" (or null where the caller has words of its own) and never 0. Integers in, text out.

export const NONE = "–";

// A whole number of `unit`ths with `places` decimals, cut towards zero: cut(89999, 1000, 2) is "89.99".
export function cut(whole, unit, places) {
    if (whole == null) return NONE;
    const scaled = Math.floor((Math.abs(whole) * 10 ** places) / unit);
    const digits = String(scaled).padStart(places + 1, "0");
    const head = digits.slice(0, digits.length - places);
    const sign = whole < 0 && scaled > 0 ? "−" : "";
    return sign + (places > 0 ? `${head}.${digits.slice(-places)}` : head);
}

export const points = (milli, places = 2) => cut(milli, 1000, places);

// A share as per cent, cut: share(1999, 2000) is "99.9%". Nothing of nothing is no data.
export function share(num, den, places = 1) {
    if (num == null || !den) return NONE;
    return `${cut(num * 100, den, places)}%`;
}

// A mean of whole numbers, cut.
export const mean = (num, den, places = 2) => (num == null || !den ? NONE : cut(num, den, places));

// A clock that counts up: 0:07, 12:05, 1:02:03. Below a second it stands at 0:00; never negative.
export function clock(ms) {
    const s = Math.max(0, Math.floor(ms / 1000));
    const two = (n) => String(n).padStart(2, "0");
    const h = Math.floor(s / 3600);
    const m = Math.floor(s / 60) % 60;
    return h > 0 ? `${h}:${two(m)}:${two(s % 60)}` : `${m}:${two(s % 60)}`;
}

// A measured time: tenths under a minute, else a clock. `unit` is the word for seconds.
export function duration(ms, unit) {
    if (ms == null) return NONE;
    return ms < 60000 ? `${cut(ms, 1000, 1)} ${unit}` : clock(ms);
}

// Money of the pay pages, from fen: 1,234.50.
export function yuan(fen) {
    if (fen == null) return NONE;
    const text = cut(fen, 100, 2);
    return text.replace(/\d(?=(\d{3})+\.)/g, "$&,");
}

const formats = new Map();
function dateFormat(lang, zone, options) {
    const key = lang + zone + JSON.stringify(options);
    if (!formats.has(key)) formats.set(key, new Intl.DateTimeFormat(lang, { timeZone: zone, ...options }));
    return formats.get(key);
}

const timeOptions = { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" };

export const timeOfDay = (ms, lang, zone) => (ms == null ? NONE : dateFormat(lang, zone, timeOptions).format(ms));

export function dateTime(ms, lang, zone) {
    if (ms == null) return NONE;
    return dateFormat(lang, zone, { month: "2-digit", day: "2-digit", ...timeOptions }).format(ms);
}

// The same with its year, without seconds: of what stands for good.
export const fullTime = (ms, lang, zone) => (ms == null ? NONE : dateFormat(lang, zone, { year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", hourCycle: "h23" }).format(ms));

// "2026-03" as a month, "2026-03-05" as a day, in words of the language; what is neither stays as it is.
export function period(text, lang) {
    if (!text) return NONE;
    const at = Date.parse(text.length === 7 ? `${text}-01T00:00:00Z` : `${text}T00:00:00Z`);
    if (Number.isNaN(at)) return text;
    const options = text.length === 7 ? { year: "numeric", month: "long" } : { month: "short", day: "numeric" };
    return dateFormat(lang, "UTC", options).format(at);
}
