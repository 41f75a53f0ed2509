/* Who is who: the accounts of one person on several platforms, bound to one agent (agents.json).
 *
 * An array of {"agent": "zhangsan", "accounts": ["cw7:31", "wecom1:ZhangSan", "taobao:小雅"]}, comments allowed. An account
 * stands once. It is asked at the door, before an event is made: a binding acts on events received from then on, as phrase
 * lists do, and never rewrites what has been counted. An account that is bound to nobody is an agent of its own name, and is
 * listed as such; it is never dropped. */
#ifndef KEFU_COLLECTORS_PEOPLE_H
#define KEFU_COLLECTORS_PEOPLE_H

#include "kefu/base/err.h"
#include "kefu/base/str.h"

struct people;

/* Reads the text of a file. NULL with e: where = "file:line [n].field". The caller owns. */
struct people *people_read(struct str text, const char *file, struct err *e);
void people_free(struct people *p);
/* The agent of an account; absent: bound to nobody. p may be NULL (nobody is bound). Borrowed until people_free. */
struct str people_find(const struct people *p, struct str account);
size_t people_accounts_n(const struct people *p);

#endif
