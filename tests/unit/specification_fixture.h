/* Bodies of sweeps for tests: a small right one, and changes to it. */
#ifndef HD_TESTS_SPECIFICATION_FIXTURE_H
#define HD_TESTS_SPECIFICATION_FIXTURE_H

#include <cjson/cJSON.h>

#include "core/specification.h"

enum { FIXTURE_CHANGES = 4 };

struct change {
    const char *path;  /* dotted; NULL: no change */
    const char *value; /* JSON text; NULL: the member is taken out */
};

/* The right body: two parameters (lr, --layers), a metric, a script. The caller frees it. */
cJSON *fixture_body(void);
/* Parses JSON that has to be right. */
cJSON *fixture_json(const char *text);
/* Makes one change in a body. */
void fixture_change(cJSON *body, const char *path, const char *value);
cJSON *fixture_changed_body(const struct change *changes, int count);
/* The printed form; owned. */
char *fixture_print(const cJSON *json);

/* Knows the directory /src and the file /data/iris.csv. */
extern const struct hd_specification_options fixture_options;

/* A specification from a body that has to be right; the warnings may be NULL when there are to be none. */
void fixture_specification(const cJSON *body, struct hd_problems *warnings, struct hd_specification *ret);

/* One that is expected; code NULL: no more of them. */
struct finding {
    const char *code;
    const char *target; /* NULL: none */
    const char *message;
};
/* All of these, at most `most`, and no others. */
void fixture_check_findings(const struct hd_problems *problems, const struct finding *findings, size_t most);

/* What the output prints, sent again, makes an equal sweep, whatever seed would be drawn then. */
void fixture_check_fixed_point(const struct hd_specification *specification);

/* A number sequence that is the same on every machine; 24 bits. */
uint32_t fixture_random(uint32_t *state);

#endif
