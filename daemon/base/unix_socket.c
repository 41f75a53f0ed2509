/* Tells a living listener from a file left behind by connecting to it: only ECONNREFUSED means that nobody is there. */
#include "kefu/base/unix_socket.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static int open_socket(void)
{
    return socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
}

/* Removes what a dead listener left. -1 with e: something else is there. */
static int clear_path(const struct sockaddr_un *at, struct err *e)
{
    struct stat st;
    if (lstat(at->sun_path, &st) < 0) {
        return errno == ENOENT ? 0 : err_set(e, at->sun_path, "%s", strerror(errno));
    }
    if (!S_ISSOCK(st.st_mode)) {
        return err_set(e, at->sun_path, "found a file that is no socket, expected none; move it away");
    }
    int fd = open_socket();
    int rc = connect(fd, (const struct sockaddr *)at, sizeof(*at));
    int why = rc < 0 ? errno : 0;
    close(fd);
    if (why != ECONNREFUSED) {
        return err_set(e, at->sun_path,
                       "somebody listens there already; is another kefud running with this directory?");
    }
    return unlink(at->sun_path) == 0 ? 0
                                     : err_set(e, at->sun_path, "cannot remove the old socket: %s", strerror(errno));
}

int unix_listen(const char *path, mode_t mode, struct err *e)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof(at.sun_path)) {
        return err_set(e, path, "the path is longer than %zu bytes, which is all a socket can have",
                       sizeof(at.sun_path) - 1);
    }
    memcpy(at.sun_path, path, strlen(path));
    if (clear_path(&at, e) < 0) {
        return -1;
    }
    /* The file takes the mode of the descriptor less the umask, so it is at no moment more open than asked. */
    int fd = open_socket();
    if (fd < 0 || fchmod(fd, mode) < 0 || bind(fd, (struct sockaddr *)&at, sizeof(at)) < 0 || chmod(path, mode) < 0 ||
        listen(fd, 128) < 0) {
        err_set(e, path, "cannot listen: %s", strerror(errno));
        if (fd >= 0) {
            close(fd);
        }
        return -1;
    }
    return fd;
}

int unix_take_over(int fd, char path[UNIX_PATH_BYTES], struct err *e)
{
    struct sockaddr_un at = {0};
    socklen_t n = sizeof(at);
    int flags = fcntl(fd, F_GETFL);
    if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0 || getsockname(fd, (struct sockaddr *)&at, &n) < 0) {
        err_set(e, "socket that was handed over", "cannot be used: %s", strerror(errno));
        close(fd);
        return -1;
    }
    snprintf(path, UNIX_PATH_BYTES, "%.*s", (int)sizeof(at.sun_path), at.sun_path);
    return 0;
}
