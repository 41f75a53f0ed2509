/* Folders for a while: made under the folder for temporary files, and taken away with all that is in them. */
#ifndef KEFU_BASE_FOLDER_H
#define KEFU_BASE_FOLDER_H

#include <stddef.h>

#include "kefu/base/err.h"

/* $TMPDIR, else /tmp. */
const char *folder_for_temporaries(void);
/* Makes a folder "NAME-XXXXXX" there, mode 0700, and writes its path into out. -1 with e, and out is "". */
int folder_make(char *out, size_t out_n, const char *name, struct err *e);
/* Takes a folder away with everything in it, as far as it can; nothing for "". Follows no links. */
void folder_remove(const char *path);

#endif
