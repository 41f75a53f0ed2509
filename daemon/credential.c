/* A name is one component, so that it cannot lead out of the folder. */
#include "kefu/daemon/credential.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kefu/model/config.h"

static const char *folder(void)
{
    const char *dir = getenv("CREDENTIALS_DIRECTORY");
    return dir && *dir ? dir : NULL;
}

bool credential_is(const char *path)
{
    return strncmp(path, CONFIG_CREDENTIAL, strlen(CONFIG_CREDENTIAL)) == 0;
}

bool credentials_are_here(void)
{
    return folder() != NULL;
}

int credential_file(const char *path, char file[PATH_MAX], struct err *e)
{
    int n;
    if (!credential_is(path)) {
        n = snprintf(file, PATH_MAX, "%s", path);
        return n < PATH_MAX ? 0 : err_set(e, path, "the path is too long");
    }
    const char *name = path + strlen(CONFIG_CREDENTIAL);
    if (!*name || strchr(name, '/') || name[0] == '.') {
        return err_set(e, path, "expected a name such as " CONFIG_CREDENTIAL "redis-password");
    }
    if (!folder()) {
        return err_set(e, path, "there are no credentials here; start kefud by its unit, or name a file instead");
    }
    n = snprintf(file, PATH_MAX, "%s/%s", folder(), name);
    return n < PATH_MAX ? 0 : err_set(e, path, "the path is too long");
}
