/* Questions to the daemon and their answers as tables: what the asking commands share. */
#ifndef KEFU_CTL_ASK_H
#define KEFU_CTL_ASK_H

#include <cjson/cJSON.h>

#include "kefu/base/str.h"
#include "kefu/ctl/cli.h"
#include "kefu/ctl/grid.h"

/* Asks and prints: with --json the answer as it came, else by `print`. */
enum cli_exit ask(const struct cli *c, struct str request, void (*print)(const cJSON *answer));

/* Appends what somebody typed as a JSON string; bytes that are no UTF-8 become '?'. */
void ask_put_typed(struct buf *request, struct str typed);

/* Adds a member of an object as a cell: texts as they are, true and false as yes and no, what is not there as "-". */
void ask_cell(struct grid *g, const cJSON *object, const char *key);
/* The same of a time in milliseconds since 1970, as local date and time. */
void ask_time_cell(struct grid *g, const cJSON *object, const char *key);
/* Prints a grid to standard output and frees it. */
void ask_print(struct grid *g);
/* Prints a list of objects as a table, its n members as columns under their own names; "at" and "confirm_from" are times. */
void ask_print_list(const cJSON *list, const char *const *keys, size_t n);
/* Begins a grid of n columns with a row of titles. */
void ask_titles(struct grid *g, const char *const *titles, size_t n);

#endif
