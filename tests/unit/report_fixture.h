/* What tests of libhyperdrive share: a run's folder, what was printed, what is in a batch, what is kept. */
#ifndef HD_TEST_REPORT_FIXTURE_H
#define HD_TEST_REPORT_FIXTURE_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdint.h>

#include "hyperdrive.h"

/* A checked fixture: HYPERDRIVE_RUN_DIR is a new folder, and stderr an unlinked file. */
void set_up(void);
void tear_down(void);
/* How often these words are on stderr. */
int count_printed(const char *words);
int64_t now_ms(void);

cJSON *parse(const char *body);
const cJSON *member(const cJSON *object, const char *name);
int64_t integer(const cJSON *object, const char *name);
/* Reports points with the steps from `from` to below `to`. */
void report_steps(struct hd_reporter *reporter, int64_t from, int64_t to);
/* Checks a batch of such points that begin with step `next`, which is moved behind them. Returns the rows. */
int check_steps(const char *body, int64_t sequence, int64_t *next);

/* Files in the spool. */
int count_kept(void);
void wait_kept(bool some);
/* Text of the only file with this sequence, whose name and content must agree; owned by the caller. */
char *read_kept(int64_t sequence);

#endif
