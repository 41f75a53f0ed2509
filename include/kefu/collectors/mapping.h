/* A mapping file: how the rows of somebody's table become events. JSON with comments.
 *
 *   {"name": "tb",                       // source of the events, prefix of ids and accounts
 *    "timezone": "Asia/Shanghai",        // of times without an offset (this is the default)
 *    "encoding": "auto",                 // auto, utf-8 or gbk
 *    "skip": {"column": "昵称", "is": ["汇总值", "平均值"]},
 *    "events": [{"type": "rating", "conversation": "会话", "ts": ["评价时间", "时间"], "score": "评分", "agent": "昵称"}]}
 *
 * An event has a type of the event table, perhaps "when" it applies, and for each of its fields where the value is: a column's
 * name, a list of names of which the first that is there counts, "=WORD" for that word itself, or an object
 * {"column": …, "and": a column to put behind it with a blank, "plus": a column of lengths of time to add, or two, "unit": "s" or
 * "min" of bare lengths, "words": {"满意": "5"} to translate}. A row whose value for a field that must be is nothing ("-") makes
 * no such event. Without "id" an event's id follows from what it says, text and customer aside, so that the same file again
 * changes nothing.
 * The type "transcript" takes a cell that holds a whole chat ("text"), a line a message, and whose chat it is ("customer"). */
#ifndef KEFU_COLLECTORS_MAPPING_H
#define KEFU_COLLECTORS_MAPPING_H

#include <stdint.h>

#include "kefu/base/err.h"
#include "kefu/collectors/turned.h"

struct mapping;

/* Reads the text of a file. NULL with e: where = "file:line field". The caller owns. Reads a time zone: call before threads
 * start. */
struct mapping *mapping_read(struct str text, const char *file, struct err *e);
void mapping_free(struct mapping *m);
struct str mapping_name(const struct mapping *m);
/* "auto", "utf-8" or "gbk". */
struct str mapping_encoding(const struct mapping *m);
/* Finds the columns in a table's first row. -1 with e: one that is needed is not there; the message lists those that are. A new
 * table begins: rows that say the same as ones of an earlier table are the same. */
int mapping_head(struct mapping *m, const struct str *cells, size_t n, struct err *e);
/* What a row becomes. Reasons name the column. */
void mapping_row(struct mapping *m, const struct str *cells, size_t n, struct turned *out);

#endif
