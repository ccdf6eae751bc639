/* The direction of a primary metric and the one comparator that follows from it. */
#ifndef HD_CORE_GOAL_H
#define HD_CORE_GOAL_H

#include <stdbool.h>

enum hd_goal { HD_GOAL_NONE = 0, HD_MAXIMIZE = 1, HD_MINIMIZE = 2 }; /* stored in databases: never renumber */

/* "maximize", "minimize"; NULL for none. */
const char *hd_goal_name(enum hd_goal goal);
/* In any case of letters; HD_GOAL_NONE if it is neither. */
enum hd_goal hd_goal_parse(const char *name);
/* The rank key of a metric: smaller is better for either goal. Not for NaN, which has no rank. Its own inverse. */
double hd_goal_rank(enum hd_goal goal, double metric);
/* True if `candidate` is strictly better than `best`. NaN is never better, and anything else is better than NaN. */
bool hd_goal_better(enum hd_goal goal, double candidate, double best);

#endif
