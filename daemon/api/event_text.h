/* How events are told: as lines of a sweep's log (reference 3.4) and as messages of a stream. One row of a table per kind. */
#ifndef HYPERDRIVED_API_EVENT_TEXT_H
#define HYPERDRIVED_API_EVENT_TEXT_H

#include "core/text.h"
#include "store/store.h"

/* `[TIME][COMPONENT][LEVEL]TEXT`; nothing for a kind that is not known. */
void event_text_line(struct hd_text *text, const struct store_event *event);
/* A Server-Sent Event with the ordinal as its id; nothing for a kind that is not known. */
void event_text_message(struct hd_text *text, const struct store_event *event);

#endif
