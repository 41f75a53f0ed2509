/* Trees of JSON for what people write: rulebooks, configs, tokens.
 *
 * Every text goes through json_scan before cJSON sees it, so that cJSON's leniency never decides anything. Comments are
 * blanked byte by byte in a copy: lines and columns stay those of the file. Refuses files longer than the caller allows. */
#include "kefu/base/json.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kefu/base/mem.h"
#include "kefu/base/utf8.h"

/* A checked text as a tree. The grammar was right, so what cJSON may still not read whole is a number over its own limit:
 * some versions take 63 characters and leave the rest standing. */
static cJSON *tree_of(struct str text, struct err *e)
{
    const char *end = text.p;
    cJSON *tree = cJSON_ParseWithLengthOpts(text.p, text.n, &end, 0);
    if (tree && (end == text.p + text.n || strchr(" \t\r\n", *end))) {
        return tree;
    }
    cJSON_Delete(tree);
    err_set(e, "", "found a number of more than 63 characters, expected a shorter one");
    return NULL;
}

cJSON *json_parse(struct str text, struct err *e)
{
    return json_check(text, JSON_DEPTH_MAX, e) ? NULL : tree_of(text, e);
}

/* --- mending ------------------------------------------------------------------------------------------------------ */

/* The code of \uXXXX at p; -1: it is none. */
static int32_t code_of(const char *p, const char *end)
{
    int32_t code = 0;
    if (end - p < 6 || p[0] != '\\' || p[1] != 'u') {
        return -1;
    }
    for (int i = 2; i < 6; i++) {
        const char *digits = "0123456789abcdef", *at = p[i] ? strchr(digits, p[i] | 0x20) : NULL;
        if (!at || (p[i] < '0')) {
            return -1;
        }
        code = code * 16 + (int32_t)(at - digits);
    }
    return code;
}

/* The escape at p; returns its length. */
static size_t mend_escape(char *p, const char *end)
{
    static const char odd[] = {'\\', 'u', 'f', 'f', 'f', 'd'};
    int32_t code = code_of(p, end), low = code_of(p + (end - p < 6 ? end - p : 6), end);
    if (code < 0) {
        return end - p < 2 ? 1 : 2;
    }
    if (code >= 0xD800 && code < 0xDC00 && low >= 0xDC00 && low < 0xE000) {
        return 12;
    }
    if (code == 0 || (code >= 0xD800 && code < 0xE000)) {
        memcpy(p, odd, sizeof odd);
    }
    return 6;
}

/* The character at p, inside a string; returns its length. */
static size_t mend_character(char *p, const char *end)
{
    if (*p == '\\') {
        return mend_escape(p, end);
    }
    size_t n = utf8_length(p, end);
    if (n == 0) {
        *p = '?';
    } else if ((unsigned char)*p < 0x20) {
        *p = ' ';
    }
    return n ? n : 1;
}

static void mend(char *p, const char *end)
{
    bool quoted = false;
    while (p < end) {
        if (*p == '"') {
            quoted = !quoted;
            p++;
        } else {
            p += quoted ? mend_character(p, end) : 1;
        }
    }
}

cJSON *json_parse_mended(struct str text, struct err *e)
{
    cJSON *tree = json_parse(text, e);
    if (tree || text.n == 0) {
        return tree;
    }
    char *copy = xmalloc(text.n);
    memcpy(copy, text.p, text.n);
    mend(copy, copy + text.n);
    tree = json_parse((struct str){copy, text.n}, e);
    free(copy);
    return tree;
}

/* --- files of people ---------------------------------------------------------------------------------------------- */

/* Behind a string that begins at p: a quote, or the end of the text. */
static char *string_end(char *p, char *end)
{
    for (p++; p < end && *p != '"'; p++) {
        if (*p == '\\' && p + 1 < end) {
            p++;
        }
    }
    return p < end ? p + 1 : end;
}

/* Behind the comment that begins at p, or NULL if it does not end. */
static char *comment_end(char *p, char *end)
{
    if (p[1] == '/') {
        char *newline = memchr(p, '\n', (size_t)(end - p));
        return newline ? newline : end;
    }
    char *close = memmem(p + 2, (size_t)(end - p - 2), "*/", 2);
    return close ? close + 2 : NULL;
}

static bool comment_begins(const char *p, const char *end)
{
    return end - p >= 2 && p[0] == '/' && (p[1] == '/' || p[1] == '*');
}

/* Turns comments into blanks, newlines kept. A comment without end stays, and the check will point at it. */
static void blank_comments(char *p, char *end)
{
    while (p < end) {
        char *comment = comment_begins(p, end) ? comment_end(p, end) : NULL;
        if (*p == '"') {
            p = string_end(p, end);
        } else if (!comment) {
            p++;
        }
        for (; comment && p < comment; p++) {
            *p = *p == '\n' || *p == '\r' ? *p : ' ';
        }
    }
}

/* A copy the caller frees: without byte order mark, comments blanked. */
static char *blanked_copy(struct str text, size_t *n)
{
    size_t mark = text.n >= 3 && memcmp(text.p, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0;
    *n = text.n - mark;
    char *copy = xmalloc(*n + 1);
    if (*n) {
        memcpy(copy, text.p + mark, *n);
    }
    copy[*n] = 0;
    blank_comments(copy, copy + *n);
    return copy;
}

cJSON *json_parse_commented(struct str text, const char *name, struct err *e)
{
    size_t n;
    char *copy = blanked_copy(text, &n);
    struct err inner = {0};
    struct str blanked = {copy, n};
    cJSON *tree = json_check(blanked, JSON_DEPTH_MAX, &inner) ? NULL : tree_of(blanked, &inner);
    if (!tree) {
        /* "line 12 column 5" becomes "name:12 column 5". */
        const char *line = inner.where[0] ? inner.where + strlen("line ") : "1";
        char where[sizeof inner.where];
        snprintf(where, sizeof where, "%.150s:%.30s", name, line);
        err_set(e, where, "%s", inner.what);
    }
    free(copy);
    return tree;
}

/* A walk to a path over a checked text: p stands on a value, path is what is still to go. */
struct walk {
    const char *p;
    const char *end;
    const char *path;
};

static void walk_blanks(struct walk *w)
{
    while (w->p < w->end && strchr(" \t\r\n", *w->p)) {
        w->p++;
    }
}

/* Goes behind the value w stands on. */
static void walk_over(struct walk *w)
{
    size_t used = 0;
    json_first((struct str){w->p, (size_t)(w->end - w->p)}, JSON_DEPTH_MAX, &used, NULL);
    w->p += used;
    walk_blanks(w);
}

/* Is the key literal at w->p, escapes undone, equal to `name`? */
static bool walk_key_is(const struct walk *w, struct str name)
{
    size_t used = 0;
    json_first((struct str){w->p, (size_t)(w->end - w->p)}, 1, &used, NULL);
    char *key = xmalloc(used);
    bool same = str_eq((struct str){key, json_unescape((struct str){w->p, used}, key)}, name);
    free(key);
    return same;
}

/* From an object to its member `name`. */
static bool walk_member(struct walk *w, struct str name)
{
    do {
        w->p++; /* the brace or the comma */
        walk_blanks(w);
        if (w->p >= w->end || *w->p != '"') {
            return false;
        }
        bool found = walk_key_is(w, name);
        walk_over(w);
        w->p++; /* the colon */
        walk_blanks(w);
        if (found) {
            return true;
        }
        walk_over(w);
    } while (w->p < w->end && *w->p == ',');
    return false;
}

/* From an array to its element `index`. */
static bool walk_element(struct walk *w, long index)
{
    do {
        w->p++; /* the bracket or the comma */
        walk_blanks(w);
        if (w->p >= w->end || *w->p == ']') {
            return false;
        }
        if (index-- == 0) {
            return true;
        }
        walk_over(w);
    } while (w->p < w->end && *w->p == ',');
    return false;
}

/* One step of the path, "name", ".name" or "[3]". */
static bool walk_step(struct walk *w)
{
    if (*w->path == '[') {
        char *behind;
        long index = strtol(w->path + 1, &behind, 10);
        bool ok = *w->p == '[' && index >= 0 && *behind == ']';
        w->path = ok ? behind + 1 : w->path;
        return ok && walk_element(w, index);
    }
    w->path += *w->path == '.';
    struct str name = {w->path, strcspn(w->path, ".[")};
    w->path += name.n;
    return *w->p == '{' && walk_member(w, name);
}

int json_line(struct str text, const char *path)
{
    size_t n;
    char *copy = blanked_copy(text, &n);
    struct walk w = {copy, copy + n, path};
    int line = json_check((struct str){copy, n}, JSON_DEPTH_MAX, NULL) == 0;
    walk_blanks(&w);
    while (line && *w.path) {
        line = walk_step(&w);
    }
    for (const char *p = copy; line && p < w.p; p++) {
        line += *p == '\n';
    }
    free(copy);
    return line;
}

struct str json_literal(const cJSON *number, char *out, size_t out_n)
{
    assert(cJSON_IsNumber(number) && out_n > 0);
    snprintf(out, out_n, "%.15g", number->valuedouble);
    if (strtod(out, NULL) != number->valuedouble) {
        snprintf(out, out_n, "%.17g", number->valuedouble);
    }
    return str_of(out);
}

/* Cuts a path back to what it is a member of. */
static void cut_last(char *path)
{
    size_t n = strlen(path);
    while (n > 0 && path[n - 1] != '.' && path[n - 1] != '[')
        n--;
    path[n > 0 ? n - 1 : 0] = '\0';
}

void json_where(char *out, size_t out_n, struct str text, const char *file, const char *path)
{
    char at[256];
    snprintf(at, sizeof at, "%s", path);
    int line = json_line(text, at);
    while (!line && *at) {
        cut_last(at);
        line = json_line(text, at);
    }
    if (line)
        snprintf(out, out_n, "%s:%d%s%s", file, line, *path ? " " : "", path);
    else
        snprintf(out, out_n, "%s%s%s", file, *path ? " " : "", path);
}

/* Reads up to cap bytes; the number read, or -1 with errno. */
static ssize_t read_all(int fd, char *out, size_t cap)
{
    size_t n = 0;
    while (n < cap) {
        ssize_t got = read(fd, out + n, cap - n);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return -1;
        }
        if (got == 0) {
            break;
        }
        n += (size_t)got;
    }
    return (ssize_t)n;
}

int json_read_file(const char *path, size_t max_n, char **text, size_t *n, struct err *e)
{
    *text = NULL;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return err_set(e, path, "cannot be opened: %s", strerror(errno));
    }
    struct stat st;
    size_t cap =
        fstat(fd, &st) == 0 && st.st_size > 0 && (size_t)st.st_size < max_n ? (size_t)st.st_size + 1 : max_n + 1;
    char *bytes = xmalloc(cap + 1);
    ssize_t got = read_all(fd, bytes, cap);
    int why = errno;
    close(fd);
    if (got < 0 || (size_t)got > max_n) {
        free(bytes);
        return got < 0 ? err_set(e, path, "cannot be read: %s", strerror(why))
                       : err_set(e, path, "found more than %zu bytes, expected at most these", max_n);
    }
    bytes[got] = 0;
    *text = bytes;
    *n = (size_t)got;
    return 0;
}
