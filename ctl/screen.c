/* The terminal. Keeps true: what screen_enter changed, screen_leave changes back, once. Refuses nothing; a terminal that is gone
 * is noticed by whoever reads from it. */
#include "kefu/ctl/screen.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "kefu/base/buf.h"
#include "kefu/base/utf8.h"
#include "kefu/ctl/grid.h"

#define ENTER "\033[?1049h\033[?25l\033[2J"
#define LEAVE "\033[?25h\033[?1049l"
#define PLAIN "\033[0m"

bool screen_is_there(void)
{
    return isatty(STDIN_FILENO) == 1 && isatty(STDOUT_FILENO) == 1;
}

static void say(const char *p, size_t n)
{
    while (n) {
        ssize_t written = write(STDOUT_FILENO, p, n);
        if (written <= 0)
            return;
        p += written;
        n -= (size_t)written;
    }
}

void screen_enter(struct screen *s)
{
    if (s->entered || tcgetattr(STDIN_FILENO, &s->before) != 0)
        return;
    struct termios raw = s->before;
    raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO); /* signals of the keyboard stay */
    raw.c_cc[VMIN] = 1;
    raw.c_cc[VTIME] = 0;
    (void)tcsetattr(STDIN_FILENO, TCSANOW, &raw);
    say(ENTER, sizeof ENTER - 1);
    s->entered = true;
}

void screen_leave(struct screen *s)
{
    if (!s->entered)
        return;
    s->entered = false;
    say(LEAVE, sizeof LEAVE - 1);
    (void)tcsetattr(STDIN_FILENO, TCSANOW, &s->before);
}

void screen_size(size_t *lines_n, size_t *columns_n)
{
    struct winsize w = {0};
    bool said = ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) == 0 && w.ws_row && w.ws_col;
    *lines_n = said ? w.ws_row : 24;
    *columns_n = said ? w.ws_col : 80;
}

/* Length of a colour at p; 0: there is none. */
static size_t colour(const char *p, const char *end)
{
    const char *at = p;
    if (end - p < 3 || p[0] != '\033' || p[1] != '[')
        return 0;
    while (at < end && *at != 'm')
        at++;
    return at < end ? (size_t)(at - p) + 1 : 0;
}

struct str screen_cut(struct str line, size_t columns_n)
{
    size_t width = 0, used = 0;
    while (used < line.n) {
        const char *p = line.p + used, *end = line.p + line.n;
        size_t n = colour(p, end);
        if (!n) {
            n = utf8_length(p, end);
            n = n ? n : 1;
            width += grid_width((struct str){p, n});
        }
        if (width > columns_n)
            break;
        used += n;
    }
    return (struct str){line.p, used};
}

void screen_paint(struct str text)
{
    struct buf out = {0};
    size_t lines_n, columns_n;
    screen_size(&lines_n, &columns_n);
    buf_put(&out, "\033[H", 3);
    for (size_t i = 0; i < lines_n && text.n; i++) {
        const char *feed = memchr(text.p, '\n', text.n);
        struct str line = {text.p, feed ? (size_t)(feed - text.p) : text.n};
        size_t past = line.n + (feed ? 1 : 0);
        buf_put_str(&out, screen_cut(line, columns_n));
        buf_put_str(&out, STR_LIT(PLAIN "\033[K"));
        if (i + 1 < lines_n)
            buf_put_str(&out, STR_LIT("\r\n"));
        text = (struct str){text.p + past, text.n - past};
    }
    buf_put(&out, "\033[J", 3);
    say(out.p, out.n);
    buf_fini(&out);
}
