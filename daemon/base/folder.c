/* Making and removing. It refuses a path that does not fit, rather than cut it. */
#include "kefu/base/folder.h"

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *folder_for_temporaries(void)
{
    const char *tmp = getenv("TMPDIR");
    return tmp && *tmp ? tmp : "/tmp";
}

int folder_make(char *out, size_t out_n, const char *name, struct err *e)
{
    const char *tmp = folder_for_temporaries();
    int n = snprintf(out, out_n, "%s/%s-XXXXXX", tmp, name);
    if (n > 0 && (size_t)n < out_n && mkdtemp(out))
        return 0;
    int code = (size_t)n < out_n ? errno : ENAMETOOLONG;
    out[0] = 0;
    return err_set(e, tmp, "no folder can be made there: %s", strerror(code));
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
    (void)st;
    (void)type;
    (void)at;
    return remove(path);
}

void folder_remove(const char *path)
{
    if (path[0])
        nftw(path, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}
