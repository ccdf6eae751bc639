/* How many large answers are prepared at once. Any thread. */
#ifndef HYPERDRIVED_API_BIG_ANSWER_H
#define HYPERDRIVED_API_BIG_ANSWER_H

#include "api.h"

/* 0, or HD_UNAVAILABLE when there are as many as may be; each that began ends with big_answer_end(). */
int big_answer_begin(struct api *api, struct hd_error *error);
void big_answer_end(struct api *api);

#endif
