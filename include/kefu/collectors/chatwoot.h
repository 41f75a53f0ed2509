/* What the two files of Chatwoot share: a message and a conversation mean the same whether they came by webhook or were asked for. */
#ifndef KEFU_COLLECTORS_CHATWOOT_H
#define KEFU_COLLECTORS_CHATWOOT_H

#include "kefu/collectors/platform.h"

/* A message of the conversation with this number; conversation: the object around it, or NULL. */
void chatwoot_message(struct turned *out, const cJSON *message, struct str conversation_id, const cJSON *conversation);
/* The same for one of the list that was asked for; meta: what the answer tells of the conversation, or NULL. A rating in it counts. */
void chatwoot_asked_message(struct turned *out, const cJSON *message, struct str conversation_id, const cJSON *meta);
bool chatwoot_is_survey(const cJSON *message); /* of how it was, answered or not */
/* The beginning of a conversation, and its end if its snapshot tells one. */
void chatwoot_opened(struct turned *out, const cJSON *conversation, struct str conversation_id);
void chatwoot_ended(struct turned *out, const cJSON *conversation, struct str conversation_id);

#endif
