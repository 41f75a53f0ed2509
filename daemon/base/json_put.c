/* One form of a member, so that what is written twice is the same bytes. */
#include "kefu/base/json_put.h"

#include <inttypes.h>

void json_put_name(struct buf *out, const char *name)
{
    bool begins = out->n > 0 && out->p[out->n - 1] == '{';
    buf_printf(out, "%s\"%s\":", begins ? "" : ",", name);
}

void json_put_text(struct buf *out, const char *name, struct str text)
{
    json_put_name(out, name);
    buf_put_json(out, text);
}

void json_put_known(struct buf *out, const char *name, struct str text)
{
    if (text.n)
        json_put_text(out, name, text);
}

void json_put_whole(struct buf *out, const char *name, int64_t value)
{
    json_put_name(out, name);
    buf_printf(out, "%" PRId64, value);
}

void json_put_truth(struct buf *out, const char *name, bool value)
{
    json_put_name(out, name);
    buf_put_str(out, value ? STR_LIT("true") : STR_LIT("false"));
}

void json_put_texts(struct buf *out, const char *name, const struct str *texts, size_t n)
{
    json_put_name(out, name);
    buf_put_byte(out, '[');
    for (size_t i = 0; i < n; i++) {
        if (i)
            buf_put_byte(out, ',');
        buf_put_json(out, texts[i]);
    }
    buf_put_byte(out, ']');
}
