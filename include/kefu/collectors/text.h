/* What a message text is, told once at the door: a closer, a placeholder (SPEC.md, Ignored messages). Pure. */
#ifndef KEFU_COLLECTORS_TEXT_H
#define KEFU_COLLECTORS_TEXT_H

#include <stdbool.h>

#include "kefu/base/str.h"
#include "kefu/model/rulebook.h"

/* Is the text (valid UTF-8) a closer under the rulebook's closing phrases and particles? An empty text is none. */
bool text_is_closer(struct str text, const struct rulebook *r);
/* Is an agent's text nothing but placeholder phrases (with closing particles)? Never while none are configured. */
bool text_is_placeholder(struct str text, const struct rulebook *r);

#endif
