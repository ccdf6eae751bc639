/* New points of runs, merged: each run that reports is told of at most four times a second, with the newest value of each of its names. */
#ifndef HYPERDRIVED_API_NEWS_POINTS_H
#define HYPERDRIVED_API_NEWS_POINTS_H

#include <stdint.h>
#include <uv.h>

#include "core/text.h"
#include "store/store.h"

enum { NEWS_RUNS = 1024 }; /* that wait to be told of; while there are so many, others wait for their next report */

struct news_points {
    uv_timer_t timer; /* runs from the first report on that is to be told */
    struct store *store;
    int64_t runs[NEWS_RUNS]; /* keys, those that reported first come first */
    int count;
    void (*tell)(void *data, int64_t sweep, const struct hd_text *message);
    void *data;
    void (*closed)(void *data);
};

void news_points_init(struct news_points *news, uv_loop_t *loop, struct store *store,
                      void (*tell)(void *data, int64_t sweep, const struct hd_text *message), void *data);
/* The run has new points. */
void news_points_note(struct news_points *news, int64_t run);
/* Tells now of those that wait, as many as are told at once. */
void news_points_tell(struct news_points *news);
void news_points_close(struct news_points *news, void (*closed)(void *data)); /* with `data` */

#endif
