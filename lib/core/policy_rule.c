/* The rules of the policies as formulas, each operation in the form of the reference and rounded on its own. */
#include <math.h>

#include "policy.h"

const char *hd_policy_name(enum hd_policy_type type)
{
    static const char *const NAMES[] = {
        [HD_POLICY_NONE] = "none",
        [HD_BANDIT] = "bandit",
        [HD_MEDIAN_STOPPING] = "median_stopping",
        [HD_TRUNCATION_SELECTION] = "truncation_selection",
    };

    return NAMES[type];
}

bool hd_policy_applies(const struct hd_policy_rule *rule, int64_t report)
{
    return rule->type != HD_POLICY_NONE && report % (rule->interval > 0 ? rule->interval : 1) == 0 && report >= rule->delay;
}

/* The slack on the smaller side; that of an infinite number is 0, so that no infinities are subtracted from each other. */
static double slack_of(const struct hd_policy_rule *rule, double smaller)
{
    if (isinf(smaller))
        return 0;
    return rule->by_factor ? fabs(smaller) * rule->slack : rule->slack;
}

bool hd_bandit_stops(const struct hd_policy_rule *rule, double best, double value, double *ret_slack)
{
    double smaller = rule->goal == HD_MAXIMIZE ? value : best, larger = rule->goal == HD_MAXIMIZE ? best : value;

    *ret_slack = slack_of(rule, smaller);
    return smaller + *ret_slack < larger;
}

int64_t hd_truncation_quota(const struct hd_policy_rule *rule, int64_t runs)
{
    return runs * rule->percentage / 100;
}
