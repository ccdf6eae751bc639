/* The judge of a live sweep: what judge.c and judge_play.c share. Internal to the sweep room.
 *
 * The judge of a new sweep has seen all there is. That of a sweep found at start, or with inherited sweeps, has the pool play the log
 * first; reports that come meanwhile are answered and kept (or, when they are many, played from the log in another pass), and judged when
 * it is done. A judge whose policy needs more memory than there is rests until some becomes free. */
#ifndef HYPERDRIVED_JUDGE_H
#define HYPERDRIVED_JUDGE_H

#include "history.h"
#include "live.h"

/* What one report, or the end of a run, brings the policy. */
struct judged_reports {
    struct judged_reports *next;
    int64_t run;
    int64_t ordinal; /* of the last report */
    bool running;    /* the run's status at the report */
    bool ended;      /* the run has ended: no reports */
    int64_t count;
    double values[];
};

struct judge_stop;

struct judge {
    struct live_sweep *sweep;
    struct judge *next, **link; /* of all, in sweeps->judges */
    enum {
        JUDGE_WAITS,  /* for its turn to have the log played */
        JUDGE_PLAYS,  /* the pool plays the log */
        JUDGE_JUDGES, /* each report when it comes */
        JUDGE_RESTS,  /* for want of memory */
    } state;
    struct hd_policy *policy; /* while it judges */
    struct history *history;  /* while it waits and plays */
    uv_work_t work;
    int result; /* of the play */
    struct hd_error error;
    struct judged_reports *late, **late_tail; /* what came while the pool plays */
    int64_t late_values;
    bool late_lost;              /* too many: the log is played once more */
    bool told_rest;              /* the log says that it rests */
    struct judge_stop *unstored; /* stops that could not be stored; tried again */
    struct deadline retry;
};

/* judge.c */
/* Feeds the policy, and stores what it decides; takes over `reports`. `report` (NULL: none) waits for a stop: then this is true. */
bool judge_feed(struct judge *judge, struct judged_reports *reports, struct store_report *report, sweeps_judged *judged);
/* False when memory is short for a stop, which the log tells when it is played anew. `report` (NULL: none) waits for it. */
bool judge_apply(struct judge *judge, const struct hd_decision *decision, struct store_report *report, sweeps_judged *judged);
void judge_store_again(struct judge *judge);
void judge_drop_unstored(struct judge *judge);

/* judge_play.c */
void judge_keep(struct judge *judge, struct judged_reports *reports); /* takes over */
void judge_drop_late(struct judge *judge);
void judge_rest(struct judge *judge);
void judge_lose(struct judge *judge); /* a report, for want of memory: the log is played anew */

#endif
