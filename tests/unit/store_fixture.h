/* A store on a temporary folder and a loop that is run until a write comes back. */
#ifndef HD_TEST_STORE_FIXTURE_H
#define HD_TEST_STORE_FIXTURE_H

#include "core/specification.h"
#include "store/store.h"

struct store_fixture {
    uv_loop_t loop;
    struct store *store;
    char folder[64];
    char path[96];
    bool closed;
};

/* `vfs` NULL: the default file system layer. Fails the test when the store does not open. */
void fixture_open(struct store_fixture *fixture, const char *vfs);
void fixture_reopen(struct store_fixture *fixture, const char *vfs);
void fixture_close(struct store_fixture *fixture); /* the store only; the folder stays */
void fixture_remove(struct store_fixture *fixture);

/* Marks a write as back: for its `done`. */
void fixture_done(struct store_write *write);
/* Runs the loop until the write is back, at most 20 s. */
void fixture_wait(struct store_fixture *fixture, struct store_write *write);

/* A grid sweep of `count` configurations, stored. */
void fixture_specification(struct hd_specification *specification, const char *goal, int64_t count, int64_t failure_limit);
int64_t fixture_sweep(struct store_fixture *fixture, const char *id, const struct hd_specification *specification);
/* Generates children with slots; the result is in `request` (store_generate_clear). */
void fixture_generate(struct store_fixture *fixture, const struct hd_specification *specification, int64_t sweep, const char *id,
                      int64_t count, int64_t slots, struct store_generate *request);
/* Reports one float under "acc"; gives the write's result. */
int fixture_report(struct store_fixture *fixture, const char *run_id, double value);

#endif
