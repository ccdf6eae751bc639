/* A policy as a word of the command line: `bandit,slack_factor=0.1,delay_evaluation=5`, or its JSON object. */
#ifndef HD_CLIENT_POLICY_TEXT_H
#define HD_CLIENT_POLICY_TEXT_H

#include <cjson/cJSON.h>

#include "core/problems.h"

/* The object of a specification's `policy`, which is still to be checked; NULL after adding what is wrong. The caller frees it. */
cJSON *policy_text_read(const char *text, struct hd_problems *problems);

#endif
