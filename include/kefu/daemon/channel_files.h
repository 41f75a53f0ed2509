/* The list of channels (model/channel.h) with what stands in files beside it: addresses and secrets. */
#ifndef KEFU_DAEMON_CHANNEL_FILES_H
#define KEFU_DAEMON_CHANNEL_FILES_H

#include "kefu/base/err.h"
#include "kefu/model/channel.h"

/* Reads the list and every file it names (relative to its folder, or a credential), and checks that each address may be asked.
 * -1 with e: where = "file:line field". out is to be freed by channels_fini either way. */
int channel_files_load(const char *file, struct channels *out, struct err *e);

#endif
