/* Early termination policies (reference, section 7): when a child that reports is to be stopped.
 *
 * A policy is fed with every report of the primary metric, each one in the order in which it was taken, and answers whether the child that
 * reported is to be stopped. What it keeps does not depend on the order of reports of different children, only on which have come: from a
 * child that has not ended its reports so far in a few numbers, and at each interval where the policy applies what all children had come to
 * there. So one report costs O(log n) in the number of children, no report is read again, and a policy that is fed anew with the same
 * reports decides the same. */
#ifndef HD_CORE_POLICY_H
#define HD_CORE_POLICY_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdint.h>

#include "goal.h"
#include "memory.h"
#include "problems.h"
#include "text.h"

enum hd_policy_type { HD_POLICY_NONE = 0, HD_BANDIT = 1, HD_MEDIAN_STOPPING = 2, HD_TRUNCATION_SELECTION = 3 };

/* `bandit`, `median_stopping`, `truncation_selection`; `none`. */
const char *hd_policy_name(enum hd_policy_type type);

struct hd_policy_rule {
    enum hd_policy_type type;
    enum hd_goal goal;
    int64_t interval; /* evaluation_interval; 0 is treated as 1 */
    int64_t delay;    /* delay_evaluation */
    bool by_factor;   /* bandit: `slack` is the slack_factor, else the slack_amount */
    double slack;
    int64_t percentage;    /* truncation selection */
    bool exclude_finished; /* truncation selection: children that have ended are not in the ranking */
};

/* Reads a `policy` of a specification as `config` has it, with every default filled in; NULL and null are no policy. */
void hd_policy_rule_read(const cJSON *policy, enum hd_goal goal, struct hd_policy_rule *ret_rule);
/* Checks a policy object that is given alone and reads it. On any finding -1 and all of them in `errors`. */
int hd_policy_rule_parse(const cJSON *policy, enum hd_goal goal, struct hd_problems *errors, struct hd_problems *warnings,
                         struct hd_policy_rule *ret_rule);

/* --- The rules themselves ----------------------------------------------------------------------------------------------------------- */

/* Is the policy applied at a child's n-th report (7.1)? */
bool hd_policy_applies(const struct hd_policy_rule *rule, int64_t report);
/* 7.3: is a child whose best is `value` to be stopped, where `best` is the best of all? `ret_slack` is for display. */
bool hd_bandit_stops(const struct hd_policy_rule *rule, double best, double value, double *ret_slack);
/* 7.5: how many of n runs are the lowest ones. */
int64_t hd_truncation_quota(const struct hd_policy_rule *rule, int64_t runs);

/* --- A policy at work --------------------------------------------------------------------------------------------------------------- */

/* What was decided about one report, and the numbers it was decided by. */
struct hd_decision {
    bool stop;
    bool no_metric; /* for the first time the policy applies to a child whose reports so far are all NaN: it was not judged */
    enum hd_policy_type type;
    int64_t run;
    int64_t interval; /* the report's number within its child */
    double value;     /* the child's best so far */
    double threshold; /* what it was compared with */
    int64_t runs;     /* bandit, truncation: runs in the reference set; median: averages */
    double best;      /* bandit: of the reference set */
    int64_t best_run; /* bandit: whose; of equal ones the newest */
    double slack;     /* bandit */
    int64_t rank;     /* truncation: runs that are not better, itself included */
    int64_t quota;    /* truncation */
};

struct hd_policy;

/* A run is known by a number that ascends in the order of creation. What the policy keeps is counted in `memory`, which outlives it; NULL
 * when there is too little. */
struct hd_policy *hd_policy_new(const struct hd_policy_rule *rule, struct hd_memory *memory);
void hd_policy_free(struct hd_policy *policy);
/* The next report of a run. Only a run in Running is judged, and one that was to be stopped is not judged again. 0, or -1 when memory is
 * short: then nothing is known any more and hd_policy_free is all that is left to do. */
int hd_policy_report(struct hd_policy *policy, int64_t key, double value, bool running, struct hd_decision *ret_decision);
/* The run could not be stopped, since it was not Running any more when the stop was to be stored: if it runs again (as the next attempt of
 * the same child) it is judged again. */
void hd_policy_judge_again(struct hd_policy *policy, int64_t key);
/* The run has ended: no more reports of it come. A run that never reported need not be told. */
void hd_policy_end(struct hd_policy *policy, int64_t key);

/* The sentence of a decision to stop: `bandit: at report 10 the best Accuracy was 0.65; ...`. */
void hd_decision_sentence(struct hd_text *out, const struct hd_decision *decision, const char *metric);
/* The `stop_reason` of reference 3.1. `best_run_id` is wanted for bandit. */
void hd_decision_reason(struct hd_text *out, const struct hd_decision *decision, const char *metric, const char *best_run_id,
                        int64_t at_us);

#endif
