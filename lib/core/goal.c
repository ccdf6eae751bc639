#include "goal.h"

#include <math.h>
#include <stddef.h>
#include <strings.h>

static const char *const goal_names[] = {[HD_MAXIMIZE] = "maximize", [HD_MINIMIZE] = "minimize"};

enum { GOAL_COUNT = sizeof goal_names / sizeof goal_names[0] };

const char *hd_goal_name(enum hd_goal goal)
{
    return (size_t)goal < GOAL_COUNT ? goal_names[goal] : NULL;
}

enum hd_goal hd_goal_parse(const char *name)
{
    for (size_t i = 0; name != NULL && i < GOAL_COUNT; i++) {
        if (goal_names[i] != NULL && strcasecmp(name, goal_names[i]) == 0) {
            return (enum hd_goal)i;
        }
    }
    return HD_GOAL_NONE;
}

double hd_goal_rank(enum hd_goal goal, double metric)
{
    /* Neither form gives -0.0 for a zero: SQLite stores -0.0 as 0.0, and a best of 0.0 must come back as 0.0. */
    return goal == HD_MAXIMIZE ? 0.0 - metric : 0.0 + metric;
}

bool hd_goal_better(enum hd_goal goal, double candidate, double best)
{
    if (isnan(candidate)) {
        return false;
    }
    return isnan(best) || hd_goal_rank(goal, candidate) < hd_goal_rank(goal, best);
}
