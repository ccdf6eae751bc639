/* Plays the log of a sweep to its policy: all reports and ends in the order of their ordinals, as they were when they came, and before them
 * the reports of inherited sweeps.
 *
 * So the policy's state is built anew from the store, and each decision is made again: one that a crash swallowed is found. Runs are read
 * side by side, a page of reports at a time, so that only what runs at once is in memory. Once it is opened a history belongs to the
 * thread that plays it. */
#ifndef HYPERDRIVED_HISTORY_H
#define HYPERDRIVED_HISTORY_H

#include <stdatomic.h>

#include "core/policy.h"
#include "store/store.h"

struct history;

/* NULL when memory is short. */
struct history *history_open(const struct hd_policy_rule *rule, struct hd_memory *memory, int64_t sweep);
void history_close(struct history *history);

/* Plays all that has been committed since the last call. 0; 1 when the policy's memory is too small; negative with `error`. After anything
 * but 0 the history can only be closed. `stop` ends it early. */
int history_play(struct history *history, struct store_reader *reader, const atomic_bool *stop, struct hd_error *error);
/* The ordinal up to which everything was played. */
int64_t history_ordinal(const struct history *history);
/* The policy, which is the caller's from then on. */
struct hd_policy *history_take_policy(struct history *history);

/* Gives each decision that stands and was not given before: of runs in Running, to stop them; and that one was not judged for want of a
 * metric, when the log does not say so. */
typedef void history_decision(void *context, const struct hd_decision *decision);
void history_found(struct history *history, history_decision *give, void *context);

#endif
