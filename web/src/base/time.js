// The server's time in the page. Seconds that pass are counted here and never pushed.
//
// Each snapshot names the instant at which it was made. A snapshot can only arrive late, never early, so of all differences
// between that instant and our monotonic clock the greatest is nearest the truth. The person's wall clock plays no part.
import { signal } from "@preact/signals";

let ahead = -Infinity; // server's time less performance.now(), ms

// The server's time, moved on once a second while the page is seen. Who reads it is drawn again then, and only who reads it.
export const tick = signal(0);

export function learnTime(serverMs, monoMs = performance.now()) {
    const first = !knowTime();
    ahead = Math.max(ahead, serverMs - monoMs);
    if (first) tick.value = serverMs;
}

// After a break the server's clock may have been set: forget and learn anew.
export function forgetTime() {
    ahead = -Infinity;
}

export const knowTime = () => ahead !== -Infinity;
export const serverNow = (monoMs = performance.now()) => ahead + monoMs;

export function startTicking() {
    const step = () => {
        if (!document.hidden && knowTime()) tick.value = serverNow();
        setTimeout(step, 1000 - (knowTime() ? Math.floor(serverNow()) % 1000 : 0));
    };
    document.addEventListener("visibilitychange", () => {
        if (!document.hidden && knowTime()) tick.value = serverNow();
    });
    step();
}
