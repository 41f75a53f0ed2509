// What a person chose in this browser: language, theme, how a table is sorted. A browser that keeps nothing is no error.

export function recall(name) {
    try {
        return localStorage.getItem(`kefu.${name}`);
    } catch {
        return null;
    }
}

export function remember(name, value) {
    try {
        localStorage.setItem(`kefu.${name}`, value);
    } catch {
        // private window: it holds until the page closes
    }
}
