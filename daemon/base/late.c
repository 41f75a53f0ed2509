/* dlopen with an answer that says what to install. Keeps true: a table is filled whole, or the caller is told. */
#include "kefu/base/late.h"

#include <dlfcn.h>
#include <string.h>

int late_load(const char *library, const char *package, const struct late_symbol *symbols, void *table, struct err *e)
{
    void *handle = dlopen(library, RTLD_NOW | RTLD_LOCAL);
    if (!handle) {
        return err_set(e, library, "this library is needed here and cannot be loaded; install the package %s", package);
    }
    for (; symbols->name; symbols++) {
        void *f = dlsym(handle, symbols->name);
        if (!f) {
            return err_set(e, library, "it lacks %s; install the package %s of Debian 12 or later", symbols->name,
                           package);
        }
        memcpy((char *)table + symbols->offset, &f, sizeof(f)); /* POSIX lets a function be found as an object */
    }
    return 0;
}
