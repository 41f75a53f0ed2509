/* Whole lines of files and of standard input, in blocks, with their numbers.
 *
 * A block ends where a line ends; a last line without a line feed gets one. Nothing but the present block is held. */
#ifndef KEFU_CTL_LINES_H
#define KEFU_CTL_LINES_H

#include <stdbool.h>
#include <stdint.h>

#include "kefu/base/buf.h"
#include "kefu/base/err.h"
#include "kefu/base/str.h"

#define LINES_BLOCK_BYTES ((size_t)1 << 18)
#define LINES_LINE_MAX    ((size_t)1 << 20) /* longer ones are no events */

struct lines {
    const char *name; /* borrowed; "-" is standard input */
    int fd;
    bool ended;
    struct buf held; /* the block and the beginning of the next */
    size_t used_n;   /* of held: the block handed out */
    uint64_t line;   /* number of the block's first line, from 1 */
    uint64_t next_line;
    int64_t size_bytes; /* of the file; -1: unknown */
    int64_t read_bytes;
};

/* Opens a file or "-". -1 with e: not there, not readable, a directory, or compressed (the message has the mend). */
int lines_open(struct lines *l, const char *name, struct err *e);
/* Reads once and gives the whole lines there are (borrowed until the next call; perhaps none yet) and 1; 0 at the end; -1
 * with e: read error, or a line over LINES_LINE_MAX. Waits only if poll(2) on fd would. */
int lines_next(struct lines *l, struct str *block, struct err *e);
void lines_close(struct lines *l);

/* Is the text a file name for standard input? What people call it in messages. */
const char *lines_title(const char *name);

#endif
