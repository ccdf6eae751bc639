#include "outcome.h"

#include <stddef.h>

static const struct hd_outcome not_yet = {false, HD_STATUS_NONE, NULL};

/* What a sweep that nobody cancelled and no failure limit stopped comes to, by the table of reference 3.2. */
static struct hd_outcome natural_end(const struct hd_tally *tally)
{
    const char *generation_reason = tally->generation == HD_GENERATED_SPACE ? "search_space_exhausted" : "max_total_runs";

    if (tally->children == 0 || tally->completed > 0 || tally->canceled_well > 0) {
        return (struct hd_outcome){true, HD_COMPLETED, generation_reason};
    }
    if (tally->failed == tally->children) {
        return (struct hd_outcome){true, HD_FAILED, "all_children_failed"};
    }
    return (struct hd_outcome){true, HD_CANCELED, "children_canceled"};
}

struct hd_outcome hd_sweep_outcome(const struct hd_tally *tally)
{
    bool cancelled = tally->status == HD_CANCEL_REQUESTED || tally->generation == HD_GENERATED_CANCEL;

    if (hd_status_ended(tally->status) || tally->ended < tally->children) {
        return not_yet;
    }
    if (cancelled) {
        return (struct hd_outcome){true, HD_CANCELED, NULL};
    }
    if (tally->generation == HD_GENERATING) {
        return not_yet;
    }
    if (tally->generation == HD_GENERATED_FAILURES) {
        return (struct hd_outcome){true, HD_FAILED, "initial_failures"};
    }
    return natural_end(tally);
}

bool hd_failure_watch_end(struct hd_failure_watch *watch, enum hd_status ended_as, bool lost)
{
    if (watch->limit <= 0 || watch->off || lost) {
        return false;
    }
    if (ended_as != HD_FAILED) {
        watch->off = true;
        return false;
    }
    watch->failed++;
    return watch->failed == watch->limit;
}
