/* What all harnesses share. A harness is one file with one LLVMFuzzerTestOneInput(): clang links it with libFuzzer, and every other build
 * with main.c, which only goes through the kept corpus. */
#ifndef HD_TEST_FUZZ_H
#define HD_TEST_FUZZ_H

#include <cjson/cJSON.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/problems.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What must hold for every input; also in builds without assertions. */
#define FUZZ_REQUIRE(condition)                                                                                                            \
    do {                                                                                                                                   \
        if (!(condition)) {                                                                                                                \
            fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);                                                        \
            abort();                                                                                                                       \
        }                                                                                                                                  \
    } while (0)

/* The input as a string of its own: one byte behind it is one too many. The caller frees. */
char *fuzz_string(const uint8_t *data, size_t size);
/* A new descriptor of a file with this content; it has no name. */
int fuzz_file(const void *data, size_t size);
/* A new folder, in memory where there is such a place; it is removed at the end. */
const char *fuzz_folder(void);
/* A descriptor of that folder, in which the file `name` has this content. It stays open. */
int fuzz_folder_with(const char *name, const uint8_t *data, size_t size);
/* A sweep's specification as a daemon reads it from `body`, and again from what it has stored; then some of its children. */
void fuzz_specification(const cJSON *body);

#endif
