/* The progress of a sweep in words: a few lines that a terminal redraws in place, or one line for a log. */
#ifndef HD_CLIENT_PROGRESS_H
#define HD_CLIENT_PROGRESS_H

#include <cjson/cJSON.h>

#include "output.h"

struct progress {
    struct output *output;
    int lines;  /* drawn on the terminal, and to be drawn over */
    char *last; /* owned; what was printed last when this is no terminal */
};

/* Shows the state of a sweep (a sweep resource). `best` is the configuration of its best child, or NULL. False when memory is short. */
bool progress_show(struct progress *progress, const cJSON *sweep, const cJSON *best);
/* Takes the lines off the terminal, to print something else. */
void progress_erase(struct progress *progress);
void progress_close(struct progress *progress);

/* How many children the sweep may have; 0 when that is not known. */
double progress_total(const cJSON *sweep);

/* The parts by themselves. The time left is in seconds; negative when it is not known. */
double progress_left(const cJSON *sweep);
void progress_counts(struct hd_text *out, const cJSON *sweep);
void progress_best(struct hd_text *out, const cJSON *sweep, const cJSON *best);

#endif
